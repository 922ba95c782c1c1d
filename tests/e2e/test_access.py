"""Who may call what: every operation, as every kind of caller."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from profilecore.entrypoints.http import openapi_document
from tests.support.callers import ALL, bearer, token
from tests.support.http import PROFILES, created, path_of, person, problem
from tests.support.pictures import encoded, photograph
from tests.support.ports import free_port
from tests.support.processes import Server, run, serving
from tests.support.tasks import TASKS, submitted

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
    """A service that asks for tokens, with a profile that `owner` has made, and a task."""

    server: Server
    admin: httpx.Client
    owner: httpx.Client
    other: httpx.Client
    shown: dict[tuple[str, ...], str] = field(default_factory=dict)

    def with_scopes(self, *scopes: str) -> httpx.Client:
        """Somebody else, who has these."""
        if scopes not in self.shown:
            self.shown[scopes] = token(self.server.folder, scopes, "somebody")
        return self.server.client(headers=bearer(self.shown[scopes]))


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Called]:
    folder = tmp_path_factory.mktemp("called")
    with Server(folder, AUTH_MODE="token") as server, contextlib.ExitStack() as stack:

        def client(subject: str, *scopes: str) -> httpx.Client:
            text = token(folder, scopes, subject)
            return stack.enter_context(server.client(headers=bearer(text)))

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


@pytest.mark.parametrize("name", sorted(SCOPED))
def test_all_scopes_but_the_right_one_are_of_no_use(called: Called, name: str) -> None:
    """For what is one person's, their own profile is left to them; this is somebody else's."""
    others = [scope for scope in ALL if scope != SCOPED[name]]
    with called.with_scopes(*others) as client:
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
    with called.with_scopes(SCOPED[name]) as client:
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
    writer = token(called.server.folder, ["profiles:write", "profiles:read"], "writer")
    with called.server.client(headers=bearer(writer)) as client:
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
        with called.with_scopes(*scopes) as client:
            assert client.post(f"{TASKS}/delayed", json=body).status_code == status


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Bearer",
        "Bearer x",
        "Basic YWRtaW46YWRtaW4=",
        "pct_0_0",
        "Bearer pct_" + "0" * 32 + "_" + "A" * 43,
        "Bearer pct_" + "0" * 32 + "_" + "A" * 44,
        "Bearer " + "x" * 30_000,
    ],
)
def test_what_is_no_token_is_nobody(called: Called, shown: str) -> None:
    with called.server.client(headers={"Authorization": shown}) as client:
        document = problem(client.get(PROFILES), 401, "unauthenticated")
    assert shown.removeprefix("Bearer ").strip()[:10] not in document["detail"] or len(shown) < 9


def test_two_credentials_are_none(called: Called) -> None:
    good = called.admin.headers["authorization"]
    headers = [("Authorization", good), ("Authorization", good)]
    problem(httpx.get(f"{called.server.url}{PROFILES}", headers=headers), 401, "unauthenticated")


def test_the_scheme_is_read_in_any_case(called: Called) -> None:
    good = called.admin.headers["authorization"].removeprefix("Bearer ")
    with called.server.client() as client:
        for scheme in ("bearer", "BEARER"):
            headers = {"Authorization": f"{scheme} {good}"}
            assert client.get(PROFILES, headers=headers).status_code == 200


def test_a_body_is_not_read_of_who_may_not_send_it(called: Called) -> None:
    with called.server.client() as nobody:
        problem(nobody.post(PROFILES, content=b"{"), 401, "unauthenticated")
        problem(nobody.put(f"{PROFILES}/no-such", json={}), 404, "not_found")


def test_methods_and_unknown_paths_ask_for_nothing(called: Called) -> None:
    with called.server.client() as nobody:
        assert nobody.options(PROFILES).status_code == 204
        problem(nobody.get("/nowhere"), 404, "not_found")
        problem(nobody.put(PROFILES), 405, "method_not_allowed")
        for path in ("/health", "/health/live", "/health/ready"):
            assert nobody.get(path).status_code == 200
        for path in ("/metrics", "/docs", "/openapi.json", "/docs/assets/docs.js"):
            problem(nobody.get(path), 401, "unauthenticated")
            assert called.admin.get(path).status_code == 200
            problem(called.owner.get(path), 403, "forbidden")


def test_operators_have_a_port_of_their_own(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, AUTH_MODE="token", OPS_PORT=str(port)) as (_, nobody):
        admin = {"Authorization": f"Bearer {token(tmp_path, ALL)}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as operator:
            for path in ("/metrics", "/docs", "/openapi.json", "/docs/assets/docs.js"):
                assert operator.get(path).status_code == 200
                problem(nobody.get(path), 404, "not_found")
                problem(nobody.get(path, headers=admin), 404, "not_found")
            for client in (operator, nobody):
                assert client.get("/health").status_code == 200
                assert client.get("/health/ready").status_code == 200
            problem(operator.get(PROFILES), 404, "not_found")
            problem(operator.get(PROFILES, headers=admin), 404, "not_found")
        assert nobody.get(PROFILES, headers=admin).status_code == 200


def test_an_ops_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, _):
        done = run(tmp_path, "dev", "--port", "0", OPS_PORT=str(server.port))
    assert done.returncode == 3
    assert "OPS_PORT" in done.stderr
