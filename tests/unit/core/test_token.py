"""A token keeps its rules, and nothing of its secret."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from profilecore.access import Scope
from profilecore.errors import Invalid
from profilecore.token import Token, issued, parsed

AT = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def new(**fields: Any) -> Token:
    made = issued("deploy", frozenset({Scope.OPS}), subject="ada", at=AT, expires_at=None)
    return replace(made.token, **fields)


def test_its_text_finds_it_and_matches_it() -> None:
    made = issued("deploy", frozenset(), subject="ada", at=AT, expires_at=AT + SECOND)
    shown = parsed(made.text)
    assert shown is not None
    token_id, secret = shown
    assert token_id == made.token.id
    assert made.token.matches(secret)
    assert (made.token.created_at, made.token.expires_at) == (AT, AT + SECOND)


def test_no_other_secret_matches_it() -> None:
    made = issued("deploy", frozenset(), subject="ada", at=AT, expires_at=None)
    secret = made.text[-43:]
    other = "A" if secret[0] != "A" else "B"
    for wrong in (other + secret[1:], secret[:-1], secret + "A", "", secret.swapcase(), "é"):
        assert not made.token.matches(wrong)


def test_no_two_are_alike() -> None:
    made = [issued("x", frozenset(), subject="a", at=AT, expires_at=None) for _ in range(1_000)]
    assert len({one.text[-43:] for one in made}) == len({one.token.id for one in made}) == 1_000


def test_its_holder_is_the_token_itself_where_none_is_named() -> None:
    made = issued("deploy", frozenset(Scope), subject=None, at=AT, expires_at=None)
    assert made.token.subject == f"token:{made.token.id}"


def test_nothing_of_its_secret_is_shown() -> None:
    made = issued("deploy", frozenset(), subject="ada", at=AT, expires_at=None)
    for shown in (repr(made), str(made), repr(made.token)):
        assert made.text[-43:] not in shown
        assert repr(made.token.digest) not in shown


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", "x" * 101),
        ("name", "two\nlines"),
        ("name", "\x1b[31m"),
        ("name", "\ud800"),
        ("subject", ""),
        ("subject", "x" * 256),
        ("subject", "a\0"),
        ("expires_at", AT),
        ("expires_at", AT - SECOND),
    ],
)
def test_what_it_may_not_be(field: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        new(**{field: value})
    assert [error.field for error in refused.value.errors] == [field]


def test_all_that_is_wrong_is_told() -> None:
    with pytest.raises(Invalid) as refused:
        issued("", frozenset(), subject="\n", at=AT, expires_at=AT)
    assert [error.field for error in refused.value.errors] == ["name", "subject", "expires_at"]


def test_how_long_it_is_valid() -> None:
    assert new().valid(AT + timedelta(days=36_500))
    ends = new(expires_at=AT + SECOND)
    assert ends.valid(AT + SECOND - timedelta(microseconds=1))
    assert not ends.valid(AT + SECOND)
    for revoked_at in (AT - SECOND, AT, AT + SECOND):
        assert not new(revoked_at=revoked_at).valid(AT)
