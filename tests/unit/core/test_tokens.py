"""Who shows a token is told quickly, from no older a copy than may be, and never by halves."""

import asyncio
import gc
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from profilecore import tokens as module
from profilecore.access import Caller, Scope
from profilecore.adapters.memory import MemoryTokens
from profilecore.errors import Denied, Unavailable
from profilecore.identifiers import new_id
from profilecore.token import Issued, Token, issued
from profilecore.tokens import KEPT_FOR, NOTED_EVERY, TokenAuthenticator

AT = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
SCOPES = frozenset({Scope.PROFILES_READ, Scope.OPS})


class WatchedTokens(MemoryTokens):
    """Tells what is asked of it; can be held up, and can fail."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[UUID] = []
        self.notes: list[Mapping[UUID, datetime]] = []
        self.down = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Token]:
        self.reads += ids
        found = await super().get(ids)
        await self.answers.wait()
        self._check()
        return found

    async def used(self, moments: Mapping[UUID, datetime]) -> None:
        self.notes.append(dict(moments))
        self._check()
        await super().used(moments)

    def _check(self) -> None:
        if self.down:
            raise Unavailable("The store is down.")


class Door:
    """An authenticator whose clocks stand still until they are moved."""

    def __init__(self) -> None:
        self.tokens = WatchedTokens()
        self.now = AT
        self.seconds = 1_000.0
        self.authenticator = TokenAuthenticator(
            self.tokens, clock=lambda: self.now, timer=lambda: self.seconds
        )

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds

    async def give_out(self, **fields: Any) -> Issued:
        made = issued("deploy", SCOPES, subject="ada", at=AT, expires_at=None)
        made = replace(made, token=replace(made.token, **fields))
        await self.tokens.add(made.token)
        return made

    async def ask(self, text: str) -> Caller:
        return await self.authenticator.authenticate(text)

    async def refused(self, text: str) -> Denied:
        with pytest.raises(Denied) as error:
            await self.ask(text)
        assert error.value.code == "unauthenticated"
        assert text not in error.value.detail
        return error.value


@pytest.fixture
async def door() -> Door:
    return Door()


async def settled() -> None:
    """Let what was begun beside go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


# Who it is


async def test_a_caller_is_who_the_token_says(door: Door) -> None:
    made = await door.give_out()
    assert await door.ask(made.text) == Caller("ada", SCOPES, f"token:{made.token.id}")


async def test_another_secret_is_refused(door: Door) -> None:
    made, other = await door.give_out(), await door.give_out()
    unknown = issued("deploy", SCOPES, subject=None, at=AT, expires_at=None).text
    wrong = await door.refused(made.text[:-43] + other.text[-43:])
    assert wrong.detail == (await door.refused(unknown)).detail, "it does not tell which ids exist"
    await door.ask(made.text)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text.upper(),
        lambda text: text.replace("pct_", "pat_"),
        lambda text: text.replace("_", "-", 2),
        lambda text: text[:-1] + "=",
        lambda text: text[:-1] + "é",
        lambda text: text[:-1] + "\ud800",
        lambda text: text[:4] + "\u0661" * 32 + text[36:],
        lambda text: text * 20_000,
        lambda _: "pct_" + "0" * 1_000_000,
    ],
)
async def test_another_shape_is_refused_and_not_looked_up(door: Door, change: Any) -> None:
    made = await door.give_out()
    began = time.perf_counter()
    await door.refused(change(made.text))
    assert time.perf_counter() - began < 1.0
    assert door.tokens.reads == []


async def test_nothing_shown_is_refused(door: Door) -> None:
    with pytest.raises(Denied):
        await door.ask("")


async def test_a_token_ends_when_it_expires(door: Door) -> None:
    made = await door.give_out(expires_at=AT + timedelta(seconds=1))
    await door.ask(made.text)
    door.move(0.999)
    await door.ask(made.text)
    door.move(0.001)  # from the copy: no read tells it
    assert "expired" in (await door.refused(made.text)).detail
    assert len(door.tokens.reads) == 1


async def test_a_revoked_token_is_refused_whatever_the_clock_says(door: Door) -> None:
    """Its time is that of the machine on which it was revoked."""
    for revoked_at in (AT - timedelta(hours=1), AT + timedelta(hours=1)):
        made = await door.give_out(revoked_at=revoked_at)
        assert "revoked" in (await door.refused(made.text)).detail


async def test_a_token_that_has_ended_says_so_only_to_who_has_it(door: Door) -> None:
    made, other = await door.give_out(revoked_at=AT), await door.give_out()
    stranger = await door.refused(made.text[:-43] + other.text[-43:])
    assert "revoked" in (await door.refused(made.text)).detail
    assert "never given out" in stranger.detail


# What is kept


async def test_a_token_is_read_again_after_two_seconds(door: Door) -> None:
    made = await door.give_out()
    assert KEPT_FOR == 2.0
    await door.ask(made.text)
    door.move(1.999)
    await door.ask(made.text)
    assert len(door.tokens.reads) == 1
    await door.tokens.revoke(made.token.id, door.now)
    door.move(0.001)
    await door.refused(made.text)
    assert len(door.tokens.reads) == 2


