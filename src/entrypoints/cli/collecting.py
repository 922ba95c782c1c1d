"""The command that removes what has been kept for long enough."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from profilecore.entrypoints.cli.tools import tool_settings, with_parts
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.variables import duration

if TYPE_CHECKING:
    from profilecore.entrypoints.parts import Parts


def gc(
    tasks_older_than: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Such as 12h or 0s. [TASKS_KEPT]")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the images that nobody uses.")
    ] = False,
) -> None:
    """Remove what has been kept for long enough.

    Tasks that ended longer ago than TASKS_KEPT; deleted profiles, for good, after TOMBSTONES_KEPT;
    what the feed tells, changes and ends of tasks, older than LOG_KEPT; receipts of requests after
    IDEMPOTENCY_KEPT; files of images that no profile has, such as those of profiles that are gone,
    or of an upload that was broken off more than an hour ago.
    What is not finished, or not deleted, stays however old it is. Safe at any time, and to be run
    by a timer.

    \b
    Examples:
      profilecore gc
      profilecore gc --dry-run
      profilecore gc --tasks-older-than 1h
      TASKS_KEPT=30d LOG_KEPT=90d profilecore gc
    """
    settings = tool_settings()
    tasks_kept = settings.tasks_kept if tasks_older_than is None else _span(tasks_older_than)
    if dry_run:
        with_parts(settings, _show)
    else:
        with_parts(settings, lambda parts: _collect(parts, settings, tasks_kept))


async def _collect(parts: "Parts", settings: Settings, tasks_kept: timedelta) -> None:
    now = datetime.now(UTC)
    tasks = await parts.upkeep.purge(tasks_kept)
    typer.echo(f"{tasks:,} finished tasks removed")
    profiles = await parts.profiles.purge(now - settings.tombstones_kept)
    typer.echo(f"{profiles:,} deleted profiles removed")
    events = await parts.log.trim(now - settings.log_kept)
    typer.echo(f"{events:,} entries of the log removed")
    endings = await parts.endings.trim(now - settings.log_kept)
    typer.echo(f"{endings:,} ends of tasks removed")
    receipts = await parts.receipts.purge()
    typer.echo(f"{receipts:,} receipts of requests removed")
    images = 0
    async for orphans in parts.collector.orphans():
        images += len(await parts.collector.collect(orphans))
    typer.echo(f"{images:,} images without a profile removed")


async def _show(parts: "Parts") -> None:
    images = 0
    async for orphans in parts.collector.orphans():
        for image_id in orphans:
            typer.echo(image_id)
        images += len(orphans)
    typer.echo(f"{images:,} images without a profile; nothing was removed", err=True)


def _span(text: str) -> timedelta:
    kind = duration()
    try:
        return kind.parse(text)
    except ValueError as error:
        problem = f"takes {kind.takes}."
        raise typer.BadParameter(problem, param_hint="--tasks-older-than") from error
