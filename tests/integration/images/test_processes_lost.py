"""The processes that make images, under the real service: one is killed, one stands still."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support import pictures
from tests.support.http import created, problem
from tests.support.pictures import encoded, scene
from tests.support.processes import Server
from tests.support.uploads import assert_whole, images, until, upload, uploaded


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With one such process, so that one knows which it is."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "tmp").mkdir()
    with Server(folder, IMAGE_PROCESSES="1", TMPDIR=str(folder / "tmp")) as server:
        yield server


@pytest.fixture
def api(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def maker(server: Server) -> psutil.Process:
    """The process that makes images."""
    (found,) = (
        child
        for child in psutil.Process(server.process.pid).children()
        if any("spawn_main" in argument for argument in child.cmdline())
    )
    return found


def worked(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_one_is_killed_over_a_picture(server: Server, api: httpx.Client) -> None:
    profile = created(api)
    uploaded(api, profile, encoded(scene()))
    process = maker(server)
    before = worked(process)
    with ThreadPoolExecutor(1) as thread, server.client() as client:
        answer = thread.submit(upload, client, profile, pictures.many_scans())
        until(lambda: worked(process) > before + 0.2, 30, "it does not work")
        process.kill()
        document = problem(answer.result(), 503, "unavailable")
    assert "SIGKILL" in document["detail"]
    assert answer.result().headers["retry-after"]
    assert len(images(api, profile)) == 1
    assert_whole(api, uploaded(api, profile, encoded(scene(80, 40))))
    assert maker(server).pid != process.pid
    assert 'image_processes_lost_total{reason="killed"} 1.0' in api.get("/metrics").text
    assert not list((server.folder / "tmp").iterdir())


def test_one_that_is_killed_while_idle_is_replaced(server: Server, api: httpx.Client) -> None:
    profile = created(api)
    uploaded(api, profile, encoded(scene(90, 40)))
    process = maker(server)
    process.kill()
    until(lambda: has_ended(process), 30, "it goes on")
    assert_whole(api, uploaded(api, profile, encoded(scene(100, 40))))
    assert maker(server).pid != process.pid


def test_they_end_with_the_server(tmp_path: Path) -> None:
    with Server(tmp_path) as server, server.client() as client:
        uploaded(client, created(client), encoded(scene()))
        process = maker(server)
        os.kill(server.process.pid, signal.SIGKILL)
        server.wait()
        until(lambda: has_ended(process), 30, "it goes on")
