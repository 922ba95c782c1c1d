"""What every adapter of the Tokens port does."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from profilecore.access import Scope
from profilecore.errors import Conflict
from profilecore.identifiers import new_id
from profilecore.ports import Tokens
from profilecore.testing.places import Place, Traits
from profilecore.testing.samples import AT, SECOND
from profilecore.token import Token, issued

SCOPES = frozenset({Scope.PROFILES_READ, Scope.TASKS_WRITE})


def new_token(**fields: Any) -> Token:
    """One that was just made."""
    made = issued("deploy", SCOPES, subject=None, at=AT, expires_at=None).token
    return replace(made, **fields)


def full_tokens() -> list[Token]:
    """Tokens whose fields are hard to keep."""
    far = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    zone = timezone(timedelta(hours=5, minutes=45))
    return [
        new_token(
            name="Žofia O'Neil-ßüß 李 \U0001f600", subject="a|b \\ % _ ''", scopes=frozenset()
        ),
        new_token(name="x" * 100, subject="李" * 255, scopes=frozenset(Scope)),
        new_token(digest=bytes(range(32)), created_at=AT.astimezone(zone), expires_at=far),
        new_token(expires_at=AT + SECOND, revoked_at=AT - SECOND, used_at=AT + 2 * SECOND),
    ]


async def add(tokens: Tokens, *several: Token) -> None:
    for token in several:
        await tokens.add(token)


async def stored(tokens: Tokens, token: Token) -> Token:
    return (await tokens.get([token.id]))[token.id]


class TokensContract:
    """Subclass it with `traits` and a fixture `place`."""

    traits: Traits

    @pytest.fixture
    async def tokens(self, place: Place[Tokens]) -> Tokens:
        return await place.open()

    # Adding and reading

    async def test_all_of_a_token_is_kept(self, tokens: Tokens) -> None:
        added = full_tokens()
        await add(tokens, *added)
        assert await tokens.get([t.id for t in added]) == {t.id: t for t in added}

    async def test_what_is_not_there_is_left_out(self, tokens: Tokens) -> None:
        token, other = new_token(), new_token()
        assert await tokens.get([token.id]) == {}
        await add(tokens, token, other)
        assert await tokens.get([new_id(), token.id, token.id]) == {token.id: token}
        assert await tokens.get([]) == {}

    async def test_an_id_is_taken_once(self, tokens: Tokens) -> None:
        token = new_token()
        await add(tokens, token)
        for again in (token, replace(new_token(name="other"), id=token.id)):
            with pytest.raises(Conflict) as refused:
                await tokens.add(again)
            assert refused.value.code == "id_taken"
        assert await stored(tokens, token) == token

    async def test_of_those_who_add_one_id_at_once_one_does(
        self, tokens: Tokens, place: Place[Tokens]
    ) -> None:
        both = [tokens, await place.open()] if self.traits.shared else [tokens]
        token = new_token()
        several = [replace(token, name=f"deploy {n}") for n in range(10)]
        outcomes = await asyncio.gather(
            *(both[n % len(both)].add(one) for n, one in enumerate(several)), return_exceptions=True
        )
        (added,) = (one for one, refused in zip(several, outcomes, strict=True) if refused is None)
        assert all(isinstance(outcome, Conflict | None) for outcome in outcomes)
        assert await stored(tokens, token) == added

    async def test_all_are_listed_the_newest_first(self, tokens: Tokens) -> None:
        assert list(await tokens.list()) == []
        added = [*full_tokens(), *(new_token() for _ in range(120))]
        await add(tokens, *added[::2], *added[1::2])
        assert list(await tokens.list()) == sorted(added, key=lambda t: t.id, reverse=True)

    # Revoking

    async def test_a_revoked_token_stays_with_the_time(self, tokens: Tokens) -> None:
        token, other = new_token(), new_token()
        await add(tokens, token, other)
        assert await tokens.revoke(token.id, AT + SECOND)
        revoked = replace(token, revoked_at=AT + SECOND)
        assert await tokens.get([token.id, other.id]) == {token.id: revoked, other.id: other}
        assert list(await tokens.list()) == [other, revoked]

    async def test_it_is_revoked_at_the_first_time(self, tokens: Tokens) -> None:
        token = new_token()
        await add(tokens, token)
        for seconds in (5, 6, 4):
            assert await tokens.revoke(token.id, AT + seconds * SECOND)
        assert (await stored(tokens, token)).revoked_at == AT + 5 * SECOND

    async def test_what_has_expired_is_revoked_as_well(self, tokens: Tokens) -> None:
        """By the clock of whoever revokes it has; by another it may not have."""
        token = new_token(expires_at=AT + SECOND)
        await add(tokens, token)
        assert await tokens.revoke(token.id, AT + 2 * SECOND)
        assert await stored(tokens, token) == replace(token, revoked_at=AT + 2 * SECOND)

    async def test_what_is_not_there_cannot_be_revoked(self, tokens: Tokens) -> None:
        token = new_token()
        await add(tokens, token)
        assert not await tokens.revoke(new_id(), AT)
        assert list(await tokens.list()) == [token]

    # Noting their use

    async def test_when_a_token_was_last_used_is_noted(self, tokens: Tokens) -> None:
        token, other, untouched = new_token(), new_token(revoked_at=AT), new_token()
        await add(tokens, token, other, untouched)
        at = AT + timedelta(microseconds=1)
        await tokens.used({token.id: at, other.id: at + SECOND, new_id(): at})
        assert await tokens.get([token.id, other.id, untouched.id]) == {
            token.id: replace(token, used_at=at),
            other.id: replace(other, used_at=at + SECOND),
            untouched.id: untouched,
        }
        await tokens.used({})

    async def test_a_use_is_never_noted_earlier_than_it_was(self, tokens: Tokens) -> None:
        token, other = new_token(), new_token()
        await add(tokens, token, other)
        await tokens.used({token.id: AT + 5 * SECOND, other.id: AT})
        await tokens.used({token.id: AT + 4 * SECOND, other.id: AT + SECOND})
        assert (await stored(tokens, token)).used_at == AT + 5 * SECOND
        assert (await stored(tokens, other)).used_at == AT + SECOND

    async def test_those_who_note_the_same_tokens_do_not_block_one_another(
        self, tokens: Tokens, place: Place[Tokens]
    ) -> None:
        """Whatever their order; and whoever revokes meanwhile is not undone."""
        both = [tokens, await place.open()] if self.traits.shared else [tokens]
        added = [new_token() for _ in range(50)]
        await add(tokens, *added)

        def noted(turn: int) -> dict[Any, datetime]:
            order = added if turn % 4 < 2 else added[::-1]
            return {token.id: AT + (turn * 7 % 40) * SECOND for token in order}

        async with asyncio.timeout(30):
            await asyncio.gather(
                *(both[turn % len(both)].used(noted(turn)) for turn in range(40)),
                *(both[-1].revoke(token.id, AT) for token in added[:20]),
            )
        found = await tokens.get([token.id for token in added])
        assert {token.used_at for token in found.values()} == {AT + 39 * SECOND}
        assert [found[token.id].revoked_at for token in added] == [AT] * 20 + [None] * 30

    # Places

    async def test_what_was_kept_outlives_the_adapter_if_durable(
        self, tokens: Tokens, place: Place[Tokens]
    ) -> None:
        added = full_tokens()
        await add(tokens, *added)
        await place.close()
        again = await place.open()
        assert set(await again.list()) == (set(added) if self.traits.durable else set())

    async def test_another_adapter_on_the_place_sees_each_answered_write_if_shared(
        self, tokens: Tokens, place: Place[Tokens]
    ) -> None:
        other = await place.open()
        for _ in range(10):
            token = new_token()
            await add(tokens, token)
            await tokens.used({token.id: AT})
            await tokens.revoke(token.id, AT)
            now = {token.id: replace(token, used_at=AT, revoked_at=AT)}
            assert await other.get([token.id]) == (now if self.traits.shared else {})
