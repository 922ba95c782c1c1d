"""How one setting is declared, and read from the environment."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType
from typing import Any, Final, NamedTuple, TypeVar, cast

from profilecore.entrypoints.variables import HIDDEN, BadSetting, Kind, shown

T = TypeVar("T")

DEFAULT: Final = "default"


class Row(NamedTuple):
    """One setting for a person to look at; a secret's value is `***`, one not set is `-`."""

    name: str
    value: str
    origin: str
    help: str


@dataclass(frozen=True, slots=True)
class Variable:
    """How one setting is read; defaults are texts, as the environment would have them.

    `unless` holds the commands with a default of their own, `...` where there is none and the
    variable has to be set.
    """

    kind: Kind[Any]
    default: str | None
    help: str
    unless: Mapping[str, str | EllipsisType]


def variable(kind: Kind[T], default: str | None, help: str, **unless: str | EllipsisType) -> T:
    """Declare a row of the table; a default of None means that it may stay unset."""
    row = Variable(kind, default, help, unless)
    return cast("T", dataclasses.field(metadata={"variable": row}))


def table(settings: type[Any]) -> dict[str, Variable]:
    """The rows of a class of settings, by field."""
    return {
        field.name: field.metadata["variable"]
        for field in dataclasses.fields(settings)
        if "variable" in field.metadata
    }


def look_up(
    name: str, row: Variable, command: str, env: Mapping[str, str]
) -> tuple[str | None, str]:
    """The text of a variable, None for one that is not set, and where it is from."""
    text = env.get(name)
    path = env.get(f"{name}_FILE") if row.kind.secret else None
    if text and path:
        raise BadSetting(f"{name}_FILE", f"and {name} are both set; give one of them.")
    if path:
        return _secret_in(f"{name}_FILE", path), f"file {shown(path)}"
    if text:
        return text, "environment"
    default = row.unless.get(command, row.default)
    if isinstance(default, EllipsisType):
        raise BadSetting(name, f"has to be set for `{command}`; it takes {row.kind.takes}.")
    return default, DEFAULT


def _secret_in(name: str, path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        problem = f"names a file that cannot be read: {shown(path)} ({why})."
        raise BadSetting(name, problem) from None  # a decoding error holds the bytes
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise BadSetting(name, f"names a file that is empty: {shown(path)}.")
    return text


def parsed(name: str, kind: Kind[Any], text: str) -> object:
    """What a text means; BadSetting, which does not quote a secret, for one that means nothing."""
    try:
        return kind.parse(text)
    except ValueError:
        # Without its cause, which quotes the value.
        problem = "cannot be used" if kind.secret else f"is {shown(text)}"
        raise BadSetting(name, f"{problem}; it takes {kind.takes}.") from None


def displayed(kind: Kind[Any], text: str | None) -> str:
    """A text for a person to look at."""
    if text is None:
        return "-"
    if kind.secret:
        return HIDDEN
    return text if text.isprintable() else shown(text)
