"""The files of attackers over HTTP: each gets its status, and nobody else notices."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Final

import httpx
import psutil
import pytest

from tests.support import pictures
from tests.support.campaign import campaign, dice, rounds
from tests.support.http import created, path_of, problem
from tests.support.mutants import mutant, seeds
from tests.support.pictures import ATTACKS, HTML, MARKER, SVG, encoded, marked, scene
from tests.support.processes import Server
from tests.support.uploads import (
    MULTIPART,
    assert_whole,
    form,
    images,
    images_of,
    part,
    until,
    upload,
    uploaded,
)

MUTANTS: Final = rounds(60, 20_000)
AT_MOST: Final = 50.0
"""Milliseconds that a read may take, at the 99th percentile, while others attack."""
QUIET_TIMES: Final = 5
"""And more where the machine is so busy that it takes long without an attack, too."""
SAMPLES_MIN: Final = 100
TAKEN_MAX: Final = 30
GROWS_MAX: Final = 64 * 1024 * 1024
STATUS: Final = {"not_an_image": 415}
EXECUTABLE: Final = (HTML, SVG, b"<script", b"<?php", b"%!PS")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "tmp").mkdir()
    with Server(folder, TMPDIR=str(folder / "tmp")) as server:
        yield server


@pytest.fixture
def api(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def assert_no_server_error(server: Server) -> None:
    lines = [json.loads(line) for line in server.errors.splitlines()]
    assert not [line for line in lines if line["level"] == "error" or "exception" in line]
    assert not [line for line in lines if line.get("status", 0) >= 500]
    assert not list((server.folder / "tmp").iterdir())


def blobs(server: Server) -> Iterator[bytes]:
    """The bytes of all that is stored."""
    for path in (server.folder / "data" / "blobs").rglob("*"):
        if path.is_file():
            yield path.read_bytes()


class Reader:
    """Reads a profile again and again, meanwhile."""

    def __init__(self, server: Server, path: str) -> None:
        self._server = server
        self._path = path
        self._ended = threading.Event()
        self._took: list[float] = []
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def p99(self) -> float:
        """In milliseconds."""
        assert len(self._took) >= SAMPLES_MIN
        return 1_000 * sorted(self._took)[len(self._took) * 99 // 100]

    def has_enough(self) -> bool:
        return len(self._took) >= SAMPLES_MIN

    def _read(self) -> None:
        with self._server.client() as client:
            while not self._ended.wait(0.002):
                began = time.perf_counter()
                assert client.get(self._path).status_code == 200
                self._took.append(time.perf_counter() - began)


def quiet(server: Server, path: str) -> float:
    with Reader(server, path) as reader:
        until(reader.has_enough, 60, "reads take too long")
    return reader.p99


def test_attacks(server: Server, api: httpx.Client) -> None:
    """The right status for each, within the bounds of memory and of everybody else's time."""
    attacks = {name: (make(), code) for name, (make, code) in ATTACKS.items()}
    profile, other = created(api), created(api)
    uploaded(api, other, encoded(scene()))  # by then all is loaded that an upload needs
    usual = quiet(server, path_of(other))
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    grown = 0
    with Reader(server, path_of(other)) as reader:
        for name, (data, code) in attacks.items():
            for filename, kind in ((b"a.png", b"image/png"), (b"a.php\0.jpg", b"text/html")):
                content = form(part(data, filename=filename, kind=kind))
                answer = api.post(images_of(profile), content=content, headers=MULTIPART)
                try:
                    problem(answer, STATUS.get(code, 422), code)
                except AssertionError as error:
                    error.add_note(f"The attack: {name}")
                    raise
                grown = max(grown, process.memory_info().rss - before)
        until(reader.has_enough, 60, "reads take too long")
    assert images(api, profile) == []
    assert api.get(path_of(profile)).json()["profile"] == profile
    assert grown < GROWS_MAX
    assert reader.p99 < max(AT_MOST, QUIET_TIMES * usual), f"{usual:.1f} ms without"
    print(f"grown by {grown / 2**20:.0f} MB; p99 {reader.p99:.1f} ms, {usual:.1f} ms without")
    assert not [data for data in blobs(server) if any(word in data for word in EXECUTABLE)]
    assert_no_server_error(server)


def test_markers(server: Server, api: httpx.Client) -> None:
    """Whatever was beside the pixels is in no byte of what is stored, and in no answer."""
    profile = created(api)
    shown = ""
    for name, data in marked().items():
        answer = upload(api, profile, data)
        assert answer.status_code == 201, name
        assert_whole(api, answer.json())
        shown += answer.text
    shown += api.get(path_of(profile)).text + server.errors
    assert MARKER.decode() not in shown
    found = list(blobs(server))
    assert len(found) >= 6
    assert not [data for data in found if MARKER in data]
    assert_no_server_error(server)


def test_odd_ones_that_are_good(server: Server, api: httpx.Client) -> None:
    """CMYK, 16 bits, palettes with alpha, all orientations: what becomes of them is elsewhere."""
    good = {name: make() for name, (make, _) in pictures.COLOURS.items()}
    good |= {name: make() for name, make in pictures.CLEAR.items()}
    good |= {f"orientation {n}": pictures.stored_as(scene(), n) for n in range(1, 9)}
    for name, data in good.items():
        answer = upload(api, created(api), data)
        assert answer.status_code == 201, (name, answer.text)
        assert (answer.json()["width"], answer.json()["height"]) == (60, 40), name
    assert_no_server_error(server)


@pytest.mark.campaign
@pytest.mark.timeout(7_200)
def test_a_mutant_gets_a_picture_or_a_problem(server: Server, api: httpx.Client) -> None:
    """20,000 of them in full: not one 5xx, and nothing but what an upload can answer."""
    rng, kinds = dice("mutants over HTTP"), seeds()
    profile, taken = created(api), 0
    with campaign("mutants over HTTP", MUTANTS, "uploads") as run:
        for _ in range(MUTANTS):
            data = mutant(rng, kinds)
            answer = upload(api, profile, data)
            run.injected(str(answer.status_code))
            assert answer.status_code in (201, 413, 415, 422), (answer.text, data.hex())
            taken += answer.status_code == 201
            if taken == TAKEN_MAX:
                profile, taken = created(api), 0
            run.passed()
    assert_no_server_error(server)
