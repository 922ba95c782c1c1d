"""Whatever Redis' client raises is Unavailable, with a sentence for people and its cause."""

import inspect

import pytest
from redis import exceptions

from profilecore.adapters.redis.errors import translated
from profilecore.errors import Conflict, Unavailable

RAISED = [
    kind
    for _, kind in inspect.getmembers(exceptions, inspect.isclass)
    if issubclass(kind, Exception)
]
ARGUMENTS: dict[type[Exception], tuple[str, ...]] = {
    exceptions.AskError: ("1 host:1",),
    exceptions.MovedError: ("1 host:1",),
}


def raise_through(error: BaseException) -> None:
    with translated():
        raise error


def test_the_walk_meets_them_all() -> None:
    assert len(RAISED) > 35
    assert {exceptions.TimeoutError, exceptions.ClusterDownError} <= set(RAISED)


@pytest.mark.parametrize("kind", RAISED)
def test_each_exception_class_is_translated(kind: type[Exception]) -> None:
    error = kind(*ARGUMENTS.get(kind, ("secret at 10.0.0.1",)))
    with pytest.raises(Unavailable) as meant:
        raise_through(error)
    assert meant.value.__cause__ is error
    assert meant.value.detail.startswith("Redis ")
    assert "secret" not in meant.value.detail


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (exceptions.TimeoutError("x"), "timeout", "in time"),
        (TimeoutError("x"), "timeout", "in time"),
        (exceptions.AuthenticationError("x"), "unavailable", "username or password"),
        (exceptions.OutOfMemoryError("x"), "unavailable", "out of memory"),
        (ConnectionResetError("x"), "unavailable", "cannot be reached"),
        (RuntimeError("the handler is closed"), "unavailable", "cannot be reached"),
        (EOFError("x"), "unavailable", "failed"),
        (UnicodeError("x"), "unavailable", "failed"),
    ],
)
def test_what_it_says(error: Exception, code: str, words: str) -> None:
    with pytest.raises(Unavailable, match=words) as meant:
        raise_through(error)
    assert meant.value.code == code


@pytest.mark.parametrize("error", [Conflict("x"), KeyError("x")])
def test_what_is_not_its_own_passes(error: Exception) -> None:
    with pytest.raises(type(error)) as passed:
        raise_through(error)
    assert passed.value is error
