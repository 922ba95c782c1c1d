"""Makes the suites' asserts say what they compared, as those in test files do."""

import pytest

pytest.register_assert_rewrite(
    *(
        f"tests.contracts.{suite}"
        for suite in (
            *("profiles", "lists", "log", "cache", "queue", "tasks"),
            *("blobs", "holds", "imager", "tokens", "limits"),
        )
    ),
    "tests.contracts.machine",
    "tests.contracts.task_machine",
)
