"""The commands that bring a database's tables up to date."""

import asyncio
import os
from typing import TYPE_CHECKING

import typer

from profilecore.entrypoints.cli.exits import ExitCode, StoppedError
from profilecore.entrypoints.cli.groups import group
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.variables import BadSetting, shown

if TYPE_CHECKING:
    from profilecore.entrypoints.stores.postgres import Postgres

app = group("""Bring the tables of PostgreSQL up to date.

    SQLite needs none of it: its file is brought up to date where it is opened.
    """)


@app.command("up")
def up() -> None:
    """Apply the steps that are pending.

    Safe at any time, also where several processes do it at once. Services of the release before
    can go on meanwhile.

    \b
    Examples:
      DATABASE=postgres DB_HOST=db DB_PASSWORD_FILE=/run/secrets/db profilecore migrate up
    """
    done = asyncio.run(_store().migrations().up())
    for step in done:
        typer.echo(f"{step.number:04} {step.name}: applied")
    if not done:
        typer.echo("nothing to do: every step is applied")


@app.command("status")
def status() -> None:
    """Show each step, and whether it is applied.

    A step is applied, pending, changed (not the one that was applied) or later (known to a later
    release only).

    \b
    Examples:
      DATABASE=postgres profilecore migrate status
    """
    for stand in asyncio.run(_store().migrations().status()):
        typer.echo(f"{stand.number:04} {stand.name}: {stand.state}")


@app.command("check")
def check() -> None:
    """Tell by the exit code whether `up` has nothing to do.

    0 where every step is applied, 1 where one is pending or changed.

    \b
    Examples:
      DATABASE=postgres profilecore migrate check && profilecore serve
    """
    stands = asyncio.run(_store().migrations().status())
    wrong = [stand for stand in stands if stand.state in ("pending", "changed")]
    if wrong:
        text = ", ".join(f"{stand.number:04} {stand.name} is {stand.state}" for stand in wrong)
        raise StoppedError(text, ExitCode.REFUSED)


def _store() -> "Postgres":
    from profilecore.entrypoints.stores.postgres import Postgres

    settings = Settings.read("tool", os.environ)
    if settings.database != "postgres":
        problem = f"is {shown(settings.database)}; `migrate` is for postgres."
        raise BadSetting("DATABASE", problem)
    return Postgres(settings=settings)
