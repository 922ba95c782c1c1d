"""Budgets of callers, over HTTP: what is counted as what, and what answers say of it."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from profilecore.access import Caller, Scope, unauthenticated
from profilecore.entrypoints.http import openapi_document
from profilecore.entrypoints.parts import Parts
from tests.support.http import PROFILES, path_of, person, problem
from tests.support.inside import Inside, inside

GOOD: Final = {f"good-{number}": f"key-{number}" for number in range(3)}


class Asked:
    """An authenticator that knows a few credentials, and counts how often it is asked."""

    def __init__(self) -> None:
        self.times = 0

    async def authenticate(self, credential: str) -> Caller:
        self.times += 1
        if credential not in GOOD:
            raise unauthenticated("It is not one of ours.")
        return Caller("ada", frozenset(Scope), GOOD[credential])


def bearer(credential: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"} | headers


def asking(asked: Asked) -> Any:
    def change(parts: Parts) -> Parts:
        return replace(parts, authenticator=asked)

    return change


def each(rate: str) -> Any:
    return {f"RATE_LIMIT_{kind}": rate for kind in ("READS", "WRITES", "UPLOADS")}


async def statuses(app: Inside, times: int, path: str = PROFILES, **given: Any) -> list[int]:
    return [(await app.client.get(path, **given)).status_code for _ in range(times)]


async def test_every_answer_says_what_is_left(tmp_path: Path) -> None:
    async with inside(tmp_path, RATE_LIMIT_READS="2/h") as app:
        first = await app.client.get(PROFILES)
        assert first.headers["ratelimit-policy"] == '"reads";q=2;w=3600'
        assert first.headers["ratelimit"] == '"reads";r=1;t=1800'
        missing = await app.client.get(f"{PROFILES}/0198c5a0-0000-7000-8000-000000000000")
        assert missing.status_code == 404
        assert missing.headers["ratelimit"] == '"reads";r=0;t=1800'
        refused = await app.client.get(PROFILES)
        document = problem(refused, 429, "rate_limited")
        assert "2 in 3600 s" in document["detail"]
        assert refused.headers["retry-after"] == "1800"
        assert re.fullmatch('"reads";r=0;t=1800', refused.headers["ratelimit"])
        assert app.metric("http_requests_limited_total", budget="reads") == 1
        assert app.metric("http_requests_limited_total", budget="writes") == 0


async def test_after_as_long_as_it_is_told_it_succeeds(tmp_path: Path) -> None:
    async with inside(tmp_path, RATE_LIMIT_READS="1/s") as app:
        while (answer := await app.client.get(PROFILES)).status_code == 200:
            pass
        await asyncio.sleep(int(answer.headers["retry-after"]))
        assert (await app.client.get(PROFILES)).status_code == 200


async def test_a_burst_of_its_own_is_said(tmp_path: Path) -> None:
    async with inside(tmp_path, RATE_LIMIT_READS="600/m,burst=3") as app:
        answer = await app.client.get(PROFILES)
        assert answer.headers["ratelimit-policy"] == '"reads";q=600;w=60;profilecore-burst=3'
        assert answer.headers["ratelimit"] == '"reads";r=2;t=1'


async def test_reads_writes_and_uploads_are_counted_apart(tmp_path: Path) -> None:
    async with inside(tmp_path, **each("2/h")) as app:
        made = (await app.client.post(PROFILES, json=person())).json()
        path = path_of(made)
        assert (await app.client.delete(path)).status_code == 204
        problem(await app.client.delete(path), 429, "rate_limited")
        assert (await app.client.head(PROFILES)).status_code == 200
        assert (await app.client.get(path)).status_code == 404
        assert (await app.client.head(PROFILES)).status_code == 429
        for _ in range(2):
            upload = await app.client.post(f"{path}/images", files={"image": b"x"})
            assert upload.headers["ratelimit-policy"].startswith('"uploads"')
        problem(await app.client.post(f"{path}/images", files={"image": b"x"}), 429, "rate_limited")


async def test_what_is_asked_by_machines_is_not_counted(tmp_path: Path) -> None:
    media = f"/media/ab/{'ab' * 32}/thumb.webp"
    async with inside(tmp_path, **each("1/h")) as app:
        assert await statuses(app, 2) == [200, 429]
        for path in ("/health", "/health/live", "/health/ready", "/metrics", "/docs", media):
            answer = await app.client.get(path)
            assert answer.status_code in {200, 404}
            assert "ratelimit" not in answer.headers
        answer = await app.client.options(PROFILES)
        assert (answer.status_code, "ratelimit" in answer.headers) == (204, False)


async def test_without_a_limit_nothing_is_counted_or_said(tmp_path: Path) -> None:
    async with inside(tmp_path, RATE_LIMIT_WRITES="1/h") as app:
        answer = await app.client.get(PROFILES)
        assert "ratelimit" not in answer.headers
        assert await statuses(app, 20) == [200] * 20


async def test_who_has_a_credential_is_counted_by_it_wherever_they_are(tmp_path: Path) -> None:
    async with inside(
        tmp_path, change=asking(Asked()), RATE_LIMIT_READS="2/h", TRUSTED_PROXIES="loopback"
    ) as app:
        for credential in ("good-0", "good-1"):
            found = [
                (
                    await app.client.get(
                        PROFILES, headers=bearer(credential, **{"X-Forwarded-For": f"192.0.2.{n}"})
                    )
                ).status_code
                for n in range(3)
            ]
            assert found == [200, 200, 429]


async def test_who_may_not_is_counted_too(tmp_path: Path) -> None:
    class Nobody(Asked):
        async def authenticate(self, credential: str) -> Caller:
            return Caller(None, frozenset(), "key")

    async with inside(tmp_path, change=asking(Nobody()), RATE_LIMIT_READS="2/h") as app:
        assert await statuses(app, 3, headers=bearer("x")) == [403, 403, 429]


async def test_forwarded_for_counts_from_a_trusted_proxy_alone(tmp_path: Path) -> None:
    """Whoever writes another address into each request has one budget all the same."""

    async def spread(app: Inside) -> list[int]:
        return [
            (
                await app.client.get(PROFILES, headers={"X-Forwarded-For": f"192.0.2.{n}"})
            ).status_code
            for n in range(4)
        ]

    async with inside(tmp_path / "a", RATE_LIMIT_READS="2/h") as app:
        assert await spread(app) == [200, 200, 429, 429]
    async with inside(tmp_path / "b", RATE_LIMIT_READS="2/h", TRUSTED_PROXIES="loopback") as app:
        assert await spread(app) == [200] * 4
    async with inside(tmp_path / "c", RATE_LIMIT_READS="2/h", TRUSTED_PROXIES="10.0.0.0/8") as app:
        assert await spread(app) == [200, 200, 429, 429]


async def test_guessing_is_bounded_before_anybody_is_asked(tmp_path: Path) -> None:
    asked = Asked()
    async with inside(tmp_path, change=asking(asked), RATE_LIMIT_FAILURES="5/h") as app:
        found = [
            (await app.client.get(PROFILES, headers=bearer(f"guess-{n}"))).status_code
            for n in range(20)
        ]
        assert found == [401] * 5 + [429] * 15
        assert asked.times == 5
        last = await app.client.get("/metrics", headers=bearer("guess"))
        problem(last, 429, "rate_limited")
        assert 700 < int(last.headers["retry-after"]) <= 720
        assert last.headers["ratelimit-policy"] == '"failures";q=5;w=3600'
        assert app.metric("http_requests_limited_total", budget="failures") == 16


async def test_who_shares_an_address_with_somebody_who_guesses_is_not_shut_out(
    tmp_path: Path,
) -> None:
    async with inside(tmp_path, change=asking(Asked()), RATE_LIMIT_FAILURES="2/h") as app:
        assert await statuses(app, 1, headers=bearer("good-0")) == [200]
        assert await statuses(app, 3, headers=bearer("guess")) == [401, 401, 429]
        assert await statuses(app, 5, headers=bearer("good-0")) == [200] * 5
        assert await statuses(app, 1, headers=bearer("good-1")) == [429]


async def test_a_credential_that_was_good_is_so_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked()
    async with inside(tmp_path, change=asking(asked), RATE_LIMIT_FAILURES="1/h") as app:
        assert await statuses(app, 1, headers=bearer("good-0")) == [200]
        assert await statuses(app, 1, headers=bearer("guess")) == [401]
        monkeypatch.delitem(GOOD, "good-0")
        assert await statuses(app, 2, headers=bearer("good-0")) == [401, 429]


async def test_no_credential_is_no_guess(tmp_path: Path) -> None:
    async with inside(tmp_path, change=asking(Asked()), RATE_LIMIT_FAILURES="1/h") as app:
        assert await statuses(app, 3) == [401] * 3


def test_openapi_says_so_of_each_operation_that_can_be_limited() -> None:
    for path, methods in openapi_document()["paths"].items():
        for operation in methods.values():
            assert ("429" in operation["responses"]) is bool(operation["security"]), path
            if operation["security"]:
                told = set(operation["responses"]["429"]["headers"])
                assert told == {"Retry-After", "RateLimit", "RateLimit-Policy"}
