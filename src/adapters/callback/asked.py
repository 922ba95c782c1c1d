"""What a callback is asked to send, checked."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from profilecore.errors import FieldError, Invalid

URL_MAX: Final = 2_048
HEADERS_MAX: Final = 16
VALUE_MAX: Final = 1_000
_FIELDS: Final = ("url", "body", "headers")
_HEADER: Final = re.compile(r"accept|accept-language|traceparent|tracestate|x-[a-z0-9-]{1,60}")
# What a proxy tells of a caller, and receivers believe.
_TOLD_BY_PROXIES: Final = re.compile(r"x-(forwarded|real|original|client|cluster|envoy|amz)\b.*")
_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class Asked:
    """A payload that will do. `host` is in lower case, and as the DNS has it."""

    url: httpx.URL
    host: str
    body: bytes
    headers: Mapping[str, str]

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self:
        """Raises Invalid that names what is wrong."""
        for name in payload:
            if name not in _FIELDS:
                raise Invalid.field(name, f"is not known; it takes {', '.join(_FIELDS)}")
        url = _url(payload.get("url"))
        body = json.dumps(
            payload.get("body", {}), ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
        host = url.raw_host.decode("ascii").lower()
        return cls(url, host, body.encode(), _headers(payload.get("headers", {})))


def _url(text: object) -> httpx.URL:
    if not isinstance(text, str) or not 1 <= len(text) <= URL_MAX:
        raise Invalid.field("url", f"must be a URL of at most {URL_MAX:,} characters")
    try:
        url = httpx.URL(text)
        strict = urlsplit(text)
        has_user = "@" in strict.netloc or bool(url.userinfo)
    except (httpx.InvalidURL, ValueError):
        raise Invalid.field("url", "is not a URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise Invalid.field("url", "must be an http or https URL with a host")
    if has_user:
        raise Invalid.field("url", "may not have a user or a password: what is sent is signed")
    return url


def _headers(given: object) -> Mapping[str, str]:
    if not isinstance(given, Mapping) or len(given) > HEADERS_MAX:
        raise Invalid.field("headers", f"must be an object of at most {HEADERS_MAX} headers")
    errors = []
    for name, value in given.items():
        if not _HEADER.fullmatch(name.lower()) or _TOLD_BY_PROXIES.fullmatch(name.lower()):
            may = "may be Accept, Accept-Language, Traceparent, Tracestate, or one of yours with X-"
            errors.append(FieldError(f"headers.{name}", may))
        elif not isinstance(value, str) or len(value) > VALUE_MAX or not _VALUE.fullmatch(value):
            must = f"must be 1 to {VALUE_MAX:,} visible ASCII characters, with spaces between them"
            errors.append(FieldError(f"headers.{name}", must))
    if errors:
        names = ", ".join(error.field for error in errors)
        raise Invalid(f"Not valid: {names}.", errors=errors)
    return dict(given)
