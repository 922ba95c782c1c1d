"""API tokens, as whoever has one and whoever has none find them."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.callers import ALL, bearer, token
from tests.support.http import PROFILES, created, problem
from tests.support.ports import free_port
from tests.support.processes import Server, run, serving


@dataclass(frozen=True)
class Given:
    """A service, one who may do all, and one who may do nothing but what is their own."""

    server: Server
    admin: httpx.Client
    nobody: httpx.Client


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    folder = tmp_path_factory.mktemp("tokens")
    with (
        Server(folder, AUTH_MODE="token") as server,
        server.client(headers=bearer(token(folder, ALL))) as admin,
        server.client(headers=bearer(token(folder, [], "nobody"))) as nobody,
    ):
        yield Given(server, admin, nobody)


def test_whoever_shows_one_is_let_in(tokens: Given) -> None:
    assert tokens.admin.get(PROFILES).status_code == 200
    assert re.fullmatch("token:[0-9a-f-]{36}", created(tokens.admin)["owner"])
    assert created(tokens.nobody)["owner"] == "nobody"


def test_one_that_has_expired(tokens: Given) -> None:
    options = ("--subject", "me", "--expires", "1s")
    text = run(tokens.server.folder, "tokens", "create", "short", *options).stdout.strip()
    time.sleep(1.1)
    with tokens.server.client(headers=bearer(text)) as client:
        document = problem(client.get(PROFILES), 401, "unauthenticated")
    assert "expired" in document["detail"]


def test_a_revoked_one_is_refused_everywhere_within_five_seconds(
    tokens: Given, tmp_path: Path
) -> None:
    folder = tokens.server.folder
    text = token(folder, ["profiles:read"])
    identifier = text.split("_")[1]
    with (
        Server(tmp_path, DATA_DIR=str(folder / "data"), AUTH_MODE="token") as other,
        tokens.server.client(headers=bearer(text)) as here,
        other.client(headers=bearer(text)) as there,
    ):
        assert [client.get(PROFILES).status_code for client in (here, there)] == [200, 200]
        assert run(folder, "tokens", "revoke", identifier).returncode == 0
        revoked = time.monotonic()
        while {client.get(PROFILES).status_code for client in (here, there)} != {401}:
            assert time.monotonic() - revoked < 5
            time.sleep(0.05)
        for client in (here, there):
            document = problem(client.get(PROFILES), 401, "unauthenticated")
            assert "revoked" in document["detail"]


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
def test_what_is_no_token_is_nobody(tokens: Given, shown: str) -> None:
    with tokens.server.client(headers={"Authorization": shown}) as client:
        document = problem(client.get(PROFILES), 401, "unauthenticated")
    assert shown.removeprefix("Bearer ").strip()[:10] not in document["detail"] or len(shown) < 9


def test_two_credentials_are_none(tokens: Given) -> None:
    good = tokens.admin.headers["authorization"]
    headers = [("Authorization", good), ("Authorization", good)]
    problem(httpx.get(f"{tokens.server.url}{PROFILES}", headers=headers), 401, "unauthenticated")


def test_the_scheme_is_read_in_any_case(tokens: Given) -> None:
    good = tokens.admin.headers["authorization"].removeprefix("Bearer ")
    with tokens.server.client() as client:
        for scheme in ("bearer", "BEARER"):
            headers = {"Authorization": f"{scheme} {good}"}
            assert client.get(PROFILES, headers=headers).status_code == 200


def test_a_body_is_not_read_of_who_may_not_send_it(tokens: Given) -> None:
    with tokens.server.client() as nobody:
        problem(nobody.post(PROFILES, content=b"{"), 401, "unauthenticated")
        problem(nobody.put(f"{PROFILES}/no-such", json={}), 404, "not_found")


def test_methods_and_unknown_paths_ask_for_nothing(tokens: Given) -> None:
    with tokens.server.client() as nobody:
        assert nobody.options(PROFILES).status_code == 204
        problem(nobody.get("/nowhere"), 404, "not_found")
        problem(nobody.put(PROFILES), 405, "method_not_allowed")
        for path in ("/health", "/health/live", "/health/ready"):
            assert nobody.get(path).status_code == 200
        for path in ("/metrics", "/docs", "/openapi.json", "/docs/assets/docs.js"):
            problem(nobody.get(path), 401, "unauthenticated")
            assert tokens.admin.get(path).status_code == 200
            problem(tokens.nobody.get(path), 403, "forbidden")


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
