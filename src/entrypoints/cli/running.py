"""The commands that run the service or tell about it."""

import json
import os
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from profilecore.entrypoints.settings import Command, Settings

Port = Annotated[
    int | None,
    typer.Option(min=0, max=65_535, help="Instead of SERVER_PORT; 0 takes any free one."),
]


class For(StrEnum):
    """Whose settings to show."""

    DEV = "dev"
    SERVE = "serve"
    TOOL = "tool"


def dev(port: Port = None) -> int:
    """Run the whole service, for development.

    All in this process: nothing to install, nothing to set. Profiles are kept in SQLite in ./data,
    and only this machine can reach it.

    \b
    Examples:
      profilecore dev                   on http://localhost:8080
      profilecore dev --port 0          on any free port
      DATABASE=memory profilecore dev   keep nothing
    """
    from profilecore.entrypoints.cli.banner import banner

    return _serve("dev", port, lambda settings, url: print(banner(settings, url), flush=True))


def serve(port: Port = None) -> int:
    """Run the service, in production.

    What matters has to be named: nothing is chosen silently.

    \b
    Examples:
      DATABASE=sqlite AUTH_MODE=none SERVER_HOST=127.0.0.1 profilecore serve
      profilecore config --for serve    what it would use
    """
    return _serve("serve", port, lambda _, url: _log_start(url))


def openapi() -> None:
    """Print the OpenAPI document of the HTTP API.

    \b
    Examples:
      profilecore openapi > openapi.json
    """
    from profilecore.entrypoints.cli.output import STANDARD, written
    from profilecore.entrypoints.http import openapi_document

    text = json.dumps(openapi_document(), indent=2, ensure_ascii=False)
    with written(STANDARD) as write:
        write(text.encode() + b"\n")


def config(
    what_for: Annotated[For, typer.Option("--for", help="Whose settings.")] = For.DEV,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Show the settings in force.

    And where each comes from; secrets are hidden. Every setting is an environment variable. A
    secret can also stand in a file: set
    DB_PASSWORD_FILE to its path instead of DB_PASSWORD.

    \b
    Examples:
      profilecore config
      SERVER_PORT=9000 profilecore config --for serve --json
    """
    from profilecore.entrypoints.cli import tables
    from profilecore.entrypoints.cli.output import STANDARD, written

    settings = Settings.read(what_for.value, os.environ)
    text = tables.as_json(settings) if as_json else tables.as_table(settings)
    with written(STANDARD) as write:
        write(text.encode() + b"\n")


def _serve(command: Command, port: int | None, started: Callable[[Settings, str], None]) -> int:
    env = dict(os.environ)
    if port is not None:
        env["SERVER_PORT"] = str(port)
    settings = Settings.read(command, env)  # before the imports below: a mistake is told at once

    from profilecore.entrypoints.server import run
    from profilecore.entrypoints.telemetry import configure_logging

    configure_logging(settings)
    return run(settings, started=lambda url: started(settings, url))


def _log_start(url: str) -> None:
    from loguru import logger

    logger.info("serving on {}", url)
