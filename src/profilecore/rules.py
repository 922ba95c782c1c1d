"""What a profile's fields may hold: every rule once, with the message people see."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from profilecore.errors import FieldError, Invalid

NAME_MAX = 255
EMAIL_MAX = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets of a path
EMAIL_LOCAL_MAX = 64
BIO_MAX = 10_000
OWNER_MAX = 255
IMAGE_URLS_MAX = 32
URL_MAX = 2_048

_SURROGATES = "\ud800-\udfff"
_CONTROL = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_SURROGATES}]")
_CONTROL_IN_TEXT = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_SURROGATES}]")
_BLANK = re.compile(r"\s")

# dot-atom of RFC 5322 with the UTF-8 of RFC 6531: no quoted local part, no address literal.
_ATOM = "[\\w!#$%&'*+/=?^`{|}~\u00a1-\u2027\u202a-\ud7ff\ue000-\U0010ffff-]+"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*\.(?!\d+\Z){_LABEL}")


def email_key(email: str) -> str:
    """What makes an email unique: no regard to case, and one spelling for a domain.

    Raises UnicodeError where the domain has no IDNA form.
    """
    local, _, domain = email.rpartition("@")
    if not domain.isascii():
        domain = domain.encode("idna").decode("ascii")
    return f"{local}@{domain}".lower()


def fold(text: str) -> str:
    """The form in which names are compared, searched and sorted, the same in every store."""
    return text.casefold()


def is_line(text: str) -> bool:
    """Whether a text is one line that every store can keep: no control, no lone surrogate."""
    return not _CONTROL.search(text)


def checked(values: Mapping[str, object], *, required: Iterable[str] = ()) -> dict[str, Any]:
    """Give the writable fields among `values` in the form in which they are kept.

    Only the fields given are checked and returned: `name` and `email` trimmed, `image_urls` as
    a tuple. Raises Invalid that names every field at fault, missing and unknown ones included.
    """
    errors = [FieldError(field, "is required") for field in required if field not in values]
    kept: dict[str, object] = {}
    for field, value in values.items():
        rule = _RULES.get(field)
        if rule is None:
            allowed = ", ".join(_RULES)
            errors.append(
                FieldError(field, f"is not a field that can be written; allowed: {allowed}")
            )
        else:
            kept[field] = rule(field, value, errors)
    if errors:
        names = ", ".join(dict.fromkeys(error.field for error in errors))
        raise Invalid(f"Not valid: {names}.", errors=errors)
    return kept


def _text(field: str, value: object, errors: list[FieldError]) -> str | None:
    if isinstance(value, str):
        return value
    errors.append(FieldError(field, "must be text"))
    return None


def _name(field: str, value: object, errors: list[FieldError]) -> str | None:
    name = _text(field, value, errors)
    if name is None:
        return None
    name = name.strip()
    if not name:
        errors.append(FieldError(field, "must not be empty"))
    elif len(name) > NAME_MAX:
        errors.append(
            FieldError(field, f"must have at most {NAME_MAX} characters, not {len(name)}")
        )
    elif _CONTROL.search(name):
        errors.append(FieldError(field, "must not contain control characters"))
    return name


def _email(field: str, value: object, errors: list[FieldError]) -> str | None:
    email = _text(field, value, errors)
    if email is None:
        return None
    email = email.strip()
    if len(email) > EMAIL_MAX:
        errors.append(
            FieldError(field, f"must have at most {EMAIL_MAX} characters, not {len(email)}")
        )
    elif not _is_email(email):
        errors.append(FieldError(field, "must be an email address such as ada@example.com"))
    return email


def _is_email(email: str) -> bool:
    if not _EMAIL.fullmatch(email) or email.index("@") > EMAIL_LOCAL_MAX:
        return False
    try:
        email_key(email)
    except UnicodeError:
        return False
    return True


def _bio(field: str, value: object, errors: list[FieldError]) -> str | None:
    bio = _text(field, value, errors)
    if bio is None:
        return None
    if len(bio) > BIO_MAX:
        errors.append(FieldError(field, f"must have at most {BIO_MAX} characters, not {len(bio)}"))
    elif _CONTROL_IN_TEXT.search(bio):
        errors.append(FieldError(field, "must not contain control characters but tab and line end"))
    return bio


def _image_urls(field: str, value: object, errors: list[FieldError]) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        errors.append(FieldError(field, "must be a list of URLs"))
        return ()
    if len(value) > IMAGE_URLS_MAX:
        errors.append(
            FieldError(field, f"must have at most {IMAGE_URLS_MAX} URLs, not {len(value)}")
        )
        return ()
    for index, url in enumerate(value):
        if not isinstance(url, str) or not _is_web_url(url):
            message = f"must be an absolute http or https URL of at most {URL_MAX} characters"
            errors.append(FieldError(f"{field}[{index}]", message))
    return tuple(value)


def _owner(field: str, value: object, errors: list[FieldError]) -> object:
    known = isinstance(value, str) and 1 <= len(value) <= OWNER_MAX and is_line(value)
    if value is not None and not known:
        message = f"must be text of 1 to {OWNER_MAX} characters, without control characters"
        errors.append(FieldError(field, message))
    return value


def _is_web_url(url: str) -> bool:
    if len(url) > URL_MAX or _CONTROL.search(url) or _BLANK.search(url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises on a port that is no number
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


_RULES: dict[str, Callable[[str, object, list[FieldError]], object]] = {
    "name": _name,
    "email": _email,
    "bio": _bio,
    "image_urls": _image_urls,
    "owner": _owner,
}
WRITABLE = tuple(_RULES)
