"""The processes that read what strangers have sent: their limits, and how they end."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from profilecore.adapters.pillow import PillowImager
from profilecore.adapters.pillow.confined import CPU_MAX, MEMORY_MAX, NICE
from profilecore.adapters.processes import SpawnedProcesses
from profilecore.errors import Invalid, Unavailable
from profilecore.image import Size
from profilecore.ports import ProcessDied
from tests.support import in_process, pictures
from tests.support.pictures import encoded, photograph, scene


@pytest.fixture
async def processes() -> AsyncIterator[SpawnedProcesses]:
    """Room for one, so that one knows which it is."""
    processes = SpawnedProcesses(1)
    yield processes
    await processes.close()


@pytest.fixture
def lost() -> list[str]:
    return []


@pytest.fixture
def imager(processes: SpawnedProcesses, lost: list[str]) -> PillowImager:
    # Time enough on any machine: what ends a process are its limits.
    return PillowImager(processes, 1, seconds_max=100, lost=lost.append)


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(encoded(scene()))
    return path


@pytest.fixture
def heavy(tmp_path: Path) -> Path:
    """As much work as there can be in so many bytes, and much more than a picture may be."""
    path = tmp_path / "heavy"
    path.write_bytes(pictures.many_scans())
    return path


async def test_it_gives_way_to_those_who_answer_requests(
    processes: SpawnedProcesses, imager: PillowImager, upload: Path
) -> None:
    before = await processes.run(os.getpriority, os.PRIO_PROCESS, 0)
    assert before < NICE
    await imager.render(upload)
    assert await processes.run(os.getpriority, os.PRIO_PROCESS, 0) == NICE


async def begun(pid: int) -> None:
    """Return once the process works."""
    await asyncio.to_thread(_begun, pid)


def _begun(pid: int) -> None:
    before, deadline = worked(pid), time.monotonic() + 30
    while worked(pid) - before < 0.2:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def worked(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def test_a_picture_that_takes_too_long_ends_its_process_alone(
    imager: PillowImager, lost: list[str], heavy: Path, upload: Path
) -> None:
    with pytest.raises(Invalid, match="more time or memory") as raised:
        await imager.render(heavy)
    assert raised.value.code == "broken_image"
    assert isinstance(raised.value.__cause__, ProcessDied)
    assert raised.value.__cause__.signal == signal.SIGXCPU
    assert lost == ["limits"]
    assert (await imager.render(upload)).sizes[Size.LARGE] == (60, 40)


async def test_each_picture_has_its_own_time(
    imager: PillowImager, processes: SpawnedProcesses, upload: Path
) -> None:
    await imager.render(upload)
    first, hard = await processes.run(in_process.bounds, resource.RLIMIT_CPU)
    await processes.run(in_process.busy, 1.5)
    await imager.render(upload)
    second, _ = await processes.run(in_process.bounds, resource.RLIMIT_CPU)
    assert CPU_MAX <= first < second <= first + 3
    assert hard == resource.getrlimit(resource.RLIMIT_CPU)[1]


async def test_what_a_process_may_do_is_bounded(
    imager: PillowImager, processes: SpawnedProcesses, upload: Path, tmp_path: Path
) -> None:
    await imager.render(upload)
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY_MAX),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        assert await processes.run(in_process.bounds, kind) == (most, most)
    with pytest.raises(MemoryError):
        await processes.run(in_process.filled, 768)
    assert await processes.run(in_process.written, str(tmp_path / "new")) == "File too large"


async def test_no_file_can_be_opened_by_what_a_picture_does(
    processes: SpawnedProcesses, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("word")
    secret = str(tmp_path / "secret")
    assert await processes.run(in_process.opened_while_confined, secret) == "Too many open files"
    assert await processes.run(in_process.opened_while_confined, secret) == "Too many open files"


@pytest.mark.parametrize(("mode", "format_"), [("RGB", "JPEG"), ("RGBA", "PNG")])
async def test_wherever_the_memory_ends_the_picture_is_called_broken(
    tmp_path: Path, upload: Path, mode: str, format_: str
) -> None:
    large = tmp_path / "large"
    large.write_bytes(encoded(photograph(1_700, 1_300).convert(mode), format_))
    outcomes = []
    # Beside what the process has already. Each step of the work ends in its own way, and some end
    # within two or three megabytes only.
    for megabytes in (*range(0, 48, 2), 120):
        processes, lost = SpawnedProcesses(1), list[str]()
        imager = PillowImager(processes, 1, lost=lost.append)
        await imager.render(upload)  # the modules are there now
        limit = (await processes.run(in_process.size) + megabytes) * 1024 * 1024
        await processes.run(in_process.bounded, resource.RLIMIT_AS, limit)
        try:
            await imager.render(large)
            outcomes.append("made")
        except Invalid as error:
            outcomes.append(error.code)
        assert await processes.run(in_process.bounds, resource.RLIMIT_AS) == (limit, limit)
        assert lost == []
        await processes.close()
    assert set(outcomes) == {"broken_image", "made"}
    assert outcomes == sorted(outcomes), "more memory was too little"


async def test_bombs_are_refused_unopened(
    imager: PillowImager, processes: SpawnedProcesses, tmp_path: Path, upload: Path
) -> None:
    await imager.render(upload)
    before = await processes.run(in_process.peak)
    for name in ("bomb", "side of 65,535", "large WebP", "text bomb"):
        (tmp_path / "bomb").write_bytes(pictures.ATTACKS[name][0]())
        with pytest.raises(Invalid):
            await imager.render(tmp_path / "bomb")
    assert await processes.run(in_process.peak) < before + 16


@pytest.mark.parametrize(
    "number", [signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGXCPU]
)
async def test_a_picture_that_brings_its_process_down_is_broken(
    imager: PillowImager,
    processes: SpawnedProcesses,
    lost: list[str],
    heavy: Path,
    upload: Path,
    number: signal.Signals,
) -> None:
    pid = await processes.run(in_process.pid)
    work = asyncio.create_task(imager.render(heavy))
    await begun(pid)
    os.kill(pid, number)
    with pytest.raises(Invalid) as raised:
        await work
    assert raised.value.code == "broken_image"
    assert lost == ["limits"]
    await imager.render(upload)


async def test_a_process_that_others_kill_says_nothing_of_the_picture(
    imager: PillowImager, processes: SpawnedProcesses, lost: list[str], heavy: Path, upload: Path
) -> None:
    pid = await processes.run(in_process.pid)
    work = asyncio.create_task(imager.render(heavy))
    await begun(pid)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(Unavailable, match="SIGKILL") as raised:
        await work
    assert raised.value.code == "process_died"
    assert lost == ["killed"]
    assert (await imager.render(upload)).sizes[Size.LARGE] == (60, 40)


async def test_one_that_stands_still_is_replaced(
    processes: SpawnedProcesses, lost: list[str], upload: Path
) -> None:
    pid = await processes.run(in_process.pid)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(Unavailable, match=r"not made within 0\.5 s"):
        async with asyncio.timeout(20):
            await PillowImager(processes, 1, seconds_max=0.5, lost=lost.append).render(upload)
    assert lost == ["time"]
    assert not is_there(pid)
    await PillowImager(processes, 1).render(upload)


async def test_so_many_wait_and_no_more(processes: SpawnedProcesses, upload: Path) -> None:
    lost: list[str] = []
    imager = PillowImager(processes, 1, waiting_max=2, lost=lost.append)
    os.kill(await processes.run(in_process.pid), signal.SIGSTOP)
    waiting = [asyncio.create_task(imager.render(upload)) for _ in range(3)]
    await asyncio.sleep(0.1)
    for _ in range(2):
        with pytest.raises(Unavailable, match="3 pictures") as raised:
            await imager.render(upload)
        assert raised.value.code == "busy"
        assert raised.value.retry_after > 0
    waiting[2].cancel()
    await asyncio.wait({waiting[2]})
    assert lost == [], "it had no process yet"
    waiting[2] = asyncio.create_task(imager.render(upload))
    waiting[0].cancel()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(ended[0], asyncio.CancelledError)
    assert [getattr(one, "sizes", one) for one in ended[1:]] == [ended[1].sizes] * 2  # type: ignore[union-attr]
    assert lost == ["cancelled"]


async def test_an_upload_that_cannot_be_read_is_no_bad_picture(
    imager: PillowImager, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match=r"cannot be read: .*No such file"):
        await imager.render(tmp_path / "none")


RENDERS: Final = """
import asyncio, sys
from pathlib import Path
from profilecore.adapters.pillow import PillowImager
from profilecore.adapters.processes import SpawnedProcesses

