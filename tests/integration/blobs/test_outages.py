"""A bucket that is away, refuses, is silent or breaks off: Unavailable, and in bounded time."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import uuid4

import pytest

from profilecore.adapters.obstore import ObstoreBlobs
from profilecore.errors import Unavailable
from profilecore.testing.blobs import key
from tests.support.ports import free_port
from tests.support.proxy import Proxy
from tests.support.s3 import S3Process

CALL_MAX = 4.0
SLACK = 5.0  # for a machine that has other things to do

Verb = Callable[[ObstoreBlobs], Awaitable[object]]
VERBS: dict[str, Verb] = {
    "put": lambda blobs: blobs.put(key(1), b"data"),
    "get": lambda blobs: blobs.get(key(1)),
    "delete": lambda blobs: blobs.delete([key(n) for n in range(3)]),
    "list": lambda blobs: blobs.list("", 10),
    "ping": lambda blobs: blobs.ping(),
}
verbs = pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Process]:
    with S3Process(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def bucket(server: S3Process) -> str:
    name = f"pictures-{uuid4().hex[:8]}"
    server.make(name)
    return name


@pytest.fixture
async def proxy(server: S3Process) -> AsyncIterator[Proxy]:
    async with Proxy(server.port) as proxy:
        yield proxy


async def unavailable(verb: Awaitable[object]) -> str:
    """What it says; it has to say so before long."""
    began = time.monotonic()
    with pytest.raises(Unavailable) as raised:
        await verb
    assert time.monotonic() - began < CALL_MAX + SLACK
    assert raised.value.__cause__ is not None
    return raised.value.detail


@verbs
async def test_nobody_listens(server: S3Process, verb: Verb) -> None:
    blobs = server.blobs("pictures", port=free_port(), call_max=CALL_MAX)
    assert "cannot be reached" in await unavailable(verb(blobs))


@verbs
async def test_there_is_no_such_bucket(server: S3Process, verb: Verb) -> None:
    """That is no reason to say that an image is not there."""
    blobs = server.blobs("no-such-bucket", call_max=CALL_MAX)
    await unavailable(verb(blobs))


@verbs
async def test_it_is_silent_and_then_speaks_again(
    server: S3Process, proxy: Proxy, bucket: str, verb: Verb
) -> None:
    blobs = server.blobs(bucket, port=proxy.port, call_max=0.7)
    await verb(server.blobs(bucket))  # the first call of the server takes its time
    proxy.hush()
    assert await unavailable(verb(blobs)) == "The store of images did not answer in time."
    proxy.heal()
    await verb(server.blobs(bucket, port=proxy.port))


@verbs
async def test_it_breaks_off(server: S3Process, proxy: Proxy, bucket: str, verb: Verb) -> None:
    blobs = server.blobs(bucket, port=proxy.port, call_max=CALL_MAX)
    proxy.resetting = True
    await unavailable(verb(blobs))
    proxy.heal()
    proxy.cut()
    await unavailable(verb(blobs))
    proxy.heal()
    await verb(blobs)


async def test_there_can_be_no_such_store(server: S3Process) -> None:
    """What makes no sense is told at the start."""

    def nonsense() -> object:
        raise ValueError("secret")

    blobs = ObstoreBlobs(nonsense)  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match="cannot be used as it is set up"):
        await blobs.open()
