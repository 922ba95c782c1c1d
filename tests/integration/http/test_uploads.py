"""Files on their way in: bounded in time and number, and gone whatever happens."""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from profilecore.entrypoints.http.uploads import AT_ONCE, LEFT_FOR, Uploads
from tests.support.http import PROFILES, person, problem
from tests.support.inside import Call, Inside, inside, with_policy
from tests.support.pictures import encoded, photograph, scene
from tests.support.uploads import BOUNDARY, MULTIPART, form, images_of, part, until

GOOD = form(part(encoded(scene(), "PNG")))
LARGE = form(part(encoded(photograph(900, 700), quality=95)))
HEADERS = {**MULTIPART, "Transfer-Encoding": "chunked"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where files come in; nothing is left there."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert not list(folder.glob("*upload*"))


async def profile_in(app: Inside) -> dict[str, Any]:
    profile: dict[str, Any] = (await app.client.post(PROFILES, json=person())).json()
    return profile


async def begun(app: Inside, profile: dict[str, Any], folder: Path, number: int = 1) -> Call:
    """An upload whose body does not go on."""
    call = Call(app.app, "POST", images_of(profile), HEADERS)
    call.give(LARGE[:-100], more=True)
    await asyncio.to_thread(until, lambda: len(files(folder)) == number, 10, "no file is there")
    return call


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def test_an_upload_that_stalls_ends(tmp_path: Path, folder: Path) -> None:
    async with inside(tmp_path, BODY_TIMEOUT="1s") as app:
        profile = await profile_in(app)
        call = await begun(app, profile, folder)
        response = await call.answer()
        problem(response, 408, "request_timeout")
        assert response.headers["connection"] == "close"
        assert files(folder) == []
        again = await app.client.post(images_of(profile), content=GOOD, headers=MULTIPART)
        assert again.status_code == 201


async def test_a_client_that_goes_away_leaves_nothing(tmp_path: Path, folder: Path) -> None:
    async with inside(tmp_path) as app:
        profile = await profile_in(app)
        call = await begun(app, profile, folder)
        call.hang_up()
        await call.end()
        assert files(folder) == []
        assert (await app.client.get(images_of(profile))).json() == []


async def test_what_comes_in_goes_to_the_disk_on_the_way(tmp_path: Path, folder: Path) -> None:
    async with inside(tmp_path) as app:
        call = await begun(app, await profile_in(app), folder)
        (path,) = files(folder)
        call.give(b"x" * (1 << 20), more=True)
        await asyncio.to_thread(until, lambda: path.stat().st_size > 1 << 19, 10, "it waits")
        call.hang_up()
        await call.end()


async def test_so_many_at_once_and_no_more(tmp_path: Path, folder: Path) -> None:
    async with inside(tmp_path) as app:
        profile = await profile_in(app)
        calls = [await begun(app, profile, folder, n) for n in range(1, AT_ONCE + 1)]
        refused = await app.client.post(images_of(profile), content=GOOD, headers=MULTIPART)
        assert "64 uploads" in problem(refused, 503, "unavailable")["detail"]
        assert refused.headers["retry-after"] == "2"
        assert len(files(folder)) == AT_ONCE
        calls[0].hang_up()
        await calls[0].end()
        taken = await app.client.post(images_of(profile), content=GOOD, headers=MULTIPART)
        assert taken.status_code == 201
        for call in calls[1:]:
            call.hang_up()
            await call.end()


async def test_no_room_for_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    async with inside(tmp_path) as app:
        profile = await profile_in(app)
        for _ in range(2):
            answer = await app.client.post(images_of(profile), content=GOOD, headers=MULTIPART)
            document = problem(answer, 503, "unavailable")
            assert document["detail"] == "There is no room for uploads."
        assert (await app.client.get(images_of(profile))).json() == []


@pytest.mark.parametrize("content", [GOOD, LARGE], ids=["small", "large"])
async def test_a_disk_that_is_full(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """Linux has a file for it, to which nothing can be written."""

    def full(*, prefix: str, dir: Path) -> tuple[int, str]:
        return os.open("/dev/full", os.O_WRONLY), str(dir / f"{prefix}x")

    async with inside(tmp_path) as app:
        profile = await profile_in(app)
        with monkeypatch.context() as patched:
            patched.setattr(tempfile, "mkstemp", full)
            answer = await app.client.post(images_of(profile), content=content, headers=MULTIPART)
        document = problem(answer, 503, "unavailable")
        assert document["detail"] == "The upload could not be written to the disk."
        again = await app.client.post(images_of(profile), content=content, headers=MULTIPART)
        assert again.status_code == 201


def test_what_a_killed_process_left_is_swept(folder: Path) -> None:
    old = time.time() - LEFT_FOR - 10
    names = ("profilecore-upload-old", "profilecore-upload-new", "somebody-elses")
    for name in names:
        (folder / name).touch()
    (folder / "profilecore-upload-folder").mkdir()  # which cannot be removed so, and stays
    for path in folder.iterdir():
        os.utime(path, (old, old))
    os.utime(folder / names[1])
    Uploads(folder).sweep()
    assert sorted(path.name for path in folder.iterdir()) == [
        "profilecore-upload-folder",
        *names[1:],
    ]
    for path in folder.glob("profilecore-*"):
        path.rmdir() if path.is_dir() else path.unlink()


async def test_a_version_may_be_asked_for(tmp_path: Path) -> None:
    """DELETE of an image, with REQUIRE_IF_MATCH."""
    async with inside(tmp_path, change=with_policy(require_if_match=True)) as app:
        path = f"{images_of(await profile_in(app))}/{'0' * 64}"
        problem(await app.client.delete(path), 428, "precondition_required")
        problem(await app.client.delete(path, headers={"If-Match": '"v1"'}), 404, "not_found")


def test_the_forms_of_these_tests_are_ones() -> None:
    assert LARGE.endswith(f"--{BOUNDARY}--\r\n".encode())
    assert len(LARGE) > 1 << 18, "it is written on the way"
