"""Pictures that were changed at random: each is made, or refused, and nothing else happens."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from profilecore.adapters.pillow import PillowImager
from profilecore.adapters.processes import SpawnedProcesses
from profilecore.errors import Invalid
from profilecore.image import FILES
from tests.support.campaign import campaign, dice, rounds
from tests.support.mutants import mutant, seeds

MUTANTS: Final = rounds(1_000, 20_000)


@pytest.fixture
async def processes() -> AsyncIterator[SpawnedProcesses]:
    processes = SpawnedProcesses(1)
    yield processes
    await processes.close()


@pytest.mark.campaign
async def test_a_mutant_is_made_or_refused(processes: SpawnedProcesses, tmp_path: Path) -> None:
    rng, kinds, upload, lost = dice("mutants"), seeds(), tmp_path / "upload", list[str]()
    imager = PillowImager(processes, 1, lost=lost.append)
    with campaign("mutants", MUTANTS, "pictures") as under_way:
        for _ in range(MUTANTS):
            data = mutant(rng, kinds)
            upload.write_bytes(data)
            try:
                rendering = await imager.render(upload)
            except Invalid as error:
                under_way.injected(error.code)
            except Exception as error:
                error.add_note(f"The picture: {data.hex()}")
                raise
            else:
                assert set(rendering.files) == set(FILES)
                under_way.injected("made")
            under_way.passed()
    # Not one of the libraries has crashed or gone on for ever.
    assert lost == []
