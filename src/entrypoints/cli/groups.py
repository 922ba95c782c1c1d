"""Groups of commands, such as `profilecore tasks`."""

import typer


def group(help: str) -> typer.Typer:
    """A group that shows its help where no command of it is named."""
    app = typer.Typer(help=help, invoke_without_command=True, rich_markup_mode=None)

    @app.callback()
    def options(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            print(context.get_help())

    return app
