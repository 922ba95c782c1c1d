"""Functions in processes of their own: lent, killed, and lost."""

import asyncio
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from profilecore import GiveUp, Invalid, Unavailable
from profilecore.adapters.processes import SpawnedProcesses
from profilecore.adapters.processes.served import serve
from profilecore.ports import ProcessDied
from tests.support import in_process
from tests.support.processes import environment

T = TypeVar("T")

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def processes() -> AsyncIterator[SpawnedProcesses]:
    processes = SpawnedProcesses(2)
    yield processes
    await processes.close()


def children() -> set[int]:
    """The processes that this one has started, but for the tracker that multiprocessing keeps."""
    found = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = {int(pid) for file in found for pid in file.read_text().split()}
    return {pid for pid in pids if "resource_tracker" not in _command(pid)}


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def told(path: Path) -> int:
    """The pid that `never` has written."""
    return int(await asyncio.to_thread(until, lambda: path.exists() and path.read_text()))


async def gone(pid: int) -> None:
    await asyncio.to_thread(until, lambda: not is_there(pid))


def until(look: Callable[[], T]) -> T:
    """Give what is looked for, once it is there."""
    deadline = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


async def test_a_function_gives_its_result(processes: SpawnedProcesses) -> None:
    assert await processes.run(in_process.add, 20, 22) == 42


async def test_no_process_is_there_before_it_is_needed_and_one_is_kept(
    processes: SpawnedProcesses,
) -> None:
    before = children()
    pids = {await processes.run(in_process.pid) for _ in range(3)}
    assert len(pids) == 1
    assert children() - before == pids
    assert os.getpid() not in pids


async def test_no_more_than_so_many_are_there(processes: SpawnedProcesses) -> None:
    before = children()
    pids = set(await asyncio.gather(*(processes.run(in_process.pid) for _ in range(8))))
    assert children() - before == pids
    assert len(pids) <= 2


async def test_one_that_never_returns_is_killed_before_its_caller_goes_on(
    processes: SpawnedProcesses, tmp_path: Path
) -> None:
    call = asyncio.create_task(processes.run(in_process.never, str(tmp_path / "pid")))
    pid = await told(tmp_path / "pid")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not is_there(pid)
    assert await processes.run(in_process.add, 1, 1) == 2


async def test_one_whose_time_is_over_is_killed(
    processes: SpawnedProcesses, tmp_path: Path
) -> None:
    await processes.run(in_process.pid)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await processes.run(in_process.never, str(tmp_path / "pid"))
    assert not is_there(await told(tmp_path / "pid"))


async def test_one_that_is_cancelled_while_it_starts_is_killed(
    processes: SpawnedProcesses, tmp_path: Path
) -> None:
    before = children()
    for turn in range(20):
        call = asyncio.create_task(processes.run(in_process.never, str(tmp_path / "pid")))
        await asyncio.sleep(turn / 1_000)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert children() == before


async def test_who_waits_for_a_process_may_be_cancelled(
    processes: SpawnedProcesses, tmp_path: Path
) -> None:
    held = [
        asyncio.create_task(processes.run(in_process.never, str(tmp_path / name))) for name in "ab"
    ]
    await asyncio.gather(*(told(tmp_path / name) for name in "ab"))
    waiting = asyncio.create_task(processes.run(in_process.pid))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    held[0].cancel()
    assert await processes.run(in_process.add, 1, 2) == 3
    held[1].cancel()
    await asyncio.gather(*held, return_exceptions=True)


@pytest.mark.parametrize(
    ("function", "arguments", "number", "text"),
    [
        (in_process.exits, (0,), None, "ended with exit code 0"),
        (in_process.exits, (3,), None, "ended with exit code 3"),
        (in_process.killed, (), signal.SIGKILL, "SIGKILL, perhaps because the memory was full"),
    ],
)
async def test_one_that_dies_is_an_error_of_its_call_alone(
    processes: SpawnedProcesses,
    tmp_path: Path,
    function: object,
    arguments: object,
    number: int | None,
    text: str,
) -> None:
    beside = asyncio.create_task(processes.run(in_process.never, str(tmp_path / "pid")))
    await told(tmp_path / "pid")
    assert callable(function)
    assert isinstance(arguments, tuple)
    for _ in range(3):
        with pytest.raises(ProcessDied, match=text) as raised:
            await processes.run(function, *arguments)
        assert (raised.value.code, raised.value.signal) == ("process_died", number)
    assert await processes.run(in_process.add, 1, 2) == 3
    assert not beside.done()
    beside.cancel()
    await asyncio.gather(beside, return_exceptions=True)


