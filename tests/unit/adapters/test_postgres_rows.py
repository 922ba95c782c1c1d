"""What stands in the tables and cannot be read, and what cannot be written to them."""

import socket
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from profilecore.adapters.codec import Garbled, event_of, profile_of
from profilecore.adapters.postgres import PostgresAddress
from profilecore.adapters.postgres.connecting import sever
from profilecore.adapters.postgres.rows import row_of
from profilecore.errors import Invalid
from profilecore.event import Change, EventType
from profilecore.testing.samples import created, person

ROW = (uuid4(), "n", "e@example.com", "", "[]", "[]", None, 1, 0, 0, None)
EVENT = (1, uuid4(), "profile.created", 1, "{}", 0, None)


@pytest.mark.parametrize(
    "row",
    [
        (*ROW[:4], "no JSON", *ROW[5:]),
        (*ROW[:5], "no JSON", *ROW[6:]),
        (*ROW[:8], 2**62, 0, None),
    ],
)
def test_a_profile_that_cannot_be_read_is_loud(row: tuple[object, ...]) -> None:
    assert profile_of(ROW).name == "n"
    with pytest.raises(Garbled):
        profile_of(row)


@pytest.mark.parametrize(
    "row", [(*EVENT[:2], "profile.sung", *EVENT[3:]), (*EVENT[:4], "[", 0, None)]
)
def test_an_event_that_cannot_be_read_is_loud(row: tuple[object, ...]) -> None:
    assert event_of(EVENT).position == 1
    with pytest.raises(Garbled):
        event_of(row)


@pytest.mark.parametrize(
    "change",
    [
        created(person(), actor="\0"),
        Change(EventType.CREATED, person(version=2**63), 0),
        replace(created(person()), replaces=2**63),
    ],
)
def test_what_the_tables_cannot_keep_is_refused_before_it_is_sent(change: Change) -> None:
    with pytest.raises(Invalid):
        row_of(change)


def test_a_password_does_not_show() -> None:
    address = PostgresAddress(host="h", port=1, user="u", password="secret", name="n")
    assert "secret" not in repr(address)
    assert "secret" not in str(address.unusable("no"))


def test_a_connection_that_is_at_its_end_can_be_severed() -> None:
    class Closed:
        def fileno(self) -> int:
            raise psycopg.OperationalError("the connection is closed")

    closed: Any = Closed()
    sever(closed)


def test_a_line_that_was_cut_can_be_cut_again() -> None:
    here, there = socket.socketpair(socket.AF_UNIX)
    there.close()
    here.shutdown(socket.SHUT_RDWR)
    line: Any = here
    sever(line)
    here.close()
    gone: Any = socket.socket()
    sever(gone)  # ENOTCONN
    gone.close()
    sever(gone)  # EBADF
