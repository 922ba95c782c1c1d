"""The contract suites of the ports, for whoever writes an adapter: with pytest and hypothesis.

Each suite is a class in a module of its own; subclass it with `traits` and a fixture `place` (see
`profilecore.testing.places`), and pytest runs it. They come with the extra `testing`.
"""

import pkgutil

import pytest

# So that their asserts say what they compared, as those in test files do.
_suites = (f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__))
pytest.register_assert_rewrite(*_suites)
