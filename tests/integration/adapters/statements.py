"""Statements past the adapters."""

import sqlite3
from pathlib import Path
from typing import Any

from profilecore.adapters.sqlite import SqliteDatabase


def sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for one in statements:
        connection.execute(one)
    connection.commit()
    connection.close()


async def run(database: SqliteDatabase, text: str, *parameters: object) -> list[Any]:
    """All rows of one statement, read or written."""

    def job(connection: sqlite3.Connection) -> list[Any]:
        return connection.execute(text, parameters).fetchall()

    return await (database.write(job) if text.startswith("UPDATE ") else database.read(job))
