"""What may stand in settings about who is believed to be whom."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from profilecore.entrypoints.variables import PATH, BadSetting, Kind, is_loopback, shown

# Those with which a key that is public makes no signature.
_ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "EdDSA", "Ed25519"),
)
_VISIBLE: Final = re.compile(r"[!-~]{1,2000}")


def _jwks(text: str) -> str | Path:
    if "://" not in text:
        return PATH.parse(text)
    parts = urlsplit(text)
    plain = _VISIBLE.fullmatch(text) and not any(mark in text for mark in "@#\\")
    if not plain or not parts.hostname or parts.port == 0:
        raise ValueError(text)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError(text)  # whoever is in between would sign tokens with keys of his own
    return text


def _algorithms(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not set(names) <= set(_ALGORITHMS):
        raise ValueError(text)
    return names


JWKS = Kind("a path, or https://host:port/path, or http:// to a loopback address", _jwks)
ALGORITHMS = Kind(f"{', '.join(_ALGORITHMS)}, several separated by commas", _algorithms)


def must_authenticate(host: str, mode: str) -> None:
    """Raise BadSetting where others than this machine could do all, whoever they are."""
    if mode == "none" and not is_loopback(host):
        raise BadSetting(
            "AUTH_MODE",
            f"is 'none', which is for loopback addresses, and SERVER_HOST is "
            f"{shown(host)}; it takes 127.0.0.1, ::1 or localhost.",
        )
