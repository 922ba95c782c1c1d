"""Servers come and go behind nginx, under load, and nobody who asks well notices."""

import asyncio
import io
import json
import math
import random
import time
from collections import Counter
from typing import Final

import httpx
import pytest
from PIL import Image

from deploy.local.stack import Stack
from tests.rehearsal.load import PROFILES, Failure, Load, under_load
from tests.support.dashboards import queries

SCOPES: Final = ("profiles:read", "profiles:write", "tasks:read", "tasks:write")
SECONDS: Final = 60.0
KILL_FELT: Final = 5.0  # seconds within which what was under way at the kill has failed
TASKS_END: Final = 60.0
ALERTS_END: Final = 60.0
# What a machine that others use too is allowed to be.
SLOW: Final = {
    *("HighLatency", "CacheLatency", "ReadLatencyBurn", "WriteLatencyBurn", "EventLoopBlocked"),
}


def picture() -> bytes:
    """Another one each time: what is there already is not stored again."""
    buffer = io.BytesIO()
    Image.new("RGB", (320, 240), tuple(random.randbytes(3))).save(buffer, "PNG")
    return buffer.getvalue()


async def restart(stack: Stack, name: str) -> None:
    """As a deployment does: ask it to end, wait, start it again."""
    process = stack.processes[name]
    code = await asyncio.to_thread(process.stop)
    assert code == 0, f"{name} ended with {code}"
    await asyncio.to_thread(process.start)


async def rehearsed(stack: Stack, load: Load) -> tuple[float, float]:
    """Restart each in turn, and kill one; when that was, and for how long all of it went on."""
    began = time.monotonic()
    async with under_load(load):
        await asyncio.sleep(5)
        for name in ("server-1", "server-2", "worker"):
            await restart(stack, name)
            await asyncio.sleep(2)
        killed = time.monotonic()
        await asyncio.to_thread(stack.processes["server-1"].kill)
        await asyncio.sleep(KILL_FELT)
        await asyncio.to_thread(stack.processes["server-1"].start)
        await asyncio.sleep(max(0.0, SECONDS - (time.monotonic() - began)))
    return killed, time.monotonic() - began


@pytest.mark.timeout(300)
async def test_restarts_fail_nothing_and_a_kill_only_what_can_be_sent_again(stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {stack.token(*SCOPES)}"}
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(
        base_url=stack.url, headers=headers, timeout=30, trust_env=False, limits=limits
    ) as client:
        load = Load(client, picture)
        killed, seconds = await rehearsed(stack, load)
        asked = sum(load.answers.values())
        print(f"\n{asked} requests in {seconds:.0f} s: {dict(load.answers)}")
        print(f"{len(load.tasks)} tasks, {len(load.versions)} profiles; failed: {load.failures}")
        assert seconds >= SECONDS
        assert asked > 1_000
        by_restarts = [f for f in load.failures if not killed <= f.at <= killed + KILL_FELT]
        assert by_restarts == []
        # What nginx may send again it has: nobody who read saw the kill. All else was sent again
        # by its client, and answered.
        assert [f for f in load.failures if not _may_not_be_repeated(f)] == []
        await asyncio.to_thread(_is_shown, stack)
        await _nothing_is_lost(client, load)
        await _tasks_end(client, load)
    _is_quiet(stack)


def _may_not_be_repeated(failure: Failure) -> bool:
    return failure.method in {"POST", "PATCH"}


async def _nothing_is_lost(client: httpx.AsyncClient, load: Load) -> None:
    """Each profile is there once, with at least the last version that was acknowledged."""
    text = (await client.get(f"{PROFILES}/export")).text
    rows = {row["id"]: row for row in map(json.loads, text.splitlines())}
    for name, version in load.versions.items():
        if name in load.deleted:
            assert name not in rows
        else:
            assert rows[name]["version"] >= version
    counted = Counter(row["email"] for row in rows.values())
    assert set(counted.values()) == {1}
    assert set(counted) == {e for name, e in load.emails.items() if name not in load.deleted}


async def _tasks_end(client: httpx.AsyncClient, load: Load) -> None:
    """Each task that was accepted has succeeded, and there are no others."""
    deadline = time.monotonic() + TASKS_END
    for name in load.tasks:
        while True:
            task = (await client.get(f"/api/v1/tasks/{name}", params={"wait": 10})).json()
            if task["status"] == "succeeded":
                break
            assert time.monotonic() < deadline, task
            assert task["status"] in {"scheduled", "queued", "running"}, task


def _is_shown(stack: Stack) -> None:
    """Prometheus has counted, and each query of a dashboard has data."""
    with _prometheus(stack) as prometheus:
        (total,) = _ask(prometheus, 'sum(http_requests_total{job="profilecore"})')
        assert float(total["value"][1]) > 100
        empty = [
            f"{board}, {panel}: {query}"
            for board, panel, query in queries()
            if all(math.isnan(float(row["value"][1])) for row in _ask(prometheus, query))
        ]
        assert empty == []


def _is_quiet(stack: Stack) -> None:
    """No alert has fired, and none is about to; what was restarted is seen again."""
    with _prometheus(stack) as prometheus:
        assert _ask(prometheus, 'max_over_time(ALERTS{alertstate="firing"}[15m])') == []
        deadline = time.monotonic() + ALERTS_END
        while pending := _pending(prometheus):
            assert time.monotonic() < deadline, pending
            time.sleep(1)
        assert len(_ask(prometheus, 'up{job="profilecore"} == 1')) == 3


def _pending(prometheus: httpx.Client) -> set[str]:
    names = {r["metric"]["alertname"] for r in _ask(prometheus, 'ALERTS{alertstate="pending"}')}
    return names - SLOW


def _prometheus(stack: Stack) -> httpx.Client:
    url = f"http://127.0.0.1:{stack.ports['prometheus']}"
    return httpx.Client(base_url=url, timeout=10, trust_env=False)


def _ask(prometheus: httpx.Client, query: str) -> list[dict]:
    answer = prometheus.get("/api/v1/query", params={"query": query}).json()
    found: list[dict] = answer["data"]["result"]
    return found
