"""Handlers whose effects stand in PostgreSQL: for the campaigns of tasks.

A process has them where this folder is on its PYTHONPATH, and EFFECTS says where the database is
(see `tests.support.fleet`).
"""

import asyncio
import os
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import psycopg

from profilecore import Attempt, Context, Handler
from tests.support.faultpoints import reached

_SHORT = timedelta(seconds=1)
_connection: psycopg.AsyncConnection | None = None
_connecting = asyncio.Lock()


async def _execute(statement: str, *parameters: object) -> None:
    global _connection  # noqa: PLW0603 - one for all that run in this process
    async with _connecting:
        if _connection is None or _connection.closed:
            _connection = await psycopg.AsyncConnection.connect(
                os.environ["EFFECTS"], autocommit=True
            )
    await _connection.execute(statement.encode(), parameters)


async def _effect(context: Context, payload: Mapping[str, Any]) -> dict[str, int]:
    """Note that it was begun; have an effect, once however often it is tried."""
    task_id, number, pid = context.attempt.task_id, context.attempt.number, os.getpid()
    await _execute("INSERT INTO attempts VALUES (%s, %s, %s)", task_id, number, pid)
    reached("before effect")
    await asyncio.sleep(payload.get("seconds", 0))
    await _execute(
        "INSERT INTO effects VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", task_id, number, pid
    )
    reached("after effect")
    return {"attempt": number, "pid": pid}


async def _fail(context: Context, payload: Mapping[str, Any]) -> None:
    raise ValueError(f"attempt {context.attempt.number} failed")


async def _never(context: Context, payload: Mapping[str, Any]) -> None:
    await asyncio.sleep(600)


def _never_in_thread(context: Context, payload: Mapping[str, Any]) -> None:
    time.sleep(600)


def never_in_process(attempt: Attempt, payload: Mapping[str, Any]) -> None:
    time.sleep(600)


def handlers() -> list[Handler]:
    return [
        Handler(type="test.effect", run=_effect),
        Handler(type="test.always-fails", run=_fail),
        Handler(type="test.never", run=_never, timeout=_SHORT),
        Handler(type="test.never-in-thread", run=_never_in_thread, timeout=_SHORT),
        Handler(type="test.never-in-process", run=never_in_process, timeout=_SHORT, process=True),
    ]
