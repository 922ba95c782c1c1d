"""Makes the suite's asserts say what they compared, as those in test files do."""

import pytest

pytest.register_assert_rewrite("tests.contracts.imager")
