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
    WORKER = "worker"
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


def worker(
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=1_000, help="Tasks at once; instead of TASK_CONCURRENCY."),
    ] = None,
    queues: Annotated[
        str | None,
        typer.Option(help="Queues to take from, by commas; instead of TASK_QUEUES."),
    ] = None,
    port: Port = None,
) -> int:
    """Run tasks, in production.

    As many of these processes as are needed, on the database that the servers use. With
    QUEUE=rabbitmq they are handed what is due; with QUEUE=memory each looks for it in the
    database. Health and metrics are served on SERVER_PORT.

    On SIGTERM it takes no more, and finishes what it has: what has not ended after
    SHUTDOWN_TIMEOUT is given back.

    \b
    Examples:
      DATABASE=sqlite profilecore worker
      DATABASE=postgres QUEUE=rabbitmq profilecore worker --concurrency 50
      DATABASE=postgres QUEUE=rabbitmq profilecore worker --queues default,mail
    """
    given = {"TASK_CONCURRENCY": concurrency, "TASK_QUEUES": queues}
    chosen = {name: str(value) for name, value in given.items() if value is not None}
    return _serve("worker", port, lambda _, url: _log_work(url), **chosen)


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


def _serve(
    command: Command, port: int | None, started: Callable[[Settings, str], None], **chosen: str
) -> int:
    env = {**os.environ, **chosen}
    if port is not None:
        env["SERVER_PORT"] = str(port)
    settings = Settings.read(command, env)  # before the imports below: a mistake is told at once

    from profilecore.entrypoints.server import run
    from profilecore.entrypoints.telemetry import configure_logging

    configure_logging(settings)
    return run(settings, lambda url: started(settings, url), env)


def _log_start(url: str) -> None:
    from loguru import logger

    logger.info("serving on {}", url)


def _log_work(url: str) -> None:
    from loguru import logger

    logger.info("working; health and metrics are on {}", url)
