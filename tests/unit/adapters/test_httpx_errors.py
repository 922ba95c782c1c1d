"""Whatever the HTTP client raises is Unavailable, with a reason for people and its cause."""

import inspect
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

import httpx
import pytest

from profilecore.adapters.callback.errors import translated as calling_back
from profilecore.adapters.cdn.errors import translated as purging
from profilecore.adapters.jwt.fetching import translated as fetching
from profilecore.errors import Invalid, Unavailable
from profilecore.tasks import GiveUp

RAISED = [
    kind for _, kind in inspect.getmembers(httpx, inspect.isclass) if issubclass(kind, Exception)
]


class Adapter(NamedTuple):
    """One that asks over HTTP: how its sentences begin, and what it says of what nobody knows."""

    translated: Callable[[], AbstractContextManager[None]]
    who: str
    otherwise: str


ADAPTERS = {
    "callback": Adapter(lambda: calling_back("hooks.test"), "hooks.test", "could not be called"),
    "cdn": Adapter(lambda: purging("varnish:6081"), "varnish:6081", "could not be told to purge"),
    "jwt": Adapter(fetching, "it", "could not be asked"),
}


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return ADAPTERS[request.param]


def made(kind: type[Exception]) -> Exception:
    request = httpx.Request("POST", "https://hooks.test/?token=secret")
    if kind is httpx.HTTPStatusError:
        return httpx.HTTPStatusError("secret", request=request, response=httpx.Response(500))
    return kind() if "message" not in inspect.signature(kind).parameters else kind("secret")


def raise_through(adapter: Adapter, error: Exception) -> None:
    with adapter.translated():
        raise error


def test_the_walk_meets_them_all() -> None:
    assert len(RAISED) > 25
    assert {httpx.ConnectTimeout, httpx.InvalidURL, httpx.StreamClosed} <= set(RAISED)


@pytest.mark.parametrize("kind", RAISED)
def test_each_exception_class_is_translated(adapter: Adapter, kind: type[Exception]) -> None:
    error = made(kind)
    with pytest.raises(Unavailable) as meant:
        raise_through(adapter, error)
    assert meant.value.__cause__ is error
    assert meant.value.detail.startswith(f"{adapter.who} ")
    assert "secret" not in meant.value.detail


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ConnectTimeout("x"), "did not answer in time"),
        (httpx.ReadTimeout("x"), "did not answer in time"),
        (TimeoutError(), "did not answer in time"),
        (httpx.ConnectError("x"), "cannot be reached"),
        (httpx.ReadError("x"), "broke the connection off"),
        (httpx.CloseError("x"), "broke the connection off"),
        (httpx.RemoteProtocolError("x"), "did not answer in HTTP"),
        (httpx.LocalProtocolError("x"), None),
        (ConnectionResetError("x"), None),
        (ssl.SSLError("x"), None),
    ],
)
def test_what_it_says(adapter: Adapter, error: Exception, words: str | None) -> None:
    with pytest.raises(Unavailable) as meant:
        raise_through(adapter, error)
    assert meant.value.detail.rstrip(".") == f"{adapter.who} {words or adapter.otherwise}"


def test_a_certificate_that_is_not_trusted_is_named(adapter: Adapter) -> None:
    wrong = ssl.SSLCertVerificationError("secret")
    wrong.verify_message = "self-signed certificate"
    error = httpx.ConnectError("secret")
    error.__cause__ = wrong
    with pytest.raises(Unavailable, match="can be trusted: self-signed certificate"):
        raise_through(adapter, error)


@pytest.mark.parametrize("error", [Invalid("x"), GiveUp("x"), KeyError("x")])
def test_what_is_not_its_own_passes(adapter: Adapter, error: Exception) -> None:
    with pytest.raises(type(error)) as passed:
        raise_through(adapter, error)
    assert passed.value is error
