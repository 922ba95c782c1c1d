"""`profilecore config`: the settings in force, without secrets."""

import json

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
    head = ("NAME", "VALUE", "FROM", "WHAT IT IS")
    rows = [head, *settings.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]))
        for row in rows
    )
