"""What a callback may be asked to send."""

from typing import Any

import pytest

from profilecore.adapters.callback import callback
from profilecore.adapters.callback.asked import Asked
from profilecore.errors import Invalid
from profilecore.reach import Allowed
from profilecore.tasks import Handlers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://hooks.example.com/done?x=1"


def handlers(*allowed: str, secret: str | None = SECRET) -> Handlers:
    return Handlers([callback([Allowed.read(text) for text in allowed], secret)])


def refused(payload: dict[str, Any], *allowed: str, secret: str | None = SECRET) -> Invalid:
    with pytest.raises(Invalid) as raised:
        handlers(*allowed, secret=secret).check("http.callback", payload)
    return raised.value


@pytest.mark.parametrize(
    "payload",
    [
        {"url": URL},
        {"url": "HTTPS://HOOKS.example.com:443"},
        {"url": URL, "body": None},
        {"url": URL, "body": ["ü", 1.5, {"a": {}}]},
        {"url": URL, "headers": {}},
        {"url": URL, "headers": {"X-Tenant": "a b", "traceparent": "00-1-1-00", "Accept": "*/*"}},
    ],
)
def test_what_will_do(payload: dict[str, Any]) -> None:
    handlers("hooks.example.com").check("http.callback", payload)


@pytest.mark.parametrize(
    ("payload", "field", "says"),
    [
        ({}, "url", "must be a URL"),
        ({"url": None}, "url", "must be a URL"),
        ({"url": ""}, "url", "must be a URL"),
        ({"url": f"{URL}{'x' * 2_048}"}, "url", "at most 2,048"),
        ({"url": "hooks.example.com"}, "url", "http or https"),
        ({"url": "ftp://hooks.example.com"}, "url", "http or https"),
        ({"url": "file:///etc/passwd"}, "url", "http or https"),
        ({"url": "https://"}, "url", "http or https"),
        ({"url": "https://hooks.example.com:x"}, "url", "not a URL"),
        ({"url": "https://[::1"}, "url", "not a URL"),
        ({"url": "https://hooks.example.com/\n"}, "url", "not a URL"),
        ({"url": "https://ada@hooks.example.com/"}, "url", "user or a password"),
        ({"url": "https://@hooks.example.com/"}, "url", "user or a password"),
        ({"url": "https://hooks.example.com@evil.example/"}, "url", "user or a password"),
        ({"url": "https://hooks.example.com\\@evil.example/"}, "url", "user or a password"),
        ({"url": "https://evil.example/"}, "url", "CALLBACK_HOSTS"),
        ({"url": "https://evil.example#hooks.example.com"}, "url", "CALLBACK_HOSTS"),
        ({"url": "https://evil.example?hooks.example.com"}, "url", "CALLBACK_HOSTS"),
        ({"url": "https://hooks.example.com:8443/"}, "url", "CALLBACK_HOSTS"),
        ({"url": "http://127.0.0.1/"}, "url", "CALLBACK_HOSTS"),
        ({"url": "http://2130706433/"}, "url", "CALLBACK_HOSTS"),
        ({"url": "http://0x7f.1/"}, "url", "CALLBACK_HOSTS"),
        ({"url": "http://0177.0.0.1/"}, "url", "not a URL"),
        ({"url": "http://[::ffff:127.0.0.1]/"}, "url", "CALLBACK_HOSTS"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "url", "CALLBACK_HOSTS"),
        ({"url": URL, "method": "GET"}, "method", "url, body, headers"),
        ({"url": URL, "headers": None}, "headers", "at most 16"),
        ({"url": URL, "headers": {f"X-{n}": "x" for n in range(17)}}, "headers", "at most 16"),
        *(
            ({"url": URL, "headers": {name: "x"}}, f"headers.{name}", "one of yours with X-")
            for name in (
                *("Host", "Authorization", "Cookie", "Content-Length", "Transfer-Encoding"),
                *("Webhook-Id", "Webhook-Signature", "Idempotency-Key", "Connection", "", "X-"),
                *("X-Forwarded-For", "x-real-ip", "X-A\r\nHost", "X-A:", "Ünï", "X-Ü"),
            )
        ),
        *(
            ({"url": URL, "headers": {"X-A": value}}, "headers.X-A", "visible ASCII")
            for value in ("", " a", "a\r\nHost: b", "a\0", "ü", "x" * 1_001, 7, None)
        ),
    ],
)
def test_what_is_refused(payload: dict[str, Any], field: str, says: str) -> None:
    (error,) = refused(payload, "hooks.example.com").errors
    assert error.field == f"payload.{field}"
    assert says in error.message


def test_without_the_settings_each_is_refused_with_their_names() -> None:
    assert "CALLBACK_HOSTS" in refused({"url": URL}).detail
    assert "CALLBACK_SECRET" in refused({"url": URL}, "hooks.example.com", secret=None).detail


def test_a_name_is_looked_at_as_the_dns_has_it() -> None:
    asked = Asked.of({"url": "https://BÜCHER.example/ü"})
    assert asked.host == "xn--bcher-kva.example"
    handlers("xn--bcher-kva.example").check("http.callback", {"url": "https://Bücher.example"})


def test_a_body_that_is_not_given_is_an_empty_object() -> None:
    assert Asked.of({"url": URL}).body == b"{}"
    assert Asked.of({"url": URL, "body": None}).body == b"null"
    assert Asked.of({"url": URL, "body": {"a": "ü"}}).body == '{"a":"ü"}'.encode()
