"""Pillow, in real processes."""

import asyncio
from collections.abc import Iterator

import pytest

from profilecore.adapters.pillow import PillowImager
from profilecore.adapters.processes import SpawnedProcesses
from profilecore.ports import Imager
from tests.contracts.imager import ImagerContract


@pytest.fixture(scope="module")
def processes() -> Iterator[SpawnedProcesses]:
    processes = SpawnedProcesses(2)
    yield processes
    asyncio.run(processes.close())


class TestPillowImager(ImagerContract):
    @pytest.fixture
    def imager(self, processes: SpawnedProcesses) -> Imager:
        return PillowImager(processes, 2)
