"""S3, as moto has it, with the whole contract."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from profilecore.image import FILES, key_of
from profilecore.ports import Blobs
from profilecore.testing.blobs import BlobsContract, image, key
from profilecore.testing.places import BlobsPlace, Traits
from tests.support.http import problem
from tests.support.inside import inside
from tests.support.ports import free_port
from tests.support.s3 import REGION, S3Process

PAGE = 1_000  # keys that S3 lists at once


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Process]:
    with S3Process(tmp_path_factory.mktemp("s3")) as server:
        yield server


class S3Place(BlobsPlace):
    """A prefix in a bucket of its own, beside which there is something else."""

    def __init__(self, server: S3Process) -> None:
        self._server = server
        self.name = f"pictures-{uuid4().hex[:8]}"
        self.prefix = f"{self.name}/of/people"
        server.make(self.name)
        server.write(f"{self.name}/of/animals/{key(1)}", b"cat")
        server.write(f"{self.name}/{key(1)}", b"dog")

    async def open(self) -> Blobs:
        blobs = self._server.blobs(self.prefix)
        await blobs.open()
        return blobs

    async def close(self) -> None:
        pass

    async def tick(self) -> None:
        await asyncio.sleep(1.1)  # its clock has seconds

    async def plant(self, name: str) -> None:
        self._server.write(f"{self.prefix}/{name}", b"of somebody else")


@pytest.fixture
def place(server: S3Process) -> BlobsPlace:
    return S3Place(server)


class TestS3(BlobsContract):
    traits = Traits(durable=True, shared=True)


async def test_more_than_the_server_lists_at_once(server: S3Process) -> None:
    place = S3Place(server)
    blobs = await place.open()
    keys = sorted(key_of(image(n), file) for n in range(180) for file in FILES)
    assert len(keys) > PAGE
    for start in range(0, len(keys), 40):
        await asyncio.gather(*(blobs.put(each, b"x") for each in keys[start : start + 40]))
    assert [stored.key for stored in await blobs.list("", 10_000)] == keys
    assert [stored.key for stored in await blobs.list(keys[30], PAGE + 5)] == keys[31 : PAGE + 36]
    assert [stored.key for stored in await blobs.list(keys[-3], 10)] == keys[-2:]


async def test_where_it_is_kept_and_what_the_bucket_says_of_it(server: S3Process) -> None:
    """For a CDN that stands on the bucket itself."""
    place = S3Place(server)
    blobs = await place.open()
    for file, kind in zip(FILES[:2], ("image/webp", "image/jpeg"), strict=True):
        await blobs.put(key(1, file), b"data")
        answer = server.read(f"{place.prefix}/{key(1, file)}")
        assert (answer.status_code, answer.content) == (200, b"data")
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_the_service_on_it(server: S3Process, tmp_path: Path) -> None:
    """As the settings say; while it is away images are, and nothing else."""
    place = S3Place(server)
    settings: dict[str, Any] = {
        "BLOBS_URL": f"s3://{place.prefix}",
        "BLOBS_ENDPOINT": server.url,
        "BLOBS_REGION": REGION,
        "BLOBS_ACCESS_KEY": "AKIA0123456789",
        "BLOBS_SECRET_KEY": "not much of a secret",
    }
    async with inside(tmp_path, **settings) as app:
        await app.parts.blobs.put(key(1), b"0123456789")
        answer = await app.client.get(f"/media/{key(1)}", headers={"Range": "bytes=2-4"})
        assert (answer.status_code, answer.content) == (206, b"234")
        assert (await app.client.get(f"/media/{key(2)}")).status_code == 404
        component = (await app.client.get("/health")).json()["components"]["blobs"]
        assert (component["status"], component["detail"]) == ("healthy", "s3")
    settings["BLOBS_ENDPOINT"] = f"http://127.0.0.1:{free_port()}"
    async with inside(tmp_path, **settings) as app:
        problem(await app.client.get(f"/media/{key(1)}"), 503, "unavailable")
        health = (await app.client.get("/health")).json()
        assert health["status"] == health["components"]["blobs"]["status"] == "degraded"
        assert (await app.client.get("/health/ready")).status_code == 200
    assert not (tmp_path / "blobs").exists()