async def main():
    processes = SpawnedProcesses(1)
    for name in sys.argv[1:]:
        await PillowImager(processes, 1).render(Path(name))
    await processes.close()

asyncio.run(main())
"""


def test_nothing_of_a_file_gets_into_the_log(tmp_path: Path) -> None:
    """Pillow warns of both, and quotes them."""
    no_frames = pictures.with_chunk(encoded(scene(), "PNG"), pictures.chunk(b"acTL", bytes(8)))
    cut = b"Exif\0\0MM\0*\0\0\0\x08\0\x09" + b"\x01\x12\0\3\0\0\xff\xff" * 4
    paths = [tmp_path / "one", tmp_path / "two"]
    for path, data in zip(paths, (no_frames, encoded(scene(), exif=cut)), strict=True):
        path.write_bytes(data)
    # Through pipes: a process that is confined cannot write to a file.
    ended = subprocess.run(
        [sys.executable, "-c", RENDERS, *paths], capture_output=True, timeout=60, check=True
    )
    assert (ended.stdout, ended.stderr) == (b"", b"")


def test_the_server_itself_does_not_load_pillow() -> None:
    program = (
        "import sys, profilecore.adapters.pillow as p; p.PillowImager(None, 1)\n"
        "assert not any(name.partition('.')[0] == 'PIL' for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
