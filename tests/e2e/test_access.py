"""Who may call what: every operation, as every kind of caller."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from profilecore.entrypoints.http import openapi_document
from tests.support import issuer
from tests.support.callers import ALL, bearer
from tests.support.http import PROFILES, created, path_of, person, problem
from tests.support.pictures import encoded, photograph
from tests.support.processes import Server
from tests.support.sse import endings, following
from tests.support.tasks import TASKS, reached, submitted

OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in openapi_document()["paths"].items()
    for method, operation in methods.items()
}
SCOPED = {
    name: o["security"][0]["bearer"][0] for name, (_, _, o) in OPERATIONS.items() if o["security"]
}
OPEN = sorted(OPERATIONS.keys() - SCOPED.keys())
OF_ONE = {name for name, (_, path, _) in OPERATIONS.items() if "{profile_id}" in path}
OWN = {"createProfile", "listProfiles", "batchProfiles"}
"""Not of one profile, and not of anybody's: of one's own."""


@dataclass(frozen=True)
class Called:
    """A service that asks for tokens of an issuer, and some who have one."""

    server: Server
    admin: httpx.Client
    owner: httpx.Client
    other: httpx.Client

    def by(self, *scopes: str, **claims: Any) -> httpx.Client:
        """Somebody with these scopes; `claims` are what is wrong with their token."""
        return self.server.client(headers=bearer(signed("somebody", *scopes, **claims)))


def signed(subject: str, *scopes: str, **claims: Any) -> str:
    now = time.time()
    usual: dict[str, Any] = {
        "sub": subject,
        "scope": " ".join(scopes),
        "iat": now,
        "exp": now + 600,
    }
    return issuer.token(**(usual | claims))


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Called]:
    folder = tmp_path_factory.mktemp("called")
    (folder / "keys.json").write_bytes(issuer.jwks(issuer.jwk("EdDSA", "one")))
    settings = {
        "AUTH_MODE": "jwt",
        "AUTH_JWT_ISSUER": issuer.NAME,
        "AUTH_JWT_AUDIENCE": issuer.AUDIENCE,
        "AUTH_JWT_JWKS": "keys.json",
    }
    with Server(folder, **settings) as server, contextlib.ExitStack() as stack:

        def client(subject: str, *scopes: str) -> httpx.Client:
            headers = bearer(signed(subject, *scopes))
            return stack.enter_context(server.client(headers=headers))

        yield Called(server, client("admin", *ALL), client("owner"), client("other"))


def asked(called: Called, name: str) -> httpx.Request:
    """A request that succeeds for whoever may make it, on things of its own."""
    method, path, _ = OPERATIONS[name]
    profile = created(called.owner)
    content: dict[str, Any] = {}
    if "{image_id}" in path:
        files = {"image": encoded(photograph(40, 30))}
        uploaded = called.owner.post(f"{path_of(profile)}/images", files=files)
        assert uploaded.status_code == 201, uploaded.text
        path = path.replace("{image_id}", uploaded.json()["id"])
    if "{task_id}" in path:
        task = submitted(called.admin, "echo", delay="1h")
        path = path.replace("{task_id}", task["id"])
    if name == "restoreProfile":
        assert called.owner.delete(path_of(profile)).status_code == 204
    match name:
        case "createProfile":
            content = {"json": person()}
        case "updateProfile" | "patchProfile":
            content = {"json": {"name": "Another"}}
        case "batchProfiles":
            content = {"json": {"create": [person()]}}
        case "uploadImage":
            content = {"files": {"image": encoded(photograph(40, 30))}}
        case "submitTask":
            content = {"json": {"type": "echo", "payload": {}, "delay": 0}}
        case "rescheduleTask":
            content = {"json": {"priority": 3}}
    return httpx.Request(
        method, f"{called.server.url}{path.replace('{profile_id}', profile['id'])}", **content
    )


def answered(
    called: Called, client: httpx.Client, name: str, headers: Any = None
) -> httpx.Response:
    """The answer to such a request; of one that does not end, its beginning."""
    made = asked(called, name)
    made.headers.update(client.headers)
    made.headers.update(headers or {})
    response = client.send(made, stream=name == "followEvents")
    if name == "followEvents":
        if response.is_error:
            response.read()
        response.close()
    return response


def test_there_are_rules() -> None:
    """One that is for everybody has to be known here: it is so on purpose."""
    assert OPEN == ["health", "live", "readMedia", "ready"]
    assert set(SCOPED.values()) == set(ALL)


@pytest.mark.parametrize("name", sorted(SCOPED))
def test_nobody_gets_in(called: Called, name: str) -> None:
    with called.server.client() as nobody:
        response = answered(called, nobody, name)
    problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == 'Bearer realm="profilecore"'


WRONG: dict[str, dict[str, Any]] = {
    "expired": {"exp": time.time() - 60},
    "wrong audience": {"aud": "another-service"},
}


@pytest.mark.parametrize("name", sorted(SCOPED))
@pytest.mark.parametrize("wrong", WRONG)
def test_what_says_nothing_of_who_it_is_lets_nobody_in(
    called: Called, name: str, wrong: str
) -> None:
    with called.by(*ALL, **WRONG[wrong]) as client:
        problem(answered(called, client, name), 401, "unauthenticated")


@pytest.mark.parametrize("name", sorted(SCOPED))
def test_all_scopes_but_the_right_one_are_of_no_use(called: Called, name: str) -> None:
    """For what is one person's, their own profile is left to them; this is somebody else's."""
    others = [scope for scope in ALL if scope != SCOPED[name]]
    with called.by(*others) as client:
        response = answered(called, client, name)
    if name in OF_ONE and SCOPED[name] != "profiles:erase":
        problem(response, 404, "not_found")
    elif name in OWN:
        assert response.is_success
    else:
        document = problem(response, 403, "forbidden")
        assert SCOPED[name] in document["detail"]


@pytest.mark.parametrize("name", sorted(SCOPED))
def test_the_right_scope_lets_in(called: Called, name: str) -> None:
    with called.by(SCOPED[name]) as client:
        response = answered(called, client, name)
    if name == "retryTask":
        problem(response, 409, "task_state")  # it is not dead
    elif name == "avatar":
        assert response.status_code == 200
    else:
        assert response.is_success, response.text


@pytest.mark.parametrize("name", sorted(SCOPED))
def test_the_owner_may_use_what_is_theirs_and_nobody_elses(called: Called, name: str) -> None:
    mine = answered(called, called.owner, name)
    others = answered(called, called.other, name)
    if name in OWN:
        assert mine.is_success, mine.text
        assert others.is_success, others.text
    elif name in OF_ONE and SCOPED[name] != "profiles:erase":
        assert mine.is_success, mine.text
        problem(others, 404, "not_found")
    else:
        problem(mine, 403, "forbidden")
        problem(others, 403, "forbidden")


def test_an_owner_s_list_is_their_own(called: Called) -> None:
    mine, other = created(called.owner), created(called.other)
    ids = {profile["id"] for profile in called.owner.get(PROFILES, params={"limit": 1000}).json()}
    assert mine["id"] in ids
    assert other["id"] not in ids
    asked = called.owner.get(PROFILES, params={"ids": f"{mine['id']},{other['id']}"}).json()
    assert [profile["id"] for profile in asked] == [mine["id"]]
    batch = {"update": [{"id": other["id"], "name": "x"}], "delete": [other["id"]]}
    results = called.owner.post(f"{PROFILES}/batch", json=batch).json()
    assert [result["status"] for result in results] == [404, 404]
    assert called.other.get(path_of(other)).json()["profile"] == other


def test_who_did_it_is_in_the_log(called: Called) -> None:
    mine = created(called.owner)
    assert mine["owner"] == "owner"
    called.admin.put(path_of(mine), json={"name": "By another"})
    called.owner.delete(path_of(mine))
    events = called.admin.get(f"{path_of(mine)}/events").json()
    assert [event["actor"] for event in events] == ["owner", "admin", "owner"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "batch", "batch update"])
def test_only_ops_makes_a_profile_somebody_else_s(called: Called, method: str) -> None:
    with called.by("profiles:write", "profiles:read") as client:
        for caller, allowed in ((client, False), (called.owner, False), (called.admin, True)):
            mine = created(caller)
            path, values = path_of(mine), {"owner": "somebody else"}
            match method:
                case "POST":
                    response = caller.post(PROFILES, json=person(**values))
                case "PUT":
                    response = caller.put(path, json=values)
                case "PATCH":
                    response = caller.patch(path, json=values)
                case "batch":
                    response = caller.post(f"{PROFILES}/batch", json={"create": [person(**values)]})
                case _:
                    update = {"update": [{"id": mine["id"], **values}]}
                    response = caller.post(f"{PROFILES}/batch", json=update)
            if allowed:
                assert response.is_success, response.text
                assert "somebody else" in response.text
            else:
                assert "ops" in problem(response, 403, "forbidden")["detail"]
    own = called.owner.post(PROFILES, json=person(owner="owner"))
    assert own.json()["owner"] == "owner"


@pytest.mark.parametrize(
    ("type_", "scope"),
    [
        ("profile.export", "profiles:read"),
        ("profile.erase", "profiles:erase"),
        ("images.collect", "ops"),
    ],
)
def test_a_task_gives_nobody_more_than_their_scopes(called: Called, type_: str, scope: str) -> None:
    payload: dict[str, Any] = {"profile_id": created(called.owner)["id"]}
    if type_ == "images.collect":
        payload = {"image_ids": ["0" * 64]}
    body = {"type": type_, "payload": payload, "delay": 0}
    for scopes, status in ((["tasks:write"], 403), (["tasks:write", scope], 202)):
        with called.by(*scopes) as client:
            assert client.post(f"{TASKS}/delayed", json=body).status_code == status


def test_the_feed_tells_of_tasks_those_who_may_read_them(called: Called) -> None:
    """With a place in both, too, whoever may not is told of profiles alone."""
    with called.by("profiles:read", "tasks:read") as both, following(both) as messages:
        place = next(messages).id or ""
    assert "-" in place
    task = reached(called.admin, submitted(called.admin), "succeeded")
    profile = created(called.admin)
    with called.by("profiles:read", "tasks:read") as both, following(both, after=place) as messages:
        while endings(messages, 1)[0]["task_id"] != task["id"]:  # others have ended meanwhile
            pass
    with called.by("profiles:read") as one, following(one, last_event_id=place) as messages:
        assert next(messages).id == place
        while (message := next(messages)).body["profile_id"] != profile["id"]:
            assert (message.event or "").startswith("profile.")
    assert (message.id or "").partition("-")[2] == place.partition("-")[2], "it misses none later"
    with called.by("profiles:read") as one, following(one) as messages:
        assert "-" not in (next(messages).id or "")
