"""What the commands that work on the store by themselves have in common."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from profilecore import ProfileService
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.variables import BadSetting

if TYPE_CHECKING:
    from profilecore.entrypoints.parts import Parts

T = TypeVar("T")


def with_store(work: Callable[[ProfileService], Awaitable[T]]) -> T:
    """Open the store that the environment names, work on its profiles, and close it."""
    return with_parts(tool_settings(), lambda parts: work(parts.service))


def tool_settings() -> Settings:
    """What the environment says to a tool, which needs a store that outlives it."""
    settings = Settings.read("tool", os.environ)
    if settings.database == "memory":
        raise BadSetting("DATABASE", "is 'memory', which is empty and ends with this command.")
    return settings


def with_parts(settings: Settings, work: Callable[["Parts"], Awaitable[T]]) -> T:
    """Open the store, work on whatever is in it, and close it."""
    from profilecore.entrypoints.opening import opened
    from profilecore.entrypoints.telemetry import configure_logging

    configure_logging(settings)

    async def run() -> T:
        async with opened(settings) as parts:
            return await work(parts)

    return asyncio.run(run())
