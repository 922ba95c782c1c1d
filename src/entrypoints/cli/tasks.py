"""The commands about tasks."""

from typing import Annotated
from uuid import UUID

import typer

from profilecore import Status, order
from profilecore.entrypoints.cli.groups import group
from profilecore.entrypoints.cli.tools import tool_settings, with_parts

LIST_MAX = 100_000

app = group("""Submit tasks, look at them, cancel and retry them.

    On the store that the environment names; `dev` and the workers run what is due.
    """)

Id = Annotated[UUID, typer.Argument(metavar="ID", help="Of the task.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, one task a line, as the API has it.")]


@app.command("list")
def list_(
    status: Annotated[Status | None, typer.Option(help="Only in this status.")] = None,
    type: Annotated[str | None, typer.Option(help="Only of this type.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LIST_MAX, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """Show tasks, the newest first.

    \b
    Examples:
      profilecore tasks list
      profilecore tasks list --status dead --type http.callback
      profilecore tasks list --limit 1000 --json | jq -r .id
    """
    from profilecore.entrypoints.cli.task_views import list_tasks

    with_parts(tool_settings(), lambda p: list_tasks(p.tasks, (status, type), limit, as_json))


@app.command("show")
def show(id: Id, as_json: Json = False) -> None:
    """Show one task, with its payload, its result and its errors.

    \b
    Examples:
      profilecore tasks show 01a217fe-2cf3-761a-aae3-b5158abd76ac
      profilecore tasks show 01a217fe-2cf3-761a-aae3-b5158abd76ac --json | jq .errors
    """
    from profilecore.entrypoints.cli.task_views import show_task

    with_parts(tool_settings(), lambda parts: show_task(parts.tasks, id, as_json))


@app.command("submit")
def submit(  # noqa: PLR0913, PLR0917 - one for each option
    type: Annotated[str, typer.Argument(metavar="TYPE", help="Such as echo.")],
    payload: Annotated[
        str, typer.Option(metavar="JSON", help="An object; @FILE reads it there, - standard input.")
    ] = "{}",
    delay: Annotated[
        str | None, typer.Option(help="Not before so long: 30 (seconds), 90s, 1h30m.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Not before then: 2026-11-26T13:00:00Z.")
    ] = None,
    priority: Annotated[
        int, typer.Option(min=0, max=order.PRIORITY_MAX, help="Of two that are due the greater.")
    ] = 0,
    max_attempts: Annotated[
        int, typer.Option(min=1, max=order.ATTEMPTS_MAX, help="Dead after so many failures.")
    ] = order.ATTEMPTS,
    unique_key: Annotated[
        str | None, typer.Option(help="Give the unfinished task of this type and key, if any.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until it has ended, and show it.")] = False,
    as_json: Json = False,
) -> int:
    """Have something done once; print the id of the task.

    With --wait the exit code is 0 where it has succeeded, and 1 where it has not.

    \b
    Examples:
      profilecore tasks submit echo --payload '{"hello": "world"}' --wait
      profilecore tasks submit echo --payload @payload.json --delay 1h30m
      ID=$(profilecore tasks submit echo --at 2026-11-26T13:00:00Z --unique-key tea)
    """
    from profilecore.entrypoints.cli.task_work import Wanted, submit_task

    wanted = Wanted(type, payload, delay, at, priority, max_attempts, unique_key).order()
    return with_parts(tool_settings(), lambda p: submit_task(p.tasks, wanted, wait, as_json))


@app.command("cancel")
def cancel(
    ids: Annotated[list[UUID], typer.Argument(metavar="ID...", help="Of the tasks.")],
) -> int:
    """Cancel tasks; one that is running is asked to stop.

    The exit code is 1 where one of them has ended already, or is not there.

    \b
    Examples:
      profilecore tasks cancel 01a217fe-2cf3-761a-aae3-b5158abd76ac
      profilecore tasks list --status scheduled --json | jq -r .id | xargs profilecore tasks cancel
    """
    from profilecore.entrypoints.cli.task_work import cancel_tasks

    return with_parts(tool_settings(), lambda parts: cancel_tasks(parts.tasks, ids))


@app.command("retry")
def retry(
    ids: Annotated[
        list[UUID] | None, typer.Argument(metavar="[ID...]", help="Of the tasks.")
    ] = None,
    all_dead: Annotated[bool, typer.Option("--all-dead", help="All that are dead.")] = False,
) -> int:
    """Give dead tasks all their attempts again, from now on.

    The exit code is 1 where one of them is not dead, or not there.

    \b
    Examples:
      profilecore tasks retry 01a217fe-2cf3-761a-aae3-b5158abd76ac
      profilecore tasks retry --all-dead
    """
    from profilecore.entrypoints.cli.task_work import retry_all_dead, retry_tasks

    if bool(ids) is all_dead:
        raise typer.BadParameter("give ids, or --all-dead.", param_hint="ID...")
    return with_parts(
        tool_settings(),
        lambda parts: retry_tasks(parts.tasks, ids) if ids else retry_all_dead(parts.tasks),
    )


@app.command("watch")
def watch(
    interval: Annotated[
        float, typer.Option(min=0.1, max=3_600, help="Seconds from one look to the next.")
    ] = 1.0,
) -> None:
    """Show what waits, what runs and what has died, until Ctrl-C.

    On a terminal a view that is kept up to date, elsewhere a line for each look.

    \b
    Examples:
      profilecore tasks watch
      profilecore tasks watch --interval 10 >> tasks.log
    """
    from profilecore.entrypoints.cli.watching import watch_tasks

    with_parts(tool_settings(), lambda parts: watch_tasks(parts, interval))
