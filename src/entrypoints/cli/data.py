"""The commands that bring profiles in and out."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from profilecore.entrypoints.cli.exits import ExitCode
from profilecore.entrypoints.cli.output import STANDARD, written
from profilecore.entrypoints.cli.tools import tool_settings, with_parts, with_store
from profilecore.entrypoints.files.formats import Format, of_name
from profilecore.importing import OnConflict

COUNT_MAX = 1_000_000

FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="Of the file; by its name, and else by its content."),
]


def import_(
    file: Annotated[str, typer.Argument(help="An NDJSON or CSV file, - for standard input.")],
    on_conflict: Annotated[
        OnConflict, typer.Option(help="What to do with a row whose id or email is there already.")
    ] = OnConflict.SKIP,
    format: FormatOption = None,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Where refused rows go, with line and reason. [FILE.rejects.ndjson]"),
    ] = None,
) -> int:
    """Store the profiles of a file.

    The file is one JSON object a line (NDJSON), or CSV with a header. A row has name and email,
    and may have bio, image_urls, id, owner, version, created_at and updated_at, as an export
    writes them. In CSV an empty cell counts as not given, and image_urls are separated by spaces.

    Rows that are refused go to a file of their own, and the others are stored. A run that was cut
    short can be repeated: what is there is skipped.

    \b
    Examples:
      profilecore import people.ndjson
      profilecore import people.csv --on-conflict update
      zcat people.ndjson.gz | profilecore import -
    """
    from profilecore.entrypoints.cli.importing import Source, import_file

    source = Source(file, format, rejects)
    return with_store(lambda service: import_file(service, source, on_conflict))


def export(
    file: Annotated[
        str, typer.Argument(help="The file to write, - for standard output.")
    ] = STANDARD,
    format: FormatOption = None,
) -> None:
    """Write all profiles to a file.

    Oldest first, as `profilecore import` reads them. A file appears when it is complete, readable
    by its owner alone.

    \b
    Examples:
      profilecore export people.ndjson
      profilecore export people.csv
      profilecore export | jq -r .email
    """
    from profilecore.entrypoints.cli.exporting import export_to

    kind = format or of_name(file) or Format.NDJSON
    with written(file) as write:
        count = with_parts(
            tool_settings(),
            lambda parts: export_to(parts.service, write, kind, parts.policy.media),
        )
    if file != STANDARD:
        typer.echo(f"{count:,} profiles in {file}")


def seed(
    count: Annotated[int, typer.Option(min=1, max=COUNT_MAX, help="How many.")],
    random_seed: Annotated[
        int | None, typer.Option(min=0, help="The same number makes the same profiles.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Write NDJSON there instead, - for standard output.")
    ] = None,
) -> int:
    """Store made-up profiles.

    In many languages and scripts; their addresses are at example.com, .org and .net.

    \b
    Examples:
      profilecore seed --count 1000
      profilecore seed --count 1000 --random-seed 7
      profilecore seed --count 100000 --out people.ndjson
    """
    from profilecore.entrypoints.cli.seeding import seed_file, seed_store

    number = secrets.randbelow(1 << 32) if random_seed is None else random_seed
    if out is None:
        return with_store(lambda service: seed_store(service, count, number))
    if of_name(out) is Format.CSV:
        raise typer.BadParameter("is written as NDJSON, and its name says CSV.", param_hint="--out")
    with written(out) as write:
        seed_file(write, count, number)
    return ExitCode.OK
