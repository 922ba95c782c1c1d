"""What is written down of a token is read again, and garbage is told from it."""

from typing import Any

import pytest

from profilecore.access import Scope
from profilecore.adapters.codec import Garbled
from profilecore.adapters.codec.tokens import TOKEN, token_columns, token_of
from profilecore.testing.tokens import full_tokens, new_token

COLUMNS = TOKEN.split(", ")


def row(**changed: Any) -> tuple[Any, ...]:
    """The row of a token, as a table has it."""
    token = new_token()
    kept = {"id": token.id, **token_columns(token), **changed}
    return tuple(kept[column] for column in COLUMNS)


def test_all_of_it_survives() -> None:
    for token in full_tokens():
        kept = {"id": token.id.bytes, **token_columns(token)}
        assert token_of(tuple(kept[column] for column in COLUMNS)) == token


def test_a_scope_of_a_later_release_gives_no_right() -> None:
    assert token_of(row(scopes="ops profiles:own tasks")).scopes == {Scope.OPS}
    assert token_of(row(scopes="profiles:own")).scopes == frozenset()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", b"short"),
        ("id", "text"),
        ("name", ""),
        ("subject", "two\nlines"),
        ("digest", "text"),
        ("created_at", "text"),
        ("expires_at", 2**63 - 1),
        ("expires_at", -1),
    ],
)
def test_garbage_is_loud(column: str, value: Any) -> None:
    with pytest.raises(Garbled) as error:
        token_of(row(**{column: value}))
    assert error.value.detail == "A token in the database cannot be read."
