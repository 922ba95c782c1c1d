"""What the commands that work on the store by themselves have in common."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from profilecore import ProfileService
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.variables import BadSetting

T = TypeVar("T")


def with_store(work: Callable[[ProfileService], Awaitable[T]]) -> T:
    """Open the store that the environment names, work on it, and close it."""
    from profilecore.entrypoints.opening import opened
    from profilecore.entrypoints.telemetry import configure_logging

    settings = Settings.read("tool", os.environ)
    if settings.database == "memory":
        raise BadSetting("DATABASE", "is 'memory', which is empty and ends with this command.")
    configure_logging(settings)

    async def run() -> T:
        async with opened(settings) as parts:
            return await work(parts.service)

    return asyncio.run(run())
