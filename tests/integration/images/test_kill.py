"""kill -9 of the server at each step: no row without bytes, no bytes that gc does not find."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.integration.images.conftest import Place
from tests.support.campaign import FULL
from tests.support.faultpoints import Faultpoints
from tests.support.faulty_images import FAULTY
from tests.support.http import PROFILES, created
from tests.support.pictures import encoded, scene
from tests.support.processes import Server
from tests.support.receiver import Receiver
from tests.support.uploads import (
    assert_whole,
    files_of,
    gone,
    images,
    images_of,
    until,
    upload,
    uploaded,
)

IN_UPLOAD: Final = ("held", "one is put", "all are put", "committed")
IN_REMOVAL: Final = ("committed", "condemned", "deleted", "purge ordered", "forgotten", "purged")
ON_POSTGRES: Final = ("all are put", "condemned", "purge ordered")
"""In CI; the others are tried on SQLite. In full each is tried on both."""
ROOT: Final = Path(__file__).parents[3]
STOPPED_WITHIN: Final = 30.0


class Mortal:
    """A service that is killed at a point, and started again as a supervisor would."""

    def __init__(self, place: Place, stack: ExitStack) -> None:
        self.place = place
        self.cache = stack.enter_context(Receiver())
        self.points = Faultpoints(place.folder / "armed")
        self._stack = stack
        self._settings = {
            **place.database.settings,
            **self.points.settings,
            "FAULTS_ROLE": "server",
            "PYTHONPATH": str(ROOT),
            "TASK_LEASE": "1s",
            "CDN_PURGE": f"http://127.0.0.1:{self.cache.port}/200",
        }
        self.start()

    def start(self) -> None:
        self.server = self._stack.enter_context(
            Server(self.place.folder, program=FAULTY, **self._settings)
        )
        self.client = self._stack.enter_context(self.server.client())

    def arm(self, point: str) -> None:
        self.points.arm("kill", "server", point)

    def has_died(self) -> None:
        """Wait for its end, and start it again."""
        assert self.server.wait(STOPPED_WITHIN) == -signal.SIGKILL
        self.start()

    def everyones(self) -> list[dict[str, Any]]:
        """All images that profiles have."""
        profiles = self.client.get(PROFILES, params={"limit": 1_000}).json()
        return [image for profile in profiles for image in profile["images"]]

    def assert_no_row_without_bytes(self) -> None:
        for image in self.everyones():
            assert_whole(self.client, image)


@contextmanager
def mortal(place: Place) -> Iterator[Mortal]:
    with ExitStack() as stack:
        yield Mortal(place, stack)


def points(place: Place, all_of_them: tuple[str, ...]) -> list[str]:
    on_postgres = place.database.settings["DATABASE"] == "postgres"
    return [point for point in all_of_them if FULL or (point in ON_POSTGRES) == on_postgres]


def picture(number: int) -> bytes:
    return encoded(scene(60 + 2 * number, 40))


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_the_server_is_killed_at_each_step_of_an_upload(place: Place) -> None:
    with mortal(place) as service:
        profile = created(service.client)
        for number, point in enumerate(points(place, IN_UPLOAD)):
            service.arm(point)
            with suppress(httpx.TransportError):
                answer = upload(service.client, profile, picture(number))
                raise AssertionError(f"it was not killed {point}: {answer.text}")
            service.has_died()
            there = {image["id"] for image in images(service.client, profile)}
            assert len(there) == number + (point == "committed"), point
            service.assert_no_row_without_bytes()
            left = {path.parent.name for path in place.files()} - there
            assert len(left) == (point in ("one is put", "all are put")), point
            if point == "one is put":
                assert place.orphans() == [], "they may be on their way"
                place.later()
                assert set(place.orphans()) == left
                assert "1 images without a profile removed" in place.run("gc").stdout
                assert not {path.parent.name for path in place.files()} - there
            image = uploaded(service.client, profile, picture(number))
            assert left <= {image["id"]}, "the upload was repeated"
            assert_whole(service.client, image)
            assert len(images(service.client, profile)) == number + 1


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_the_server_is_killed_at_each_step_of_a_removal(place: Place) -> None:
    """The task is rescued, and ends what was begun; the caches hear of it."""
    with mortal(place) as service:
        profile = created(service.client)
        kept = [uploaded(service.client, profile, picture(0))]
        for number, point in enumerate(points(place, IN_REMOVAL), start=1):
            image = uploaded(service.client, profile, picture(number))
            service.arm(point)
            with suppress(httpx.TransportError):  # the task may end before the answer, or after
                service.client.delete(f"{images_of(profile)}/{image['id']}")
            service.has_died()
            assert images(service.client, profile) == kept, point
            place.minute()
            gone(service.client, image, 60)
            until(partial(purged, service, image), 60, f"no cache was told, killed {point}")
            kept.append(uploaded(service.client, profile, picture(number)))
            service.assert_no_row_without_bytes()
        place.later()
        assert place.orphans() == []
        assert {path.parent.name for path in place.files()} == {image["id"] for image in kept}


def purged(service: Mortal, image: dict[str, Any]) -> bool:
    paths = {call.path for call in service.cache.calls}
    return {f"/200{url}" for url in files_of(image)} <= paths
