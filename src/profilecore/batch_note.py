"""What the receipt of a batch has to say of its items."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from profilecore.errors import Conflict, FieldError, Invalid, NotFound, ProfilecoreError

_KINDS: Final = {kind.__name__: kind for kind in (Conflict, Invalid, NotFound)}


@dataclass(frozen=True, slots=True)
class Note:
    """Which items were written, in their order, and which were refused before, and with what.

    Refusals name fields, ids and versions, never a value that was sent. `request_id` is of whom
    those speak that do not say it themselves.
    """

    items: Sequence[int]
    refused: Mapping[int, ProfilecoreError]
    request_id: str

    def encode(self) -> str:
        """A text to keep."""
        refused = {index: self._kept(error) for index, error in self.refused.items()}
        kept = {"items": list(self.items), "refused": refused, "request_id": self.request_id}
        return json.dumps(kept, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read what `encode` wrote."""
        kept = json.loads(text)
        refused = {int(index): _error(parts) for index, parts in kept["refused"].items()}
        return cls(kept["items"], refused, kept["request_id"])

    def _kept(self, error: ProfilecoreError) -> list[Any]:
        kind = next(name for name, kind in _KINDS.items() if isinstance(error, kind))
        fields = [(e.field, e.message) for e in getattr(error, "errors", ())]
        said_to = error.request_id or self.request_id
        return [kind, error.code, error.detail, getattr(error, "version", None), fields, said_to]


def _error(parts: list[Any]) -> ProfilecoreError:
    kind, code, detail, version, fields, said_to = parts
    error: ProfilecoreError
    if kind == "Invalid":
        error = Invalid(detail, code=code, errors=[FieldError(*field) for field in fields])
    elif kind == "Conflict":
        error = Conflict(detail, code=code, version=version)
    else:
        error = NotFound(detail, code=code)
    error.request_id = said_to
    return error
