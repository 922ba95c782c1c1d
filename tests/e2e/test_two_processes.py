"""No stale read: another process writes to the store, and this one has the old value cached."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.http import created, path_of, problem
from tests.support.processes import Server, run, serving
from tests.support.sse import events, following

STALE_MAX = 1.0


@dataclass(frozen=True)
class Two:
    """Two servers on one store."""

    server: Server
    here: httpx.Client
    there: httpx.Client


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with serving(tmp_path_factory.mktemp("here")) as (server, here):
        data = str(server.database.parent)
        with serving(tmp_path_factory.mktemp("there"), DATA_DIR=data) as (_, there):
            yield Two(server, here, there)


def cached(two: Two) -> dict[str, Any]:
    """A profile in the cache of this process."""
    profile = created(two.here)
    assert two.here.get(path_of(profile)).headers["x-cache"] == "hit"
    return profile


def test_an_update_elsewhere_is_seen_within_a_second(two: Two) -> None:
    """GET /profiles/{id}: no read that begins a second after a write gives what was before it."""
    for round_ in range(3):
        profile = cached(two)
        changed = two.there.put(path_of(profile), json={"bio": f"changed {round_}"}).json()
        acknowledged = time.monotonic()
        seen: list[bool] = []
        while not seen or time.monotonic() < acknowledged + 2 * STALE_MAX:
            began = time.monotonic()
            found = two.here.get(path_of(profile)).json()["profile"]
            assert found in (profile, changed)
            seen.append(found == changed)
            assert seen[-1] or began < acknowledged + STALE_MAX
            assert seen == sorted(seen), "never back to the old one"
            time.sleep(0.02)


def test_a_deletion_elsewhere_is_seen_within_a_second(two: Two) -> None:
    """GET /profiles/{id}: what was deleted elsewhere is gone here a second later."""
    profile = cached(two)
    assert two.there.delete(path_of(profile)).status_code == 204
    time.sleep(STALE_MAX)
    problem(two.here.get(path_of(profile)), 404, "not_found")


def test_a_token_makes_it_seen_at_once(two: Two) -> None:
    """X-Consistency-Token: a read that sends it back never sees less."""
    for round_ in range(20):
        profile = cached(two)
        response = two.there.put(path_of(profile), json={"bio": f"changed {round_}"})
        token = {"X-Consistency-Token": response.headers["x-consistency-token"]}
        found = two.here.get(path_of(profile), headers=token).json()
        assert found["profile"] == response.json()
        gone = two.there.delete(path_of(profile)).headers["x-consistency-token"]
        refused = two.here.get(path_of(profile), headers={"X-Consistency-Token": gone})
        problem(refused, 404, "not_found")


def test_a_write_here_on_what_changed_elsewhere(two: Two) -> None:
    """PUT /profiles/{id}: a cached copy is no basis for losing what another process wrote."""
    profile = cached(two)
    two.there.put(path_of(profile), json={"bio": "from there"})
    found = two.here.put(path_of(profile), json={"name": "From Here"}).json()
    assert (found["bio"], found["name"], found["version"]) == ("from there", "From Here", 3)
    profile = cached(two)
    two.there.put(path_of(profile), json={"bio": "from there"})
    refused = two.here.put(path_of(profile), json={"name": "x"}, headers={"If-Match": '"v1"'})
    assert problem(refused, 412, "stale_version")["version"] == 2
    profile = cached(two)
    two.there.delete(path_of(profile))
    problem(two.here.put(path_of(profile), json={"name": "x"}), 404, "not_found")


def test_an_import_is_seen_within_a_second(two: Two) -> None:
    """`profilecore import` writes beside the running server."""
    profile = cached(two)
    row = {"id": profile["id"], "name": "Imported", "email": profile["email"]}
    file = two.server.folder / "rows.ndjson"
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    imported = run(two.server.folder, "import", str(file), "--on-conflict", "update")
    assert imported.returncode == 0, imported.stderr
    time.sleep(STALE_MAX)
    found = two.here.get(path_of(profile)).json()["profile"]
    assert (found["name"], found["version"]) == ("Imported", 2)


def test_the_feed_tells_what_happened_elsewhere(two: Two) -> None:
    """GET /events: every change of every process."""
    profile = created(two.here)
    (last,) = two.here.get(f"{path_of(profile)}/events").json()
    with following(two.here, after=str(last["position"])) as messages:
        two.there.put(path_of(profile), json={"bio": "from there"})
        (event,) = events(messages, 1)
    assert (event["profile_id"], event["data"]["bio"]) == (profile["id"], "from there")
