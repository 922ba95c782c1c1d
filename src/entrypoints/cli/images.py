"""`profilecore images`: what is done to all images at once."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from profilecore import Count, Cursor, Invalid, Query, Sort
from profilecore.entrypoints.cli.exits import ExitCode, StoppedError
from profilecore.entrypoints.cli.groups import group
from profilecore.entrypoints.cli.tools import tool_settings, with_parts

if TYPE_CHECKING:
    from profilecore.entrypoints.parts import Parts

_PAGE: Final = 100

app = group("Work on the images of all profiles.")


@app.command("rerender")
def rerender(
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="CURSOR", help="Where a run was broken off, as it said."),
    ] = None,
) -> None:
    """Make the smaller variants of all images anew.

    From the large variant, which stays as it is: what was uploaded is not kept. For a release that
    makes them better. Images get other URLs; the old files are removed. Safe at any time, also
    again, and when it is broken off.

    \b
    Examples:
      profilecore images rerender
      profilecore images rerender --from eyJ…
    """
    try:
        after = None if start is None else Cursor.decode(start, Sort.OLDEST)
    except Invalid as error:
        problem = "is not where a run was broken off; take it from what that run said."
        raise typer.BadParameter(problem, param_hint="--from") from error
    with_parts(tool_settings(), lambda parts: _rerender(parts, after))


async def _rerender(parts: "Parts", after: Cursor | None) -> None:
    from profilecore.entrypoints.cli.progress import progress
    from profilecore.entrypoints.cli.stop import stop_requested

    total = (await parts.service.list(Query(limit=1, count=Count.EXACT))).total
    query = Query(limit=_PAGE, sort=Sort.OLDEST, after=after)
    done = changed = 0
    with (
        stop_requested() as stop,
        tempfile.TemporaryDirectory(prefix="profilecore-rerender-") as folder,
        progress("Rendering", total, "rows") as advance,
    ):
        while True:
            page = await parts.service.list(query)
            for profile in page.profiles:
                changed += await parts.images.renew(profile, Path(folder))
                done += 1
                advance(done)
                await asyncio.sleep(0)
            if page.next is None:
                break
            query = replace(query, after=page.next)
            if stop.is_set():
                hint = f"go on with: profilecore images rerender --from {page.next.encode()}"
                raise StoppedError(f"interrupted; {hint}", ExitCode.INTERRUPTED)
    typer.echo(f"{done:,} profiles looked at, {changed:,} images made anew")
