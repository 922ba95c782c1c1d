"""Where nobody is asked who they are: pages of other sites, in a browser of the same machine."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.callers import ALL, bearer, token
from tests.support.http import PROFILES, created, path_of, person, problem, snapshot
from tests.support.processes import Server, serving

ELSEWHERE = [
    "evil.example",
    "evil.example:8080",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
]
ELSEWHERE += ["10.0.0.1", "[2001:db8::1]", "[::1", "", "localhost@evil.example"]
HERE = [
    "localhost",
    "localhost:80",
    "LOCALHOST",
    "127.0.0.1:1",
    "127.8.8.8",
    "[::1]:8080",
    "a.localhost",
]


@pytest.mark.parametrize("host", ELSEWHERE)
@pytest.mark.parametrize("path", [PROFILES, f"{PROFILES}/export", "/metrics", "/docs"])
def test_a_name_that_was_made_to_lead_here_is_told_nothing(
    api: httpx.Client, host: str, path: str
) -> None:
    document = problem(api.get(path, headers={"Host": host}), 403, "forbidden")
    assert "localhost" in document["detail"]


@pytest.mark.parametrize("host", HERE)
def test_the_names_of_this_machine_will_do(api: httpx.Client, host: str) -> None:
    assert api.get(PROFILES, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
def test_a_page_of_another_site_has_no_effect(
    api: httpx.Client, server: Server, origin: str
) -> None:
    """What a browser sends there without asking first: a form, and a text without a type."""
    profile = created(api)
    before = snapshot(server)
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", PROFILES, {"json": person()}),
        ("POST", f"{path_of(profile)}/erase", {}),
        ("POST", f"{path_of(profile)}/images", {"files": {"image": b"x"}}),
        ("DELETE", path_of(profile), {}),
        ("GET", PROFILES, {}),
    ]
    for method, path, content in calls:
        response = api.request(method, path, headers={"Origin": origin}, **content)
        problem(response, 403, "forbidden")
    assert snapshot(server) == before


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:80"])
def test_a_page_of_this_machine_will_do(api: httpx.Client, origin: str) -> None:
    response = api.post(PROFILES, json=person(), headers={"Origin": origin})
    assert response.status_code == 201


def test_who_shows_a_token_may_call_it_what_they_like(tmp_path: Path) -> None:
    """A browser shows none by itself."""
    with serving(tmp_path, AUTH_MODE="token") as (_, client):
        headers = {**bearer(token(tmp_path, ALL)), "Host": "profiles.example.com"}
        headers["Origin"] = "https://app.example.com"
        assert client.post(PROFILES, json=person(), headers=headers).status_code == 201


def test_health_is_for_everybody(api: httpx.Client) -> None:
    for path in ("/health", "/health/live", "/health/ready"):
        assert api.get(path, headers={"Host": "10.0.0.7:8080"}).status_code == 200
