"""Whatever obstore raises is Unavailable, with a sentence for people and its cause."""

import inspect

import pytest
from obstore import exceptions

from profilecore.adapters.obstore.errors import is_absent, translated
from profilecore.errors import Invalid, Unavailable

RAISED = [
    kind
    for _, kind in inspect.getmembers(exceptions, inspect.isclass)
    if issubclass(kind, Exception)
]


def raise_through(error: Exception) -> None:
    with translated():
        raise error


def test_the_walk_meets_them_all() -> None:
    assert len(RAISED) > 9
    assert {exceptions.GenericError, exceptions.InvalidPathError} <= set(RAISED)


@pytest.mark.parametrize("kind", [*RAISED, OSError, ValueError, UnicodeEncodeError])
def test_each_exception_class_is_translated(kind: type[Exception]) -> None:
    error = kind("secret") if kind is not UnicodeEncodeError else kind("utf-8", "secret", 0, 1, "")
    with pytest.raises(Unavailable) as meant:
        raise_through(error)
    assert meant.value.__cause__ is error
    assert meant.value.detail.startswith("The store of images ")
    assert "secret" not in meant.value.detail


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError("x"), "did not answer in time"),
        (exceptions.PermissionDeniedError("x"), "refused access"),
        (PermissionError("x"), "refused access"),
        (exceptions.UnauthenticatedError("x"), "refused the credentials"),
        (FileNotFoundError("x"), "is not there"),
        (ValueError("x"), "cannot be used as it is set up"),
        (exceptions.UnknownConfigurationKeyError("x"), "cannot be used as it is set up"),
        (exceptions.GenericError("x"), "cannot be reached"),
        (OSError("x"), "cannot be reached"),
    ],
)
def test_what_it_says(error: Exception, words: str) -> None:
    with pytest.raises(Unavailable, match=words):
        raise_through(error)


@pytest.mark.parametrize("error", [Invalid("x"), KeyError("x")])
def test_what_is_not_its_own_passes(error: Exception) -> None:
    with pytest.raises(type(error)) as passed:
        raise_through(error)
    assert passed.value is error


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("404 Not Found: <Code>NoSuchKey</Code>", True),
        ("404 Not Found: <Code>NoSuchBucket</Code>", False),
        ("404 Not Found: <Code>ContainerNotFound</Code>", False),
        ('404: {"message": "The specified bucket does not exist."}', False),
    ],
)
def test_a_bucket_that_is_missing_is_not_a_file_that_is(text: str, absent: bool) -> None:
    assert is_absent(FileNotFoundError(text)) is absent
