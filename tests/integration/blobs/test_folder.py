"""A folder: on the disk before it is answered, never seen in part, left clean."""

# What a test looks at itself is on a disk that answers.
# ruff: noqa: ASYNC240

import asyncio
import errno
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from profilecore.adapters.obstore import FolderBlobs
from profilecore.adapters.obstore.folder import ARRIVING, LEFT_FOR
from profilecore.errors import Unavailable
from profilecore.testing.blobs import key
from tests.integration.blobs.putting import content

ROOT = Path(__file__).parents[3]
ROUNDS = 6

Watch = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def watch_flushes(monkeypatch: pytest.MonkeyPatch, seen: Watch) -> None:
    """Tell of each file and folder that is about to be flushed to the disk; then do so."""
    flush = os.fsync

    def fsync(descriptor: int) -> None:
        seen(Path(f"/proc/self/fd/{descriptor}").readlink())
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


def arriving(folder: Path) -> list[Path]:
    return sorted((folder / ARRIVING).iterdir()) if (folder / ARRIVING).exists() else []


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110 - a thread does it, for which nobody waits
            await asyncio.sleep(0.005)


# Durable


async def test_bytes_are_on_the_disk_before_they_have_their_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And all the names that lead to them before the put has ended."""
    flushed: list[tuple[Path, bool]] = []
    path = folder / key(1)
    watch_flushes(monkeypatch, lambda seen: flushed.append((seen, path.exists())))
    blobs = FolderBlobs(folder)
    await blobs.put(key(1), b"data" * 100_000)
    (made, _), (first, named), *others = flushed
    assert made == folder.parent, "the name of the folder itself"
    assert first.parent == folder / ARRIVING
    assert not named
    assert [seen for seen, _ in others] == [path.parent, path.parent.parent, folder]
    assert all(named for _, named in others)


async def test_nothing_is_deleted_where_the_folder_is_away(folder: Path, tmp_path: Path) -> None:
    """Its disk may come back, with all that was to be deleted."""
    blobs = FolderBlobs(folder)
    await blobs.put(key(1), b"data")
    folder.rename(tmp_path / "away")
    with pytest.raises(Unavailable, match="no such bucket, container or folder"):
        await blobs.delete([key(1)])
    (tmp_path / "away").rename(folder)
    await blobs.delete([key(1), key(2)])
    assert await blobs.get(key(1)) is None


async def test_each_put_flushes_all_of_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever made the folders may not have got as far as to flush them."""
    blobs = FolderBlobs(folder)
    await blobs.put(key(1), b"data")
    flushed: list[Path] = []
    watch_flushes(monkeypatch, flushed.append)
    await blobs.put(key(1), b"data")
    assert len(flushed) == 4


async def test_what_was_deleted_does_not_come_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = FolderBlobs(folder)
    await blobs.put(key(1), b"data")
    flushed: list[Path] = []
    watch_flushes(monkeypatch, flushed.append)
    await blobs.delete([key(1)])
    assert flushed == [folder]
    assert [path.name for path in folder.iterdir()] == [ARRIVING], "no empty folder is left"


