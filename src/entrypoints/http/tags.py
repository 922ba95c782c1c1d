"""Entity tags (RFC 9110, section 8.8.3): those of versions, and lists of any."""

import re
from typing import Final

FORM: Final = 'If-Match takes ETags such as "v7"; a weak one, such as W/"v7", never matches.'

_TAG = re.compile(r'(W/)?("[^"]*")')
_OURS = re.compile(r'"v([1-9]\d{0,17})"')


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"v{version}"'


def versions(if_match: str) -> frozenset[int]:
    """The versions that the header names (strong comparison); none where it is no list of tags."""
    if _TAG.sub("", if_match).strip(", \t"):
        return frozenset()
    ours = [_OURS.fullmatch(tag) for weak, tag in _TAG.findall(if_match) if not weak]
    return frozenset(int(tag[1]) for tag in ours if tag)


def is_known(if_none_match: str | None, tag: str) -> bool:
    """Whether the header names this entity tag (weak comparison)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in [t for _, t in _TAG.findall(if_none_match)]
