"""Whatever the HTTP client raises is Unavailable, with a reason for people and its cause."""

import inspect
import ssl

import httpx
import pytest

from profilecore.adapters.jwt.fetching import translated
from profilecore.errors import Invalid, Unavailable

RAISED = [
    kind for _, kind in inspect.getmembers(httpx, inspect.isclass) if issubclass(kind, Exception)
]


def made(kind: type[Exception]) -> Exception:
    request = httpx.Request("GET", "https://issuer.test/?token=secret")
    if kind is httpx.HTTPStatusError:
        return httpx.HTTPStatusError("secret", request=request, response=httpx.Response(500))
    return kind() if "message" not in inspect.signature(kind).parameters else kind("secret")


def raise_through(error: Exception) -> None:
    with translated():
        raise error


def test_the_walk_meets_them_all() -> None:
    assert len(RAISED) > 25
    assert {httpx.ConnectTimeout, httpx.InvalidURL, httpx.StreamClosed} <= set(RAISED)


@pytest.mark.parametrize("kind", RAISED)
def test_each_exception_class_is_translated(kind: type[Exception]) -> None:
    error = made(kind)
    with pytest.raises(Unavailable) as meant:
        raise_through(error)
    assert meant.value.__cause__ is error
    assert meant.value.detail.startswith("it ")
    assert "secret" not in meant.value.detail


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ConnectTimeout("x"), "did not answer in time"),
        (TimeoutError(), "did not answer in time"),
        (httpx.ConnectError("x"), "cannot be reached"),
        (httpx.ReadError("x"), "broke the connection off"),
        (httpx.RemoteProtocolError("x"), "did not answer in HTTP"),
        (httpx.LocalProtocolError("x"), "could not be asked"),
        (ConnectionResetError("x"), "could not be asked"),
        (ssl.SSLError("x"), "could not be asked"),
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
