"""ETag, If-Match, If-None-Match, REQUIRE_IF_MATCH, X-Consistency-Token and X-Request-ID."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.http import JSON, PROFILES, created, path_of, person, problem
from tests.support.processes import Server, serving

TAGS_TAKEN = 'If-Match takes ETags such as "v7"; a weak one, such as W/"v7", never matches.'


def write(api: httpx.Client, method: str, path: str, **headers: str) -> httpx.Response:
    content = None if method == "DELETE" else json.dumps({"bio": "written"})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.request(method, path, content=content, headers=JSON | named)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("tag", ['"v1"', "*", '"v9", "v1"'])
def test_if_match_that_fits(api: httpx.Client, method: str, tag: str) -> None:
    """Writes take If-Match: "v7"."""
    response = write(api, method, path_of(created(api)), If_Match=tag)
    assert response.status_code in (200, 204)
    assert response.headers["etag"] == '"v2"'


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ('"v2"', "is at version 1, not 2: "),
        ('"v2", W/"v1", "v3"', "is at version 1, not 2 or 3: "),
        *((tag, TAGS_TAKEN) for tag in ('W/"v1"', "v1", '"1"', '"v01"', '"v0"', '"v1", v1', "")),
    ],
)
def test_if_match_that_does_not_fit(api: httpx.Client, method: str, tag: str, said: str) -> None:
    """If-Match → 412 with the current version in the problem; a weak tag never matches."""
    profile = created(api)
    document = problem(write(api, method, path_of(profile), If_Match=tag), 412, "stale_version")
    assert document["version"] == 1
    assert said in document["detail"]
    assert (TAGS_TAKEN in document["detail"]) == (said == TAGS_TAKEN)
    assert api.get(path_of(profile)).json()["profile"] == profile


def test_if_match_in_two_lines(api: httpx.Client) -> None:
    """If-Match: several lines are one list (RFC 9110, section 5.3)."""
    profile = created(api)
    lines = [("If-Match", '"v9"'), ("If-Match", '"v1"')]
    assert api.delete(path_of(profile), headers=lines).status_code == 204


def test_if_match_of_one_that_another_has_changed(api: httpx.Client) -> None:
    """If-Match → 412: the second of two who read the same version is told, not overwritten."""
    profile = created(api)
    assert write(api, "PUT", path_of(profile), If_Match='"v1"').status_code == 200
    document = problem(write(api, "PUT", path_of(profile), If_Match='"v1"'), 412, "stale_version")
    assert document["version"] == 2


def test_if_match_on_restore(api: httpx.Client) -> None:
    """Writes take If-Match: a restore too, with the version of the tombstone."""
    profile = created(api)
    api.delete(path_of(profile))
    restore = f"{path_of(profile)}/restore"
    document = problem(api.post(restore, headers={"If-Match": '"v1"'}), 412, "stale_version")
    assert document["version"] == 2
    assert api.post(restore, headers={"If-Match": '"v2"'}).status_code == 200


def test_if_match_on_what_is_not_there(api: httpx.Client) -> None:
    """If-Match on a profile that is not there → 404."""
    path = f"{PROFILES}/0198c5a0-0000-7000-8000-000000000000"
    problem(write(api, "PUT", path, If_Match='"v1"'), 404, "not_found")


@pytest.mark.parametrize("tag", ['"v1"', 'W/"v1"', '"v9", "v1"', "*", '"v2","v1"'])
def test_if_none_match_that_fits(api: httpx.Client, tag: str) -> None:
    """GET /profiles/{id}, If-None-Match → 304, without a body, with the ETag."""
    profile = created(api)
    response = api.get(path_of(profile), headers={"If-None-Match": tag})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == '"v1"'
    assert "content-type" not in response.headers
    assert api.get("/health/live").status_code == 200, "the connection goes on"


@pytest.mark.parametrize("tag", ['"v2"', '"v11"', "v1", ""])
def test_if_none_match_that_does_not_fit(api: httpx.Client, tag: str) -> None:
    """GET /profiles/{id}, If-None-Match of another version → 200."""
    profile = created(api)
    response = api.get(path_of(profile), headers={"If-None-Match": tag})
    assert response.json()["profile"] == profile


def test_etag_comes_from_the_version_alone(api: httpx.Client) -> None:
    """The ETag comes from the version alone: the same from a write, the cache, the database."""
    profile = created(api)
    for version in range(2, 5):
        assert write(api, "PUT", path_of(profile)).headers["etag"] == f'"v{version}"'
        assert api.get(path_of(profile)).headers["etag"] == f'"v{version}"'
    for _ in range(10):
        created(api)
    response = api.get(path_of(profile))
    assert (response.headers["x-cache"], response.headers["etag"]) == ("miss", '"v4"')


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, httpx.Client]]:
    with serving(tmp_path_factory.mktemp("strict"), REQUIRE_IF_MATCH="true") as pair:
        yield pair


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_require_if_match(strict: tuple[Server, httpx.Client], method: str) -> None:
    """REQUIRE_IF_MATCH=true → 428 without it."""
    _, api = strict
    profile = created(api)
    document = problem(write(api, method, path_of(profile)), 428, "precondition_required")
    assert "If-Match" in document["detail"]
    assert api.get(path_of(profile)).json()["profile"] == profile
    assert write(api, method, path_of(profile), If_Match='"v1"').status_code in (200, 204)


@pytest.mark.parametrize("atomic", ["false", "true"])
def test_require_if_match_in_a_batch(strict: tuple[Server, httpx.Client], atomic: str) -> None:
    """REQUIRE_IF_MATCH=true → 428 for each item that changes or deletes without a version."""
    _, api = strict
    here, other = created(api), created(api)
    careless: list[dict[str, Any]] = [
        {"update": [{"id": here["id"], "bio": "written"}]},
        {"delete": [here["id"]]},
        {"delete": [{"id": here["id"]}]},
    ]
    for body in careless:
        response = api.post(f"{PROFILES}/batch", params={"atomic": atomic}, json=body)
        refusal = response.json() if atomic == "true" else response.json()[0]["problem"]
        assert (refusal["status"], refusal["code"]) == (428, "precondition_required")
        assert '"version": 7' in refusal["detail"]
    assert api.get(path_of(here)).json()["profile"] == here
    careful = {
        "create": [person()],
        "update": [{"id": here["id"], "version": 1, "bio": "written"}],
        "delete": [{"id": other["id"], "version": 1}],
    }
    results = api.post(f"{PROFILES}/batch", params={"atomic": atomic}, json=careful).json()
    assert [result["status"] for result in results] == [201, 200, 204]


def test_a_batch_that_lacks_a_version_is_refused_alike_when_sent_again(
    strict: tuple[Server, httpx.Client],
) -> None:
    """REQUIRE_IF_MATCH=true, with an Idempotency-Key: 428 is kept as other refusals are."""
    _, api = strict
    here = created(api)
    body = {"create": [person()], "delete": [here["id"]]}
    key = {"Idempotency-Key": "no-version"}
    first, again = (api.post(f"{PROFILES}/batch", json=body, headers=key) for _ in range(2))
    assert [result["status"] for result in first.json()] == [201, 428]
    assert again.content == first.content


WRITES: list[tuple[str, str, Any]] = [
    ("POST", PROFILES, "new"),
    ("PUT", "{path}", {"bio": "put"}),
    ("PATCH", "{path}", {"bio": "patched"}),
    ("DELETE", "{path}", None),
    ("POST", "{path}/restore", None),
    ("POST", f"{PROFILES}/batch", "batch"),
]


def test_every_write_answers_a_consistency_token(api: httpx.Client) -> None:
    """A write answers X-Consistency-Token, each its own; a read that sends it back is answered."""
    profile = created(api)
    tokens = []
    for method, path, body in WRITES:
        given = {"new": person(), "batch": {"create": [person()]}}.get(str(body), body)
        where = path.format(path=path_of(profile))
        response = api.request(method, where, json=given)
        assert response.is_success, response.text
        tokens.append(response.headers["x-consistency-token"])
    assert len(set(tokens)) == len(tokens)
    for token in tokens:
        response = api.get(path_of(profile), headers={"X-Consistency-Token": token})
        assert response.status_code == 200


@pytest.mark.parametrize("token", ["", "p", "px", "17", "p-1", "p" + "9" * 19, "p\xb2"])
def test_a_token_that_nobody_gave_out(api: httpx.Client, token: str) -> None:
    """X-Consistency-Token: one that is not ours is a 400."""
    path = path_of(created(api))
    headers = [(b"X-Consistency-Token", token.encode("latin-1"))]
    problem(api.get(path, headers=headers), 400, "malformed")


@pytest.mark.parametrize("name", ["a", "!" * 128, "req/1:2;3=4,5", "0123-ABC~"])
def test_request_id_is_taken(api: httpx.Client, server: Server, name: str) -> None:
    """X-Request-ID is taken (1 to 128 visible characters), and is in every answer and log line."""
    headers = {"X-Request-ID": name}
    assert api.get("/health/live", headers=headers).headers["x-request-id"] == name
    assert problem(api.get("/nowhere", headers=headers), 404, "not_found")["request_id"] == name
    lines = [json.loads(line) for line in logged(server, name)]
    assert [(line["path"], line["status"]) for line in lines] == [
        ("/health/live", 200),
        ("/nowhere", 404),
    ]


def logged(server: Server, name: str) -> list[str]:
    """The lines of the log with that request id; lines are written by a thread of their own."""
    wanted = json.dumps(name)
    found: list[str] = []
    for _ in range(200):
        found = [line for line in server.errors.splitlines() if f'"request_id":{wanted}' in line]
        if len(found) >= 2:
            break
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("name", ["", "two words", "!" * 129, "caf\xe9", "tab\there"])
def test_request_id_is_made(api: httpx.Client, name: str) -> None:
    """X-Request-ID is made where it is missing or not 1 to 128 visible characters."""
    headers = [(b"X-Request-ID", name.encode("latin-1"))]
    response = api.get("/health/live", headers=headers)
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])
    without = api.get("/health/live")
    assert re.fullmatch(r"[0-9a-f]{32}", without.headers["x-request-id"])
    assert without.headers["x-request-id"] != response.headers["x-request-id"]
