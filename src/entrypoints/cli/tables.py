"""Tables for people, and `profilecore config`: the settings in force, without secrets."""

import json
from collections.abc import Sequence

from profilecore.entrypoints.settings import Settings


def as_json(settings: Settings) -> str:
    """Every setting by its name."""
    rows = {
        row.name: {"value": row.value, "from": row.origin, "help": row.help}
        for row in settings.rows
    }
    return json.dumps(rows, indent=2, ensure_ascii=False)


def as_table(settings: Settings) -> str:
    """Every setting on a line of its own, in columns."""
    return aligned([("NAME", "VALUE", "FROM", "WHAT IT IS"), *settings.rows])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """A line for each row, with its cells in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[-1] = 0  # nothing is beside it
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
