"""Redis refused, silent, slow, resetting, absent: no call fails, and the way back is automatic."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest

from profilecore.adapters.memory import MemoryStore
from profilecore.adapters.redis import RedisCache, RedisLimiter, RedisServer
from profilecore.adapters.redis.connection import CALL_MAX
from profilecore.errors import Unavailable
from profilecore.limits import Rate
from profilecore.relay import Horizon
from profilecore.testing.samples import person, updated
from tests.integration.redis.stack import Stack
from tests.support.certificates import certificate
from tests.support.ports import free_port
from tests.support.redis import RedisProcess

BACK_MAX = 5.0


@pytest.fixture
async def stack(server: RedisProcess) -> AsyncIterator[Stack]:
    async with Stack(MemoryStore(), server.port, f"faults{time.monotonic_ns()}") as stack:
        yield stack


async def written(stack: Stack) -> UUID:
    change = {"name": "Ada", "email": f"{time.monotonic_ns()}@example.com"}
    return (await stack.service.create(change, actor=None)).profile.id


async def answered(cache: RedisCache) -> None:
    """Ping until it answers: a handshake takes its time on a machine that is busy."""
    for _ in range(20):
        with suppress(Unavailable):
            return await cache.ping()
    return await cache.ping()


async def slowest(stack: Stack, ids: list[UUID], seconds: float) -> float:
    """Read and write for a while; give the longest that a read took."""
    end, worst = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        for id_ in ids:
            began = time.monotonic()
            assert await stack.read(id_) is not None
            worst = max(worst, time.monotonic() - began)
        values = {"bio": str(time.monotonic_ns())}
        await stack.service.update(ids[0], values, expected=None, actor=None)
        await asyncio.sleep(0.002)
    return worst


async def test_a_cut_way_costs_nothing_and_heals_by_itself(stack: Stack) -> None:
    id_ = await written(stack)
    stack.proxy.cut()
    assert await slowest(stack, [id_], 1.0) < 0.75
    assert stack.cache.active
    stack.proxy.heal()
    assert await stack.until(active=False) < BACK_MAX


async def test_a_silent_server_is_waited_for_once(server: RedisProcess, stack: Stack) -> None:
    id_ = await written(stack)
    server.pause()
    try:
        assert await slowest(stack, [id_], 1.0) < 1.2
        assert stack.cache.active
        assert await slowest(stack, [id_], 1.0) < 0.25, "nobody waits while it is known to be lost"
    finally:
        server.resume()
    assert await stack.until(active=False) < BACK_MAX


async def test_a_slow_way_is_used(stack: Stack) -> None:
    id_ = await written(stack)
    stack.proxy.delay = 0.1
    began = time.monotonic()
    for _ in range(5):
        assert await stack.read(id_) is not None
    assert time.monotonic() - began < 5 * 0.25


async def test_answers_that_break_off_are_no_errors(stack: Stack) -> None:
    id_ = await written(stack)
    stack.proxy.resetting = True
    await slowest(stack, [id_], 1.0)
    assert stack.cache.active
    stack.proxy.heal()
    assert await stack.until(active=False) < BACK_MAX


async def test_a_restart_that_forgets_everything(tmp_path: Path) -> None:
    """A new Redis is in use within seconds, and does not take what late reads bring."""
    with RedisProcess(tmp_path) as server:
        async with Stack(MemoryStore(), server.port, "restart") as stack:
            id_ = await written(stack)
            server.kill()
            await slowest(stack, [id_], 0.5)
            assert stack.cache.active
            server.start()
            assert await stack.until(active=False) < BACK_MAX
            await stack.read(id_)
            assert id_ in await stack.redis.get([id_])


async def test_a_redis_that_comes_later(tmp_path: Path) -> None:
    port = free_port()
    async with Stack(MemoryStore(), port, "later") as stack:
        assert stack.cache.active
        id_ = await written(stack)
        assert await stack.read(id_) is not None
        with RedisProcess(tmp_path, port=port):
            assert await stack.until(active=False) < BACK_MAX
            await stack.read(id_)
            assert id_ in await stack.redis.get([id_])


async def test_five_hundred_at_once_are_no_outage(stack: Stack) -> None:
    ids = [await written(stack) for _ in range(20)]
    turns = len(stack.turns)
    for _ in range(5):
        readings = await asyncio.gather(*(stack.read(ids[n % 20]) for n in range(500)))
        assert None not in readings
    assert stack.turns[turns:] == []


async def test_a_call_that_is_cancelled_ends(stack: Stack) -> None:
    """Also where the client library loses the cancellation."""
    id_ = await written(stack)
    for turn in range(300):
        task = asyncio.create_task(stack.redis.get([id_]))
        for _ in range(turn % 12):
            await asyncio.sleep(0)
        if task.cancel():
            _, late = await asyncio.wait({task}, timeout=2)
            assert not late
            assert task.cancelled() or task.exception() is None


async def test_a_call_that_is_cancelled_when_it_fails_is_cancelled(stack: Stack) -> None:
    async def call() -> None:
        async with stack.redis._gate.calling():
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:  # wait_for in Python 3.11 gives the failure alone
                raise ConnectionResetError from None

    task = asyncio.create_task(call())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task}, timeout=2)
    assert task.cancelled()


async def test_a_busy_pool_says_so(server: RedisProcess) -> None:
    at = RedisServer(host="127.0.0.1", port=server.port)
    cache = RedisCache(at, Horizon(0), connections=1, prefix="busy")
    await cache.open()
    server.pause()
    try:
        outcomes = await asyncio.gather(
            *(cache.put(person()) for _ in range(3)), return_exceptions=True
        )
    finally:
        server.resume()
    await cache.close()
    codes = sorted(e.code for e in outcomes if isinstance(e, Unavailable))
    assert codes[0] == "busy"
    assert codes[-1] == "timeout"


async def test_a_late_answer_is_no_silence_while_others_are_answered(stack: Stack) -> None:
    """A call in a process that is slow itself, or behind a long one."""
    id_ = await written(stack)
    gate = stack.redis._gate

    async def slow() -> None:
        async with gate.calling():
            await stack.redis.get([id_])
            raise TimeoutError

    with pytest.raises(Unavailable) as late:
        await slow()
    with pytest.raises(Unavailable) as silent:
        async with gate.calling():
            raise TimeoutError
    assert (late.value.code, silent.value.code) == ("unavailable", "timeout")


async def test_a_process_that_is_held_up_finds_no_silence(server: RedisProcess) -> None:
    """It sees that the time is over before it sees the answer."""
    cache = RedisCache(RedisServer(host="127.0.0.1", port=server.port), Horizon(0), prefix="held")
    await cache.open()
    await cache.ping()  # makes the connection
    server.pause()
    held_up = asyncio.create_task(cache.ping())
    await asyncio.sleep(CALL_MAX / 5)
    server.resume()
    time.sleep(2 * CALL_MAX)  # noqa: ASYNC251 - that is what is looked at
    with pytest.raises(Unavailable) as late:
        await held_up
    server.pause()
    try:
        with pytest.raises(Unavailable) as silent:
            await cache.ping()
    finally:
        server.resume()
    await cache.close()
    assert (late.value.code, silent.value.code) == ("busy", "timeout")


async def test_garbage_is_a_miss_and_counted(server: RedisProcess, stack: Stack) -> None:
    id_ = await written(stack)
    key = f"{stack.redis._prefix}:{id_.hex}"
    with server.client() as client:
        good = client.get(key)
        assert isinstance(good, bytes)
        head = b":".join(good.split(b":", 3)[:3])
        for garbage in (head + b":\xff\xff", head.replace(b":1:", b":7:", 1) + good[len(head) :]):
            client.set(key, garbage)
            counted = stack.redis.garbled
            assert await stack.redis.get([id_]) == {}
            assert stack.redis.garbled == counted + 1
        client.set(key, head.rpartition(b":")[0] + b":soon:x")
        assert await stack.redis.get([id_]) == {}
        client.set(key, "nonsense")
        assert await stack.redis.get([id_]) == {}
        client.delete(key)
        client.rpush(key, "a list")
        assert await stack.redis.get([id_]) == {}
        assert await stack.read(id_) is not None
        assert id_ in await stack.redis.get([id_]), "the next fill replaces it"
        client.delete(f"{stack.redis._prefix}:state")
        client.rpush(f"{stack.redis._prefix}:state", "a list")
    assert await stack.redis.get([id_]) == {}
    assert await stack.redis.position() is None
    await stack.until(active=True)
    await stack.until(active=False)


async def test_a_copy_lives_a_little_less_than_its_time_and_its_floor_longer(
    server: RedisProcess, stack: Stack
) -> None:
    ids = [await written(stack) for _ in range(30)]
    with server.client() as client:
        rests = [client.pttl(f"{stack.redis._prefix}:{i.hex}") / 1000 for i in ids]
    day = 24 * 3600
    assert all(0.9 * day <= rest - 300 <= day for rest in rests)
    assert max(rests) - min(rests) > 60


async def test_an_acl_user_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "users.acl").write_text("user default off\nuser app on >secret ~* +@all\n")
    with RedisProcess(tmp_path, "--aclfile", "users.acl") as server:
        for username, password, right in (("app", "secret", True), ("app", "no", False)):
            at = RedisServer(
                host="127.0.0.1", port=server.port, username=username, password=password
            )
            cache = RedisCache(at, Horizon(0))
            await cache.open()
            if right:
                await answered(cache)
            else:
                with pytest.raises(Unavailable, match="refused the username or password"):
                    await cache.ping()
            await cache.close()


async def test_an_acl_user_needs_what_the_page_says_and_no_more(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs/how-to/run-with-redis.md"
    (user,) = re.findall(r"^user profilecore on >(\S+) (.*)$", page.read_text(), re.MULTILINE)
    password, rules = user[0], user[1].split()
    with RedisProcess(tmp_path) as server, server.client() as admin:
        at = RedisServer(
            host="127.0.0.1", port=server.port, username="profilecore", password=password
        )
        for left_out in (None, *(rule for rule in rules if rule.startswith("+"))):
            given = [rule for rule in rules if rule != left_out]
            admin.flushall()
            admin.script_flush()  # or what another was allowed to load would be there
            admin.execute_command(
                "ACL", "SETUSER", "profilecore", "reset", "on", f">{password}", *given
            )
            if left_out is None:
                await use(at)
            else:
                with pytest.raises(Unavailable, match=r"not allow this user|refused a command"):
                    await use(at)


async def use(at: RedisServer) -> None:
    """Do all that a service does with it."""
    limiter = RedisLimiter(at, patience=5)
    await limiter.open()
    try:
        assert await limiter.join() == 1
        assert (await limiter.take("a", Rate(1, 60, 1))).allowed
        assert await limiter.rejoin() == 0
    finally:
        await limiter.close()
    cache = RedisCache(at, Horizon(0))
    await cache.open()
    try:
        await cache.begin(0, await cache.position())
        profile = person()
        await cache.put(profile)
        assert await cache.get([profile.id]) == {profile.id: profile}
        assert await cache.apply(0, [updated(profile).event(1)]) == 1
        await cache.drop(profile.id, 3)
        await cache.clear()
        assert await cache.get([profile.id]) == {}
    finally:
        await cache.close()


async def test_a_full_redis_is_left_alone_until_there_is_room(tmp_path: Path) -> None:
    with RedisProcess(tmp_path, "--maxmemory-policy", "noeviction") as server:
        async with Stack(MemoryStore(), server.port, "full") as stack:
            id_ = await written(stack)
            await stack.until(active=False)
            with server.client() as client:
                client.config_set("maxmemory", "1")
                await slowest(stack, [id_], 0.5)
                await stack.until(active=True)
                assert "out of memory" in stack.turns[-1][1]
                client.config_set("maxmemory", "0")
            assert await stack.until(active=False) < BACK_MAX


async def test_tls_with_a_certificate_that_is_checked(tmp_path: Path) -> None:
    path = await asyncio.to_thread(certificate, tmp_path, "localhost")
    port = free_port()
    files = ("--tls-cert-file", path.name, "--tls-key-file", path.with_suffix(".key").name)
    with RedisProcess(tmp_path, "--tls-port", str(port), *files, "--tls-auth-clients", "no"):
        for ca_file, right in ((str(path), True), (None, False)):
            at = RedisServer(host="localhost", port=port, tls=True, ca_file=ca_file)
            cache = RedisCache(at, Horizon(0))
            await cache.open()
            if right:
                await answered(cache)
            else:
                with pytest.raises(Unavailable, match="cannot be reached"):
                    await cache.ping()
            await cache.close()