async def test_one_that_is_killed_while_idle_disturbs_nobody(processes: SpawnedProcesses) -> None:
    first = await processes.run(in_process.pid)
    os.kill(first, signal.SIGKILL)
    await asyncio.sleep(0.1)
    assert await processes.run(in_process.pid) != first


async def test_what_it_raises_is_raised(processes: SpawnedProcesses) -> None:
    with pytest.raises(TypeError) as raised:
        await processes.run(in_process.add, 1, "2")
    assert "in add" in raised.value.__notes__[0]
    with pytest.raises(GiveUp, match="of no use"):
        await processes.run(in_process.gives_up)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (in_process.two_fold, "TwoFold: this and that"),
        (in_process.spiteful, "Spiteful: ha"),
        (in_process.leaves, "SystemExit: 7"),
        (in_process.stops, "StopIteration: 1"),
    ],
)
async def test_what_cannot_be_raised_elsewhere_is_told(
    processes: SpawnedProcesses, function: object, text: str
) -> None:
    assert callable(function)
    pid = await processes.run(in_process.pid)
    with pytest.raises(RuntimeError, match=text):
        await processes.run(function)
    assert await processes.run(in_process.pid) == pid, "it is of use still"


async def test_what_cannot_be_handed_over_is_refused(processes: SpawnedProcesses) -> None:
    before = children()
    with pytest.raises(Invalid, match=r"cannot hand over .*<lambda>.*top of a module"):
        await processes.run(lambda: 1)
    with pytest.raises(Invalid, match=r"cannot hand over add with its arguments: .*lock"):
        await processes.run(in_process.add, asyncio.Lock(), in_process.unpicklable())
    assert children() == before
    for function in (in_process.unpicklable, in_process.unpicklable_function):
        with pytest.raises(Invalid, match=r"cannot hand over the result: .*JSON"):
            await processes.run(function)


async def test_a_function_may_print_and_start_programs(
    processes: SpawnedProcesses, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await processes.run(in_process.prints) == ""
    assert await processes.run(in_process.add, 1, 2) == 3


async def test_what_a_whole_group_is_told_does_not_end_it(processes: SpawnedProcesses) -> None:
    assert await processes.run(in_process.terminated) == "still here"


async def test_one_that_cannot_be_started_is_said(processes: SpawnedProcesses) -> None:
    lowest = os.open(os.devnull, os.O_RDONLY)  # to learn which number is free
    os.close(lowest)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, before[1]))
    try:
        with pytest.raises(Unavailable, match=r"could be started: .*Too many open files"):
            await processes.run(in_process.pid)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert await processes.run(in_process.add, 1, 2) == 3


async def test_close_ends_all_of_them(tmp_path: Path) -> None:
    processes = SpawnedProcesses(2)
    idle = await processes.run(in_process.pid)
    calls = [
        asyncio.create_task(processes.run(in_process.never, str(tmp_path / name))) for name in "abc"
    ]
    pids = await asyncio.gather(*(told(tmp_path / name) for name in "ab"))
    await processes.close()
    for result in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(result, Unavailable)
        assert "closed" in result.detail
    for pid in (idle, *pids):
        assert not is_there(pid)
    with pytest.raises(Unavailable, match="closed"):
        await processes.run(in_process.pid)


PARENT = """
import asyncio, sys
from profilecore.adapters.processes import SpawnedProcesses
from profilecore.ports import ProcessDied
from tests.support import in_process

processes = SpawnedProcesses(1)  # what is forgotten is closed

async def main():
    if sys.argv[1] == "idle":
        print(await processes.run(in_process.pid), flush=True)
        if len(sys.argv) == 2:
            return
        await asyncio.sleep(600)
    await processes.run(in_process.never, sys.argv[2])

if __name__ == "__main__":
    asyncio.run(main())
"""


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PARENT, *arguments],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("what", ["idle", "busy"])
async def test_they_end_with_a_parent_that_is_killed(tmp_path: Path, what: str) -> None:
    parent = start(what, str(tmp_path / "pid"))
    assert parent.stdout is not None
    if what == "idle":
        pid = int(await asyncio.to_thread(parent.stdout.readline))
    else:
        pid = await told(tmp_path / "pid")
    parent.kill()
    _, errors = await asyncio.to_thread(parent.communicate, timeout=30)
    await gone(pid)
    assert errors == ""


def test_one_that_nobody_can_ask_any_more_ends() -> None:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve, args=(theirs,))
    process.start()
    theirs.close()
    ours.close()
    process.join(30)
    assert process.exitcode == 0


async def test_a_parent_that_did_not_close_can_end() -> None:
    parent = start("idle")
    out, errors = await asyncio.to_thread(parent.communicate, timeout=30)
    assert (parent.returncode, errors) == (0, "")
    await gone(int(out))
