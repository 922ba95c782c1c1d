"""Whatever SQLite raises is a core error, with a sentence for people and its cause."""

import inspect
import sqlite3

import pytest

from profilecore.adapters.sqlite.errors import REASONS, translated
from profilecore.errors import Conflict, Invalid, Unavailable

RAISED = [
    kind for _, kind in inspect.getmembers(sqlite3, inspect.isclass) if issubclass(kind, Exception)
]
CODES = [
    code
    for name, code in inspect.getmembers(sqlite3, lambda value: isinstance(value, int))
    if name.startswith("SQLITE_")
]


def raise_through(error: BaseException) -> None:
    with translated():
        raise error


def test_the_walk_meets_them_all() -> None:
    assert len(RAISED) == 10
    assert {sqlite3.Warning, sqlite3.OperationalError, sqlite3.InterfaceError} <= set(RAISED)
    assert len(CODES) > 50


@pytest.mark.parametrize("kind", RAISED)
def test_each_exception_class_is_translated(kind: type[Exception]) -> None:
    error = kind('near "SELEC": syntax error in SELECT secret FROM profiles')
    with pytest.raises(Unavailable) as translated_error:
        raise_through(error)
    assert translated_error.value.__cause__ is error
    assert translated_error.value.detail == "The database failed."


@pytest.mark.parametrize("code", sorted(set(CODES)))
def test_each_code_has_words_without_sql(code: int) -> None:
    error = sqlite3.OperationalError("INSERT INTO profiles VALUES (secret)")
    error.sqlite_errorcode = code
    with pytest.raises(Unavailable) as translated_error:
        raise_through(error)
    detail = translated_error.value.detail
    assert detail == REASONS.get(code & 0xFF, "The database failed.")
    assert not any(word in detail for word in ("INSERT", "profiles", "secret", "SQLITE"))


def test_a_text_without_utf8_is_the_callers() -> None:
    connection = sqlite3.connect(":memory:")
    with pytest.raises(Invalid), translated():
        connection.execute("SELECT ?", ("\ud800",))
    connection.close()


def test_real_errors_have_their_reasons() -> None:
    connection = sqlite3.connect(":memory:")
    with pytest.raises(Unavailable, match="failed"), translated():
        connection.execute("SELEC")
    connection.execute("PRAGMA query_only = ON")
    with pytest.raises(Unavailable, match="cannot be written"), translated():
        connection.execute("CREATE TABLE t (x)")
    connection.execute("PRAGMA query_only = OFF")
    connection.set_progress_handler(lambda: 1, 1)
    with pytest.raises(Unavailable, match="longer than a read may"), translated():
        connection.execute("SELECT 1").fetchall()
    connection.close()
    with pytest.raises(Unavailable, match="failed"), translated():
        connection.execute("SELECT 1")


@pytest.mark.parametrize("error", [Conflict("x"), KeyError("x"), ValueError("x")])
def test_what_is_not_its_own_passes(error: Exception) -> None:
    with pytest.raises(type(error)) as passed:
        raise_through(error)
    assert passed.value is error