async def test_bytes_that_do_not_get_to_the_disk_get_no_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = FolderBlobs(folder)
    await blobs.put(key(2), b"data")

    def full(_: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        watch_flushes(broken, full)
        with pytest.raises(Unavailable) as raised:
            await blobs.put(key(1), b"data")
    assert isinstance(raised.value.__cause__, OSError)
    assert await blobs.get(key(1)) is None
    assert [stored.key for stored in await blobs.list("", 10)] == [key(2)]
    await until(lambda: arriving(folder) == [])
    await blobs.put(key(1), b"data")


async def test_a_disk_that_does_not_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The put ends in bounded time, and its blob is not there."""
    blobs = FolderBlobs(folder, call_max=0.3)
    await blobs.put(key(2), b"data")
    watch_flushes(monkeypatch, lambda _: time.sleep(1.0))
    began = time.monotonic()
    with pytest.raises(Unavailable, match="did not answer in time"):
        await blobs.put(key(1), b"data")
    assert time.monotonic() - began < 0.9
    await until(lambda: arriving(folder) == [])
    await asyncio.sleep(1.0)
    assert await blobs.get(key(1)) is None


async def test_the_loop_goes_on_while_the_disk_is_slow(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = 0.5
    watch_flushes(monkeypatch, lambda _: time.sleep(slow))
    blobs = FolderBlobs(folder)
    putting = asyncio.create_task(blobs.put(key(1), b"data"))
    longest, last = 0.0, time.monotonic()
    while not putting.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    await putting
    assert longest < slow * 0.9


# What the killed leave


async def test_what_was_left_is_not_seen_and_goes_after_a_while(folder: Path) -> None:
    """Both kinds: what obstore has not finished, and what was not given its name yet."""
    blobs = FolderBlobs(folder)
    await blobs.open()
    await blobs.put(key(1), b"data")
    for name in ("0123", "4567#1"):
        for old in (True, False):
            left = folder / ARRIVING / f"{'old' if old else 'new'}-{name}"
            left.write_bytes(b"half of")
            age = LEFT_FOR + 60 if old else LEFT_FOR - 60
            os.utime(left, (time.time() - age,) * 2)
    (folder / f"{key(1)}#1").write_bytes(b"half of")
    assert [stored.key for stored in await blobs.list("", 10)] == [key(1)]
    for left in arriving(folder):
        assert await blobs.get(f"{ARRIVING}/{left.name}") is None
    assert len(arriving(folder)) == 4
    await FolderBlobs(folder).open()
    assert [left.name for left in arriving(folder)] == ["new-0123", "new-4567#1"]


@pytest.mark.timeout(300)
async def test_kill_9_in_the_middle_of_a_put(folder: Path) -> None:
    """What was answered is there, and nothing in part is, whenever the process dies."""
    chance = random.Random(20260301)
    answered: set[str] = set()
    lefts = 0
    for turn in range(ROUNDS):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.integration.blobs.putting", str(folder), f"r{turn}"),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        assert child.stdout is not None
        first = await asyncio.wait_for(child.stdout.readline(), 60)
        await asyncio.sleep(0.15 * chance.random())
        child.kill()
        rest = await child.stdout.read()
        assert await child.wait() == -9
        lines = (first + rest).decode().splitlines(keepends=True)
        answered |= {line.strip() for line in lines if line.endswith("\n")}
        lefts = max(lefts, len(arriving(folder)))
        blobs = FolderBlobs(folder)
        await blobs.open()
        listed = {stored.key: stored.size for stored in await blobs.list("", 10_000)}
        assert answered <= set(listed), "an answered put is gone"
        for name, size in listed.items():
            data = await blobs.get(name)
            assert data == content(name), "a blob is there in part"
            assert size == len(data)
    assert len(answered) > ROUNDS
    assert lefts > 0, "no put was killed in its middle"
    for left in arriving(folder):
        os.utime(left, (0, 0))
    await FolderBlobs(folder).open()
    assert arriving(folder) == []


# Folders that are none


async def test_a_file_stands_in_its_place(folder: Path) -> None:
    """No reason not to start; and it is used as soon as it can be."""
    folder.write_text("a file")
    blobs = FolderBlobs(folder)
    await blobs.open()
    with pytest.raises(Unavailable, match="cannot be reached"):
        await blobs.ping()
    for verb in (blobs.put(key(1), b"x"), blobs.get(key(1)), blobs.list("", 1)):
        with pytest.raises(Unavailable):
            await verb
    folder.unlink()
    await blobs.ping()
    await blobs.put(key(1), b"x")
    assert await blobs.get(key(1)) == b"x"


async def test_it_is_gone(folder: Path) -> None:
    blobs = FolderBlobs(folder)
    await blobs.put(key(1), b"x")
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(Unavailable, match="refused access"):
        await blobs.ping()
    await blobs.put(key(1), b"x")
    assert await blobs.get(key(1)) == b"x"
    await blobs.ping()


async def test_a_hostile_key_does_not_lead_out_of_it(folder: Path) -> None:
    """Where there is something that it could lead to."""
    blobs = FolderBlobs(folder)
    outside = folder.parent / "secret"
    outside.write_text("secret")
    await blobs.put(key(1), b"x")
    for hostile in ("../secret", str(outside), f"{key(1)}/../../../../secret"):
        assert await blobs.get(hostile) is None
        await blobs.delete([hostile])
    assert outside.read_text() == "secret"
    assert sorted(folder.parent.iterdir()) == sorted([folder, outside])
