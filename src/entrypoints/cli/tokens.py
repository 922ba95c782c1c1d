"""The commands about API tokens."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from profilecore import Scope
from profilecore.entrypoints.cli.groups import group
from profilecore.entrypoints.cli.tools import tool_settings, with_parts
from profilecore.entrypoints.variables import duration

_SPAN = duration(timedelta(seconds=1))

app = group("""Make API tokens, look at them, and revoke them.

    In the store that the environment names. Of a token only a hash is kept.
    """)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for, to know it by.")],
    scope: Annotated[
        list[Scope] | None,
        typer.Option(metavar="SCOPE", help=f"Once for each of {', '.join(Scope)}."),
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="Who its holder is. [token: and its id]")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Such as 90d or 12h. [never]")
    ] = None,
) -> None:
    """Make a token; print its text, which is shown this once.

    The text alone goes to standard output; what else there is to say, to standard error.

    No scope holds another. A token without any is for a --subject, who may read and write its own
    profiles with it, and no others.

    \b
    Examples:
      profilecore tokens create backup --scope profiles:read --expires 90d
      profilecore tokens create app --scope profiles:read --scope profiles:write
      profilecore tokens create "Ada, on her phone" --subject ada
      profilecore tokens create ci --scope ops > token.txt
    """
    from profilecore.entrypoints.cli.token_work import Wanted, create_token

    if not scope and subject is None:
        raise typer.BadParameter("give a --scope, or a --subject for none.", param_hint="--scope")
    lasts = None if expires is None else _span(expires)
    wanted = Wanted(name, frozenset(scope or ()), subject, lasts).issued()
    with_parts(tool_settings(), lambda parts: create_token(parts.tokens, wanted))


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one token a line.")] = False,
) -> None:
    """Show all tokens, the newest first; those that have ended, too.

    When one was last used is noted about once a minute.

    \b
    Examples:
      profilecore tokens list
      profilecore tokens list --json | jq -r 'select(.state == "valid") | .name'
    """
    from profilecore.entrypoints.cli.token_work import list_tokens

    with_parts(tool_settings(), lambda parts: list_tokens(parts.tokens, as_json))


@app.command("revoke")
def revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="Of the token, as the list shows it.")],
) -> None:
    """End a token, for good.

    Within five seconds no process takes it any more.

    \b
    Examples:
      profilecore tokens revoke 01a217fe-2cf3-761a-aae3-b5158abd76ac
    """
    from profilecore.entrypoints.cli.token_work import revoke_token

    token_id = _id(id)
    with_parts(tool_settings(), lambda parts: revoke_token(parts.tokens, token_id))


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        # Not repeated: it may be the text of a token.
        raise typer.BadParameter("is no id as the list shows it.", param_hint="ID") from None


def _span(text: str) -> timedelta:
    try:
        return _SPAN.parse(text)
    except ValueError:
        problem = "is no duration of 1s or more such as 12h or 90d."
        raise typer.BadParameter(problem, param_hint="--expires") from None
