"""The command that looks for what should not be."""

import asyncio
import os
from typing import Annotated

import typer

from profilecore.entrypoints.cli.exits import ExitCode
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.variables import BadSetting, shown


def doctor(
    cache: Annotated[
        bool, typer.Option("--cache", help="Compare the cache with the database.")
    ] = False,
    sample: Annotated[
        int | None, typer.Option(min=1, help="About so many profiles, at random, and not all.")
    ] = None,
) -> int:
    """Look for what should not be.

    With --cache: whether Redis holds profiles at a version that is not the database's. All that
    live are looked up, and those deleted lately; what differs is looked at again after a second,
    since a write may be under way. Redis is repaired by the servers: while none runs, it may be
    behind the log. CACHE=memory and CACHE=noop have nothing that could be looked at from outside.

    The exit code is 0 where nothing is stale, and 1 where something is.

    \b
    Examples:
      CACHE=redis REDIS_ADDRESS=cache:6379 DATABASE=postgres profilecore doctor --cache
      CACHE=redis profilecore doctor --cache --sample 1000
    """
    if not cache:
        raise typer.BadParameter("say what to look at.", param_hint="--cache")
    settings = Settings.read("tool", os.environ)
    if settings.database == "memory":
        raise BadSetting("DATABASE", "is 'memory', which is empty and ends with this command.")
    if settings.cache != "redis":
        typer.echo(f"CACHE is {shown(settings.cache)}: nothing is shared that could be looked at")
        return ExitCode.OK

    from profilecore.entrypoints.cli.examining import examine
    from profilecore.entrypoints.opening import examined
    from profilecore.entrypoints.telemetry import configure_logging

    configure_logging(settings)

    async def run() -> int:
        async with examined(settings) as parts:
            return await examine(parts, sample)

    return asyncio.run(run())
