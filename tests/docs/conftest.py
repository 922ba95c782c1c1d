"""Makes the comparison say how a page and an output differ."""

import pytest

pytest.register_assert_rewrite("tests.docs.likeness", "tests.docs.session")
