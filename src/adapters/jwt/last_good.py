"""The last keys that could be used, and whether those there now can."""

from collections.abc import Callable
from typing import TypeAlias

from profilecore.adapters.jwt.key_set import KeySet
from profilecore.errors import Unavailable

Say: TypeAlias = Callable[[bool, str], None]
"""Takes whether it is well again, and a sentence; called when that turns."""


class LastGood:
    """Keeps the keys of `where` when newer ones cannot be had, and says so once."""

    def __init__(self, where: str, say: Say) -> None:
        self.keys: KeySet | None = None
        self.failing = False
        self._where = where
        self._say = say

    def take(self, text: bytes) -> KeySet:
        """Use these keys from now on; the same text is the same object. Raises Invalid."""
        if self.keys is None or self.keys.text != text:
            self.keys = KeySet.read(text)
        if self.failing:
            self.failing = False
            self._say(True, f"The keys of the issuer in {self._where} can be used again.")
        return self.keys

    def failed(self, reason: str, cause: Exception) -> KeySet:
        """Stay with those there are. Raises Unavailable where there are none."""
        detail = f"The keys of the issuer in {self._where} cannot be used: {reason}."
        if self.keys is None:
            raise Unavailable(detail) from cause
        if not self.failing:
            self.failing = True
            self._say(False, f"{detail} The last good ones are used.")
        return self.keys
