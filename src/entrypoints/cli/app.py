"""The command line, put together; what a command needs is imported when it runs."""

from typing import Annotated

import typer

from profilecore.entrypoints.cli import (
    collecting,
    data,
    doctor,
    images,
    migrating,
    running,
    tasks,
    tokens,
)
from profilecore.entrypoints.cli.exits import PROGRAM, ExitCode, ended, failed
from profilecore.entrypoints.cli.output import keep_standard_streams

_EPILOG = """\b
Exit codes:
  0    done
  1    refused: rejected rows, a conflict, a file that makes no sense
  2    a wrong option, setting or path
  3    the store or the port cannot be used
  130  interrupted by Ctrl-C, SIGTERM or SIGHUP

\b
Start here:
  profilecore dev                 the whole service on http://localhost:8080
  profilecore seed --count 1000   fill it, in another terminal
"""

app = typer.Typer(
    name=PROGRAM,
    help="Profiles and pictures, done right: a library, one process, or a fleet.",
    epilog=_EPILOG,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("dev")(running.dev)
app.command("serve")(running.serve)
app.command("worker")(running.worker)
app.command("import")(data.import_)
app.command("export")(data.export)
app.command("seed")(data.seed)
app.add_typer(tasks.app, name="tasks")
app.add_typer(images.app, name="images")
app.add_typer(tokens.app, name="tokens")
app.add_typer(migrating.app, name="migrate")
app.command("gc")(collecting.gc)
app.command("doctor")(doctor.doctor)
app.command("openapi")(running.openapi)
app.command("config")(running.config)


def main() -> int:
    """Run the command line; give the exit code."""
    keep_standard_streams()
    return ended(_run)


def _run() -> int:
    try:
        code = app(standalone_mode=False, prog_name=PROGRAM)
    except typer.TyperException as error:
        # What checks the values puts the name of its own error before what it says.
        text = error.format_message().rstrip(".").replace("Value error, ", "")
        return failed(f"{text}. See `{_command(error)} --help`.", ExitCode.USAGE)
    if code == ExitCode.INTERRUPTED:  # typer's word for a KeyboardInterrupt
        raise KeyboardInterrupt
    return int(code or 0)


def _command(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context else PROGRAM


def _version(asked: bool) -> None:
    if asked:
        from profilecore.entrypoints.version import VERSION

        print(PROGRAM, VERSION)
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
