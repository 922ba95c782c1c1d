"""POST /profiles/batch: one result an item in order, or all or nothing."""

from typing import Any

import httpx
import pytest

from tests.support.http import PROFILES, created, path_of, person, problem, snapshot
from tests.support.processes import Server

BATCH = f"{PROFILES}/batch"
UNKNOWN = "0198c5a0-0000-7000-8000-000000000000"


def statuses(results: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    return [(result["op"], result["index"], result["status"]) for result in results]


def test_batch(api: httpx.Client) -> None:
    """POST /profiles/batch {create, update, delete} → 200, one result an item in order."""
    changed, gone, also_gone = created(api), created(api), created(api)
    body = {
        "create": [person(), person(bio="second")],
        "update": [{"id": changed["id"], "version": 1, "bio": "changed"}],
        "delete": [gone["id"], {"id": also_gone["id"], "version": 1}],
    }
    response = api.post(BATCH, json=body)
    assert response.status_code == 200
    results = response.json()
    assert statuses(results) == [
        ("create", 0, 201),
        ("create", 1, 201),
        ("update", 0, 200),
        ("delete", 0, 204),
        ("delete", 1, 204),
    ]
    assert [list(result) for result in results] == [
        *[["op", "index", "status", "profile"]] * 3,
        *[["op", "index", "status"]] * 2,
    ]
    for result in results[:3]:
        shown = api.get(path_of(result["profile"])).json()["profile"]
        assert shown == result["profile"]
    assert results[1]["profile"]["bio"] == "second"
    assert results[2]["profile"].items() >= {"bio": "changed", "version": 2}.items()
    for profile in (gone, also_gone):
        problem(api.get(path_of(profile)), 404, "not_found")


def test_batch_refusals_are_their_items_own(api: httpx.Client) -> None:
    """POST /profiles/batch: each item is by itself; a refusal is a problem in its result."""
    here = created(api)
    body = {
        "create": [person(), person(email=here["email"].upper()), person(name="")],
        "update": [
            {"id": here["id"], "version": 7, "bio": "stale"},
            {"id": UNKNOWN, "bio": "nobody"},
            {"id": here["id"], "bio": "taken"},
        ],
        "delete": [UNKNOWN, {"id": here["id"], "version": 1}],
    }
    response = api.post(BATCH, json=body)
    results = response.json()
    assert [status for _, _, status in statuses(results)] == [
        201,
        409,
        422,
        412,
        404,
        200,
        404,
        412,
    ]
    for result in results:
        assert ("problem" in result) == (result["status"] >= 400)
        assert ("profile" in result) == (result["status"] in (200, 201))
    stale = results[3]["problem"]
    assert (stale["code"], stale["version"]) == ("stale_version", 1)
    assert stale["instance"] == f"{BATCH}#update[0]"
    assert stale["request_id"] == response.headers["x-request-id"]
    assert results[2]["problem"]["errors"][0]["field"] == "name"


def test_an_item_sees_those_before_it(api: httpx.Client) -> None:
    """POST /profiles/batch: in order, so that what was changed can be deleted."""
    profile = created(api)
    body = {
        "update": [{"id": profile["id"], "email": "moved.away@example.com"}],
        "delete": [{"id": profile["id"], "version": 2}],
    }
    assert [s for _, _, s in statuses(api.post(BATCH, json=body).json())] == [200, 204]
    assert created(api, email=profile["email"])


def test_atomic_batch(api: httpx.Client) -> None:
    """POST /profiles/batch ?atomic=true: all."""
    profile = created(api)
    body = {"create": [person()], "update": [{"id": profile["id"], "bio": "all"}]}
    response = api.post(BATCH, params={"atomic": "true"}, json=body)
    assert [s for _, _, s in statuses(response.json())] == [201, 200]
    assert api.get(path_of(profile)).json()["profile"]["bio"] == "all"


@pytest.mark.parametrize(
    ("broken", "status", "code", "where"),
    [
        ({"update": [{"id": UNKNOWN, "bio": "x"}]}, 404, "not_found", "update[0]"),
        ({"delete": ["HERE", UNKNOWN]}, 404, "not_found", "delete[1]"),
        ({"delete": [{"id": "HERE", "version": 9}]}, 412, "stale_version", "delete[0]"),
        ({"update": [{"id": "HERE", "name": ""}]}, 422, "invalid", "update[0]"),
        ({"update": [{"id": "HERE", "email": "TAKEN"}]}, 409, "email_taken", "update[0]"),
    ],
)
def test_atomic_batch_is_nothing(
    server: Server, api: httpx.Client, broken: dict[str, Any], status: int, code: str, where: str
) -> None:
    """POST /profiles/batch ?atomic=true: or nothing, and the item is named."""
    here, other = created(api), created(api)

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [filled(inner) for inner in value]
        return {"HERE": here["id"], "TAKEN": other["email"]}.get(value, value)

    before = snapshot(server)
    body = {"create": [person(), person()]} | filled(broken)
    response = api.post(BATCH, params={"atomic": "true"}, json=body)
    document = problem(response, status, code)
    assert document["detail"].startswith(f"{where}: ")
    assert document["detail"].endswith("Nothing was changed.")
    for error in document.get("errors", []):
        assert error["field"].startswith(f"{where}.")
    assert snapshot(server) == before


def test_a_thousand_items(api: httpx.Client) -> None:
    """POST /profiles/batch ≤ 1,000."""
    response = api.post(BATCH, json={"create": [person() for _ in range(1_000)]})
    results = response.json()
    assert {status for _, _, status in statuses(results)} == {201}
    response = api.post(BATCH, json={"delete": [r["profile"]["id"] for r in results]})
    assert {status for _, _, status in statuses(response.json())} == {204}


def test_an_empty_batch(server: Server, api: httpx.Client) -> None:
    """POST /profiles/batch: nothing asked for, nothing done, and no token."""
    before = snapshot(server)
    response = api.post(BATCH, json={})
    assert (response.status_code, response.json()) == (200, [])
    assert "x-consistency-token" not in response.headers
    assert snapshot(server) == before


def test_two_of_one_email_in_a_batch(api: httpx.Client) -> None:
    """POST /profiles/batch: the second of two with one email is refused."""
    one = person()
    results = api.post(BATCH, json={"create": [one, person(email=one["email"])]}).json()
    assert [s for _, _, s in statuses(results)] == [201, 409]
