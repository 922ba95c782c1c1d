"""The whole of the API once, in one process, on each of the embedded stores."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.http import PROFILES, fields_at_fault, path_of, person, problem
from tests.support.inside import Inside, inside


@pytest.fixture(params=["memory", "sqlite"])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, DATABASE=request.param) as app:
        yield app


@pytest.fixture(params=["memory", "noop"])
async def caching(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, CACHE=request.param) as app:
        yield app


async def test_life_of_a_profile(app: Inside) -> None:
    client = app.client
    made = (await client.post(PROFILES, json=person(bio="one"))).json()
    path = path_of(made)
    assert (await client.get(path)).json() == {"profile": made, "source": "cache"}
    second = (await client.put(path, json={"bio": "two"}, headers={"If-Match": '"v1"'})).json()
    assert (second["bio"], second["version"]) == ("two", 2)
    third = (await client.patch(path, json={"bio": None})).json()
    assert (third["bio"], third["version"]) == ("", 3)
    problem(
        await client.put(path, json={"bio": "x"}, headers={"If-Match": '"v1"'}),
        412,
        "stale_version",
    )
    assert (await client.delete(path)).status_code == 204
    problem(await client.get(path), 404, "not_found")
    problem(await client.delete(path), 404, "not_found")
    restored = (await client.post(f"{path}/restore")).json()
    assert restored == third | {"version": 5, "updated_at": restored["updated_at"]}
    history = (await client.get(f"{path}/events")).json()
    assert [event["version"] for event in history] == [5, 4, 3, 2, 1]
    export = await client.get(f"{PROFILES}/export")
    assert export.text.count("\n") == 1
    assert made["id"] in export.text


async def test_lists(app: Inside) -> None:
    client = app.client
    made = [(await client.post(PROFILES, json=person(name=f"P{n}"))).json() for n in range(7)]
    seen, response = [], await client.get(f"{PROFILES}?limit=3&count=exact&sort=created_at")
    while True:
        assert response.headers["x-total-count"] == "7"
        seen += response.json()
        if "next" not in response.links:
            break
        response = await client.get(response.links["next"]["url"])
    assert seen == made
    assert (await client.get(PROFILES, params={"q": "p3"})).json() == [made[3]]
    assert (await client.get(PROFILES, params={"email": made[2]["email"]})).json() == [made[2]]
    pair = ",".join((made[1]["id"], made[0]["id"]))
    assert (await client.get(PROFILES, params={"ids": pair})).json() == [made[1], made[0]]


async def test_batches(app: Inside) -> None:
    client = app.client
    one, two = person(), person()
    body = {"create": [one, two, person(email=one["email"])]}
    results = (await client.post(f"{PROFILES}/batch", json=body)).json()
    assert [result["status"] for result in results] == [201, 201, 409]
    body = {"update": [{"id": results[0]["profile"]["id"], "bio": "x"}], "create": [{**two}]}
    refused = await client.post(f"{PROFILES}/batch?atomic=true", json=body)
    assert problem(refused, 409, "email_taken")["detail"].startswith("create[0]: ")
    found = (await client.get(path_of(results[0]["profile"]))).json()["profile"]
    assert found == results[0]["profile"]


async def test_refusals(app: Inside) -> None:
    client = app.client
    invalid = problem(await client.post(PROFILES, json=person(name="")), 422, "invalid")
    assert fields_at_fault(invalid) == ["name"]
    problem(await client.post(PROFILES, content=b"{"), 400, "malformed")
    problem(await client.get(f"{PROFILES}?limit=0"), 400, "malformed")
    problem(await client.get("/api/v1/events?after=1"), 410, "position_gone")
    assert (await client.get(f"{PROFILES}/export")).text == ""


async def test_x_cache_with_and_without_one(caching: Inside) -> None:
    client = caching.client
    made = (await client.post(PROFILES, json=person())).json()
    health = (await client.get("/health")).json()
    cache = health["components"]["cache"]["detail"]
    for _ in range(2):
        response = await client.get(path_of(made))
        assert response.headers["x-cache"] == ("hit" if cache == "memory" else "miss")


async def test_restore_while_the_tombstone_is_kept(tmp_path: Path) -> None:
    """POST /profiles/{id}/restore: after TOMBSTONES_KEPT there is nothing to bring back."""
    async with inside(tmp_path, TOMBSTONES_KEPT="0s") as app:
        made = (await app.client.post(PROFILES, json=person())).json()
        await app.client.delete(path_of(made))
        await asyncio.sleep(0.01)
        problem(await app.client.post(f"{path_of(made)}/restore"), 404, "not_found")
