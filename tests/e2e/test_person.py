"""The rows of the API page on one person: all that is held on them, and how it is erased."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from profilecore.entrypoints.http.person import Person
from tests.support.callers import ALL, bearer, token
from tests.support.http import FIELDS, PROFILES, created, path_of, person, problem
from tests.support.pictures import encoded, scene
from tests.support.processes import Server, serving
from tests.support.tasks import TASKS, reached, submitted
from tests.support.uploads import uploaded

UNKNOWN = f"{PROFILES}/0198c5a0-0000-7000-8000-000000000000"


def exported(api: httpx.Client, profile: dict[str, Any]) -> Any:
    response = api.get(f"{path_of(profile)}/export")
    assert response.status_code == 200, response.text
    return response.json()


def erased(api: httpx.Client, profile: dict[str, Any]) -> Any:
    """The receipt."""
    response = api.post(f"{path_of(profile)}/erase")
    assert response.status_code == 202, response.text
    return reached(api, response.json(), "succeeded")["result"]


def test_get_the_export(api: httpx.Client) -> None:
    """GET /profiles/{id}/export → one JSON document, as a file, that no cache keeps."""
    profile = created(api, bio="Zoë", image_urls=["https://example.com/a.png"])
    image = uploaded(api, profile, encoded(scene()))
    task = submitted(api, "echo", payload={"profile_id": profile["id"]})
    reached(api, task, "succeeded")
    response = api.get(f"{path_of(profile)}/export")
    assert response.status_code == 200
    assert response.headers["content-type"].split(";")[0] == "application/json"
    name = f"profile-{profile['id']}.json"
    assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert response.headers["cache-control"] == "no-store"
    msgspec.json.decode(response.content, type=Person)  # or it is not as it is documented
    found = response.json()
    assert list(found) == ["profile", "images", "events", "tasks"]
    stored = api.get(path_of(profile)).json()["profile"]
    held = [field for field in FIELDS if field not in ("images", "image_urls")]
    assert {field: found["profile"][field] for field in held} == {f: stored[f] for f in held}
    assert set(found["profile"]) == {*held, "image_urls", "deleted_at"}
    assert found["profile"]["image_urls"] == ["https://example.com/a.png"]
    assert [shown["id"] for shown in found["images"]] == [image["id"]]
    for url in found["images"][0]["files"]:
        assert api.get(url).status_code == 200
    assert found["events"] == api.get(f"{path_of(profile)}/events").json()
    assert [shown["id"] for shown in found["tasks"]] == [task["id"]]
    assert found["tasks"][0]["result"] == {"profile_id": profile["id"]}


def test_head_of_the_export(api: httpx.Client) -> None:
    response = api.head(f"{path_of(created(api))}/export")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-disposition"]


def test_a_tombstone_is_exported(api: httpx.Client) -> None:
    profile = created(api)
    api.delete(path_of(profile))
    found = exported(api, profile)
    assert (found["profile"]["name"], found["profile"]["version"]) == (profile["name"], 2)
    assert found["profile"]["deleted_at"]


def test_of_whom_nothing_is_held(api: httpx.Client) -> None:
    problem(api.get(f"{UNKNOWN}/export"), 404, "not_found")
    problem(api.post(f"{UNKNOWN}/erase"), 404, "not_found")
    problem(api.get(f"{PROFILES}/ada/export"), 404, "not_found")


@pytest.mark.parametrize("alive", [True, False])
def test_post_an_erasure(api: httpx.Client, alive: bool) -> None:
    """POST /profiles/{id}/erase → 202, the task; a receipt without personal data stays."""
    profile = created(api, bio="Topsecret")
    if not alive:
        api.delete(path_of(profile))
    task = submitted(api, "echo", payload={"of": profile["id"], "name": "Topsecret"})
    reached(api, task, "succeeded")
    response = api.post(f"{path_of(profile)}/erase", headers={"If-Match": '"v9"'})
    assert response.status_code == 202
    answer = response.json()
    assert response.headers["location"] == f"{TASKS}/{answer['id']}"
    assert (answer["type"], answer["payload"]) == ("profile.erase", {"profile_id": profile["id"]})
    problem(api.get(path_of(profile)), 404, "not_found")
    receipt = reached(api, answer, "succeeded")["result"]
    assert list(receipt) == ["profile_id", "erased_at", "events", "images", "tasks"]
    assert (receipt["images"], receipt["tasks"]) == (0, 1)
    problem(api.post(f"{path_of(profile)}/restore"), 404, "not_found")
    found = exported(api, profile)
    assert found["profile"] is None
    assert len(found["events"]) == receipt["events"]
    assert "Topsecret" not in str(found)
    assert profile["email"] not in str(found)
    assert erased(api, profile)["tasks"] == 1, "and once more, with a receipt of its own"
    assert created(api, email=profile["email"])["id"] != profile["id"]


def test_one_asked_for_twice_is_done_once(tmp_path: Path) -> None:
    """While it is under way: here nobody is there yet to do it."""
    given = {"DATABASE": "sqlite", "AUTH_MODE": "none", "SERVER_HOST": "127.0.0.1"}
    data = {"DATA_DIR": str(tmp_path / "data"), **given}
    with serving(tmp_path / "server", command="serve", **data) as (_, client):
        profile = created(client)
        tasks = [client.post(f"{path_of(profile)}/erase").json() for _ in range(3)]
        assert tasks[0] == tasks[1] == tasks[2]
        assert tasks[0]["status"] == "scheduled"
        (tmp_path / "worker").mkdir()
        with Server(tmp_path / "worker", command="worker", **data):
            assert reached(client, tasks[0], "succeeded")["result"]["events"] == 2


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, httpx.Client]]:
    folder = tmp_path_factory.mktemp("callers")
    with Server(folder, AUTH_MODE="token") as server:
        scopes = {"admin": ALL, "eraser": ["profiles:erase"], "owner": [], "other": []}
        made = {
            name: server.client(headers=bearer(token(folder, held, name)))
            for name, held in scopes.items()
        }
        yield made
        for client in made.values():
            client.close()


def test_an_owner_has_an_export_of_their_own(callers: dict[str, httpx.Client]) -> None:
    """Of a tombstone too; nobody else does, and it is the scope that erases."""
    owner, other = callers["owner"], callers["other"]
    profile = created(owner)
    for _ in range(2):
        assert exported(owner, profile)["profile"]["owner"] == "owner"
        problem(other.get(f"{path_of(profile)}/export"), 404, "not_found")
        problem(owner.post(f"{path_of(profile)}/erase"), 403, "forbidden")
        owner.delete(path_of(profile))
    assert erased(callers["admin"], profile)
    problem(owner.get(f"{path_of(profile)}/export"), 404, "not_found")


def test_the_log_says_who_asked_and_not_who_it_was(callers: dict[str, httpx.Client]) -> None:
    admin, owner = callers["admin"], callers["owner"]
    profile = created(owner, **person())
    admin.put(path_of(profile), json={"bio": "x"})
    answer = callers["eraser"].post(f"{path_of(profile)}/erase")
    assert answer.status_code == 202, answer.text
    reached(admin, answer.json(), "succeeded")
    events = admin.get(f"{path_of(profile)}/events").json()
    assert [event["actor"] for event in events][-3:] == ["eraser", "admin", None]
