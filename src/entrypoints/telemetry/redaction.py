"""Makes whatever somebody logs safe to write: plain values, and no secret in any of them."""

import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeAlias

from profilecore.entrypoints.variables import HIDDEN

Hide: TypeAlias = Callable[[str], str]

_DEPTH_MAX: Final = 5
_WORD_MAX: Final = 3


def hider(secrets: Collection[str]) -> Hide:
    """A function that puts `***` in place of every secret in a text.

    A secret of three characters or fewer is only replaced where it stands alone, since it would
    otherwise be found all over innocent words.
    """
    longest_first = sorted(secrets, key=len, reverse=True)
    pattern = "|".join(
        re.escape(secret) if len(secret) > _WORD_MAX else rf"(?<!\w){re.escape(secret)}(?!\w)"
        for secret in longest_first
    )
    if not pattern:
        return lambda text: text
    found = re.compile(pattern)
    return lambda text: found.sub(HIDDEN, text)


def plain(value: object, hide: Hide, depth: int = 0) -> Any:
    """A value as JSON can hold it, whatever it was, with the secrets in it hidden."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        # Through the text, because a number may be a secret too.
        text = str(int(value))
        return int(value) if hide(text) == text else HIDDEN
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if depth < _DEPTH_MAX and isinstance(value, Mapping):
        return {_text(k, hide): plain(v, hide, depth + 1) for k, v in value.items()}
    if depth < _DEPTH_MAX and isinstance(value, list | tuple | set | frozenset):
        return [plain(item, hide, depth + 1) for item in value]
    return _text(value, hide)


def _text(value: object, hide: Hide) -> str:
    try:
        return hide(value if isinstance(value, str) else str(value))
    except Exception as error:  # somebody's __str__, which must not become their caller's error
        return f"<{type(value).__name__}: {type(error).__name__} when shown>"