async def test_the_time_that_it_takes_to_read_counts(door: Door) -> None:
    """It may have been revoked right after it was looked up."""
    made = await door.give_out()
    door.tokens.answers.clear()
    asking = asyncio.create_task(door.ask(made.text))
    await settled()
    await door.tokens.revoke(made.token.id, door.now)
    door.move(1.5)
    door.tokens.answers.set()
    await asking
    door.move(0.5)
    await door.refused(made.text)


async def test_what_is_not_there_is_not_kept(door: Door) -> None:
    made = issued("deploy", SCOPES, subject=None, at=AT, expires_at=None)
    await door.refused(made.text)
    await door.tokens.add(made.token)
    await door.ask(made.text)


async def test_no_more_are_kept_than_there_is_room_for(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were read first go first."""
    monkeypatch.setattr(module, "KEPT_MAX", 3)
    made = [await door.give_out() for _ in range(4)]
    for one in made:
        await door.ask(one.text)
    assert len(door.authenticator._kept) == 3
    for one in made[1:]:
        await door.ask(one.text)
    assert len(door.tokens.reads) == 4
    await door.ask(made[0].text)
    assert len(door.tokens.reads) == 5
    for _ in range(50):
        await door.refused(f"pct_{new_id().hex}_{'A' * 43}")
    await settled()
    assert len(door.authenticator._kept) == 3
    assert not door.authenticator._reading


# Many at once


async def test_many_who_show_one_token_at_once_are_one_read(door: Door) -> None:
    made, other = await door.give_out(), await door.give_out()
    door.tokens.answers.clear()
    asking = [asyncio.create_task(door.ask(made.text)) for _ in range(50)]
    wrong = asyncio.create_task(door.refused(made.text[:-43] + other.text[-43:]))
    await settled()
    door.tokens.answers.set()
    assert {caller.subject for caller in await asyncio.gather(*asking)} == {"ada"}
    await wrong
    assert door.tokens.reads == [made.token.id]


async def test_one_who_leaves_takes_it_from_nobody_else(door: Door) -> None:
    made = await door.give_out()
    door.tokens.answers.clear()
    first, *others = [asyncio.create_task(door.ask(made.text)) for _ in range(3)]
    await settled()
    first.cancel()
    await settled()
    assert first.cancelled()
    door.tokens.answers.set()
    assert len(await asyncio.gather(*others)) == 2
    assert len(door.tokens.reads) == 1


async def test_a_store_that_fails_fails_those_who_wait_and_nobody_after(door: Door) -> None:
    made = await door.give_out()
    door.tokens.down = True
    door.tokens.answers.clear()
    asking = [asyncio.create_task(door.ask(made.text)) for _ in range(3)]
    await settled()
    door.tokens.answers.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    door.tokens.down = False
    await door.ask(made.text)


async def test_a_read_that_fails_when_all_have_left_is_nobodys_complaint(door: Door) -> None:
    complaints = list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said))
    made = await door.give_out()
    door.tokens.down = True
    door.tokens.answers.clear()
    asking = asyncio.create_task(door.ask(made.text))
    await settled()
    asking.cancel()
    await settled()
    del asking  # what it was cancelled with holds on to the read
    door.tokens.answers.set()
    await settled()
    gc.collect()
    assert complaints == []
    assert not door.authenticator._reading


# When it was used


async def test_a_use_is_noted_at_once_and_then_once_a_minute(door: Door) -> None:
    assert NOTED_EVERY == 60.0
    made, other = await door.give_out(), await door.give_out()
    await door.ask(made.text)
    await settled()
    assert door.tokens.notes == [{made.token.id: AT}]
    for _ in range(59):
        door.move(1)
        await door.ask(made.text)
        await door.ask(other.text)
        await settled()
    assert len(door.tokens.notes) == 1
    door.move(1)
    await door.ask(made.text)
    await settled()
    last = {made.token.id: door.now, other.token.id: door.now - timedelta(seconds=1)}
    assert door.tokens.notes[1:] == [last]
    found = await door.tokens.get(last.keys())
    assert {token_id: token.used_at for token_id, token in found.items()} == last


async def test_what_was_refused_was_not_used(door: Door) -> None:
    made, other = await door.give_out(revoked_at=AT), await door.give_out()
    await door.refused(made.text)
    await door.refused(other.text[:-43] + made.text[-43:])
    await settled()
    assert door.tokens.notes == []


async def test_that_a_use_cannot_be_noted_fails_nobody(door: Door) -> None:
    complaints = list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said))
    made = await door.give_out()
    await door.ask(made.text)  # is read while the store answers
    door.tokens.down = True
    await settled()
    door.move(1)
    await door.ask(made.text)
    await settled()
    assert len(door.tokens.notes) == 1, "it is not tried again at once"
    door.tokens.down = False
    door.move(NOTED_EVERY)
    await door.ask(made.text)
    await settled()
    gc.collect()
    assert door.tokens.notes[1:] == [{made.token.id: door.now}]
    assert complaints == []
