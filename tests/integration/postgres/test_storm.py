"""Many clients of two servers change one profile, each on the version that it has seen."""

import asyncio
from pathlib import Path

import httpx
import pytest

from profilecore.adapters.postgres import PostgresAddress
from tests.support.campaign import dice, rounds
from tests.support.http import PROFILES
from tests.support.postgres import execute, settings
from tests.support.processes import serving

CLIENTS = 32
TURNS = rounds(3, 100)

chance = dice("storm")


@pytest.mark.campaign
def test_a_storm_with_if_match_loses_no_update(tmp_path: Path, address: PostgresAddress) -> None:
    """32 clients, 100 increments each in full: 3,200 in the end, and not one of them twice."""
    given = {**settings(address), "CACHE": "noop", "REQUIRE_IF_MATCH": "true"}
    with (
        serving(tmp_path / "one", **given) as (one, client),
        serving(tmp_path / "two", **given) as (two, _),
    ):
        made = client.post(PROFILES, json={"name": "Ada", "email": "a@example.com", "bio": "0"})
        path = f"{PROFILES}/{made.json()['id']}"

        async def all_of_them() -> int:
            async with one.async_client() as first, two.async_client() as second:
                clients = [(first, second)[number % 2] for number in range(CLIENTS)]
                return sum(await asyncio.gather(*(increments(c, path) for c in clients)))

        refused = asyncio.run(all_of_them())
        last = client.get(path)
        assert last.json()["profile"]["bio"] == str(CLIENTS * TURNS)
        assert last.headers["ETag"] == f'"v{CLIENTS * TURNS + 1}"'
        assert refused > CLIENTS, "they did not meet"
    versions = execute(address, "SELECT array_agg(version ORDER BY position) FROM events")
    assert versions == [(list(range(1, CLIENTS * TURNS + 2)),)]


async def increments(client: httpx.AsyncClient, path: str) -> int:
    """Add one, `TURNS` times; give how often somebody else was faster."""
    done = refused = 0
    while done < TURNS:
        seen = await client.get(path)
        assert seen.status_code == 200, seen.text
        bio = str(int(seen.json()["profile"]["bio"]) + 1)
        tag = {"If-Match": seen.headers["ETag"]}
        answer = await client.put(path, json={"bio": bio}, headers=tag)
        if answer.status_code == 412:
            refused += 1
            await asyncio.sleep(chance.random() / 5)  # as a good client does
        else:
            assert answer.status_code == 200, answer.text
            done += 1
    return refused
