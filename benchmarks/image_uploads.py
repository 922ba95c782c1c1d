"""Uploads beside reads: 20 photographs at once, while one profile is read again and again.

Limits: the reads' p99 stays below 20 ms, and no upload fails. One `profilecore dev`, which shares
the machine with both clients. The reads come one by one, as from somebody who waits for each.
"""

import asyncio
import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median, quantiles
from typing import Final

import httpx

from benchmarks._measuring import folder, table, verdict
from tests.support.http import PROFILES, created
from tests.support.pictures import encoded, photograph
from tests.support.processes import serving

UPLOADS: Final = 20
ROUNDS: Final = 3
P99_MAX: Final = 20.0
PAUSE: Final = 0.002


async def reading(client: httpx.AsyncClient, path: str, until: asyncio.Event) -> list[float]:
    """Milliseconds of each read."""
    took = []
    while not until.is_set():
        began = time.perf_counter()
        response = await client.get(path)
        took.append((time.perf_counter() - began) * 1000)
        assert response.status_code == 200
        await asyncio.sleep(PAUSE)
    return took


def uploading(base: str, paths: list[str], uploads: list[bytes]) -> list[float]:
    """Upload all at once; give how many seconds each took. Runs in a process of its own."""
    return asyncio.run(_uploading(base, paths, uploads))


async def _uploading(base: str, paths: list[str], uploads: list[bytes]) -> list[float]:
    async def one(path: str, data: bytes) -> float:
        began = time.perf_counter()
        response = await client.post(f"{path}/images", files={"image": ("photo.jpg", data)})
        assert response.status_code == 201, response.text
        return time.perf_counter() - began

    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        return await asyncio.gather(*map(one, paths, uploads))


async def measure(
    pool: Executor, base: str, paths: list[str], uploads: list[bytes]
) -> tuple[list[float], list[float], list[float]]:
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        loop, quiet, ended = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        loop.call_later(1.0, quiet.set)
        before = await reading(client, paths[0], quiet)
        reads = asyncio.create_task(reading(client, paths[0], ended))
        took = await loop.run_in_executor(pool, uploading, base, paths, uploads)
        ended.set()
        return before, await reads, took


def main() -> int:
    rows, missed = [], []
    whole = photograph(4_000, 3_000)
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        folder() as root,
        serving(root, LOG_LEVEL="warning") as (server, client),
    ):
        base = f"http://127.0.0.1:{server.port}"
        for number in range(ROUNDS):
            # Each another picture, or it would be there already.
            uploads = [
                encoded(whole.rotate(0, translate=(20 * n, 9 * number)), quality=88)
                for n in range(UPLOADS)
            ]
            # The first profile is read, and has an image from the second round on.
            paths = [f"{PROFILES}/{created(client)['id']}" for _ in range(UPLOADS)]
            before, reads, took = asyncio.run(measure(pool, base, paths, uploads))
            p99 = quantiles(reads, n=100)[98]
            rows.append(
                (
                    f"round {number + 1}",
                    f"{len(uploads[0]) / 1e6:.1f}",
                    f"{UPLOADS / max(took):.1f}",
                    f"{median(took):.2f}",
                    f"{quantiles(before, n=100)[98]:.1f}",
                    f"{median(reads):.1f}",
                    f"{p99:.1f}",
                )
            )
            if p99 > P99_MAX:
                missed.append(f"round {number + 1}: p99 of the reads {p99:.1f} ms")
    head = ("12 MP JPEG", "MB", "uploads/s", "median s", "p99 before, ms", "p50 meanwhile", "p99")
    table(head, rows)
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
