"""Makes the asserts of shared helpers say what they compared, as those in test files do."""

import pytest

pytest.register_assert_rewrite(
    *(f"tests.support.{module}" for module in ("http", "sse", "processes", "sockets", "inside"))
)
