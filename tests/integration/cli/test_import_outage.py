"""A store that goes away in the middle of an import."""

from pathlib import Path

import pytest

from profilecore.adapters.memory import MemoryStore
from profilecore.entrypoints.cli.exits import ExitCode, StoppedError
from profilecore.entrypoints.cli.importing import Source, import_file
from profilecore.errors import Unavailable
from profilecore.importing import OnConflict
from tests.unit.core.doubles import Process


@pytest.mark.parametrize(
    ("chunks", "how_far"),
    [(0, "no row is stored"), (2, "the rows up to line 2000 are stored")],
)
async def test_the_command_says_how_far_it_came_and_can_be_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], chunks: int, how_far: str
) -> None:
    path = tmp_path / "a.ndjson"
    rows = (f'{{"name":"p","email":"p{index}@example.com"}}\n' for index in range(3_500))
    path.write_text("".join(rows))
    process = Process(MemoryStore())
    left = chunks

    async def go_away() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Unavailable("The store is away.")

    process.profiles.before_write = go_away
    source = Source(str(path), None, None)
    with pytest.raises(StoppedError) as stopped:
        await import_file(process.service, source, OnConflict.SKIP)
    assert stopped.value.code == ExitCode.UNAVAILABLE
    assert str(stopped.value).startswith(f"The store is away; {how_far}. Run it again to go on")
    said = capsys.readouterr().out
    assert said.startswith(f"{chunks},000 created" if chunks else "")
    assert bool(said) is bool(chunks)

    process.profiles.before_write = None
    assert await import_file(process.service, source, OnConflict.SKIP) == ExitCode.OK
    assert capsys.readouterr().out.startswith(
        f"{3_500 - chunks * 1_000:,} created, 0 updated, {chunks * 1_000:,} skipped, 0 rejected"
    )
