"""The store of images is away: no row without bytes, nothing lost, and the upload repeated."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.integration.images.conftest import Place, of_sqlite
from tests.support.forking import COMMAND
from tests.support.http import created, path_of, problem
from tests.support.pictures import encoded, scene
from tests.support.processes import Server, environment
from tests.support.proxy import ThreadedProxy, proxied
from tests.support.s3 import REGION, S3Process
from tests.support.uploads import (
    assert_whole,
    files_of,
    gone,
    images,
    images_of,
    upload,
    uploaded,
)

LIBRARY: Final = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
PICTURE: Final = encoded(scene(), "PNG")
OTHER: Final = encoded(scene(80, 40), "PNG")


def refused(client: httpx.Client, profile: dict[str, Any], data: bytes) -> None:
    """The upload is not taken, may be repeated, and has changed nothing."""
    before = client.get(path_of(profile)).json()["profile"]
    answer = upload(client, profile, data)
    document = problem(answer, 503, "unavailable")
    assert document["detail"].startswith("The store of images ")
    assert int(answer.headers["retry-after"]) > 0
    assert client.get(path_of(profile)).json()["profile"] == before


def test_the_folder_cannot_be_used(tmp_path: Path) -> None:
    place = Place(tmp_path, of_sqlite(tmp_path))
    with Server(tmp_path) as server, server.client() as client:
        profile, other = created(client), created(client)
        kept = uploaded(client, profile, PICTURE)
        # Not by its rights, which the superuser does not heed: it is another kind of thing.
        place.blobs.rename(tmp_path / "elsewhere")
        place.blobs.touch()
        refused(client, profile, OTHER)
        refused(client, other, PICTURE)
        problem(client.get(kept["url"]), 503, "unavailable")
        assert client.get("/health").json()["components"]["blobs"]["status"] == "degraded"
        assert client.get("/health/ready").status_code == 200
        removed = client.delete(f"{images_of(profile)}/{kept['id']}")
        assert removed.status_code == 204, "its files go when the store is back"
        place.blobs.unlink()
        (tmp_path / "elsewhere").rename(place.blobs)
        gone(client, kept, 60)
        assert_whole(client, uploaded(client, other, PICTURE))
        assert_whole(client, uploaded(client, profile, OTHER))


def test_the_folder_takes_some_of_the_files(tmp_path: Path) -> None:
    place = Place(tmp_path, of_sqlite(tmp_path))
    with Server(tmp_path) as server, server.client() as client:
        profile = created(client)
        image = uploaded(client, profile, PICTURE)
        client.delete(f"{images_of(profile)}/{image['id']}")
        gone(client, image)
        kept = uploaded(client, profile, OTHER)
        obstacle = place.blobs / image["variants"]["large"]["jpeg"]["url"].removeprefix("/media/")
        (obstacle / "in the way").mkdir(parents=True)
        refused(client, profile, PICTURE)
        assert images(client, profile) == [kept]
        assert place.orphans() == [], "they may be on their way"
        place.later()
        assert place.orphans() == [image["id"]]
        (obstacle / "in the way").rmdir()
        obstacle.rmdir()
        assert "1 images without a profile removed" in place.run("gc").stdout
        assert {path.parent.name for path in place.files()} == {kept["id"]}
        assert_whole(client, uploaded(client, profile, PICTURE))
        assert_whole(client, kept)


class Bucket:
    """A service whose images are in a bucket, behind a way that can be cut."""

    def __init__(self, folder: Path, s3: S3Process, way: ThreadedProxy) -> None:
        self.folder = folder
        self.way = way
        key = s3.bucket("pictures")
        self.settings = {
            "BLOBS_URL": "s3://pictures",
            "BLOBS_ENDPOINT": f"http://{way.address}",
            "BLOBS_REGION": REGION,
            "BLOBS_ACCESS_KEY": str(key.access_key),
            "BLOBS_SECRET_KEY": str(key.secret_key),
        }

    def gc(self, *options: str) -> list[str]:
        """What it says two hours later."""
        clock = {"LD_PRELOAD": str(LIBRARY[0]), "FAKETIME": "+2h"}
        done = subprocess.run(
            [COMMAND, "gc", *options],
            cwd=self.folder,
            env=environment(**self.settings, **clock, FAKETIME_DONT_FAKE_MONOTONIC="1"),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout.splitlines()


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    with S3Process(tmp_path) as s3, proxied(s3.port) as way:
        s3.make("pictures")
        yield Bucket(tmp_path, s3, way)


def test_the_bucket_is_cut_off_and_breaks_off(bucket: Bucket) -> None:
    with Server(bucket.folder, **bucket.settings) as server, server.client() as client:
        profile = created(client)
        kept = uploaded(client, profile, OTHER)
        assert_whole(client, kept)
        bucket.way.cut()
        time.sleep(0.1)
        refused(client, profile, PICTURE)
        problem(client.get(kept["url"]), 503, "unavailable")
        bucket.way.heal()
        assert_whole(client, kept)
        bucket.way.reset()  # it takes all of it, and says half of it
        refused(client, profile, PICTURE)
        bucket.way.heal()
        assert images(client, profile) == [kept]
        (left,) = bucket.gc("--dry-run")
        assert left != kept["id"]
        assert bucket.gc()[-1] == "1 images without a profile removed"
        assert_whole(client, kept)
        again = uploaded(client, profile, PICTURE)
        assert again["id"] == left
        assert_whole(client, again)
        assert len(files_of(again) | files_of(kept)) == 12
        assert not (bucket.folder / "data" / "blobs").exists()
