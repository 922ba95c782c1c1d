"""Work that goes on beside the requests, for as long as a process runs."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from loguru import logger


@asynccontextmanager
async def running(name: str, work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Keep `work` going in the background; if it ends by itself, say so."""
    task = begun(name, work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})


def begun(name: str, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """A task that says so where an error ends it."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_report)
    return task


def _report(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.opt(exception=task.exception()).error("{} has stopped", task.get_name())
