"""Whatever psycopg raises is a core error, with a sentence for people and its cause."""

from collections.abc import Iterator

import psycopg
import psycopg_pool
import pytest

from profilecore.adapters.postgres.errors import REASONS, translated
from profilecore.errors import Conflict, Invalid, Unavailable


def walk(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for sub in kind.__subclasses__():
        yield from walk(sub)


RAISED = sorted({*walk(psycopg.Error), *walk(psycopg.Warning)}, key=lambda kind: kind.__qualname__)


def raise_through(error: BaseException) -> None:
    with translated():
        raise error


def test_the_walk_meets_them_all() -> None:
    assert len(RAISED) > 250
    assert {
        psycopg.errors.UniqueViolation,
        psycopg_pool.PoolTimeout,
        psycopg_pool.TooManyRequests,
        psycopg_pool.PoolClosed,
    } <= set(RAISED)


@pytest.mark.parametrize("kind", RAISED)
def test_each_exception_is_translated_without_its_text(kind: type[Exception]) -> None:
    error = kind('INSERT INTO profiles: secret at host "db.internal"')
    expected = Invalid if issubclass(kind, psycopg.DataError) else Unavailable
    with pytest.raises(expected) as meant:
        raise_through(error)
    assert meant.value.__cause__ is error
    detail = meant.value.detail
    assert detail.endswith(".")
    assert not any(word in detail for word in ("INSERT", "secret", "internal"))


@pytest.mark.parametrize(
    ("error", "detail", "retry_after"),
    [
        (psycopg.errors.QueryCanceled(), "The database took longer than a call may.", 1),
        (psycopg.errors.LockNotAvailable(), "Others held what this needs for too long.", 2),
        (psycopg_pool.TooManyRequests(), "Too many calls are waiting for the database.", 2),
        (psycopg_pool.PoolTimeout(), "The database did not answer in time.", 1),
        (psycopg.errors.ConnectionTimeout(), "The database did not answer in time.", 1),
        (psycopg.errors.AdminShutdown(), "The database cannot be reached.", 1),
        (psycopg.OperationalError("gone"), "The database cannot be reached.", 1),
        (
            psycopg.errors.ReadOnlySqlTransaction(),
            "The database can only be read: the primary is elsewhere.",
            1,
        ),
        (psycopg.errors.DiskFull(), "The disk of the database is full.", 1),
        (psycopg.errors.TooManyConnections(), REASONS["53"], 1),
        (psycopg.errors.UndefinedTable(), REASONS["42P01"], 1),
        (psycopg.errors.SyntaxError(), "The database failed.", 1),
        (psycopg.InterfaceError("bug"), "The database failed.", 1),
    ],
)
def test_what_an_operator_can_act_on_has_its_own_words(
    error: Exception, detail: str, retry_after: int
) -> None:
    with pytest.raises(Unavailable) as meant:
        raise_through(error)
    assert (meant.value.detail, meant.value.retry_after) == (detail, retry_after)


def test_a_text_without_utf8_is_the_callers() -> None:
    with pytest.raises(Invalid), translated():
        "\ud800".encode()


@pytest.mark.parametrize("error", [Conflict("x"), KeyError("x"), ValueError("x")])
def test_what_is_not_its_own_passes(error: Exception) -> None:
    with pytest.raises(type(error)) as passed:
        raise_through(error)
    assert passed.value is error
