"""Group commit, with a database made of a function."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from profilecore.adapters.postgres.group import CHANGES_MAX, GROUP_MAX, WAITING_MAX
from profilecore.adapters.postgres.writer import Answer, Writer
from profilecore.errors import Invalid, Unavailable

Rows = list[tuple[Any, ...]]


class Database:
    """Answers each call when it is let go; `sent` are the sizes of the groups."""

    def __init__(self, answer: Callable[[int], Awaitable[None]] | None = None) -> None:
        self.sent: list[int] = []
        self.go = asyncio.Event()
        self._answer = answer

    async def fetch(self, _: str, calls: str) -> Rows:
        sizes = json.loads(calls)
        self.sent.append(len(sizes))
        if self._answer:
            await self._answer(len(sizes))
        await self.go.wait()
        return [(n, position, None, False) for n, position in enumerate(sizes)]


async def some(writer: Writer, number: int, size: int = 1) -> list[asyncio.Task[list[Answer]]]:
    tasks = [asyncio.create_task(writer.write(str(n), size)) for n in range(number)]
    await asyncio.sleep(0)
    return tasks


async def test_what_waits_is_sent_together_and_each_gets_its_own() -> None:
    database = Database()
    writer = Writer(database.fetch, 5)
    first = await some(writer, 1)
    await asyncio.sleep(0.01)
    rest = await some(writer, GROUP_MAX + 5)
    database.go.set()
    answers = await asyncio.gather(*first, *rest)
    assert database.sent == [1, GROUP_MAX, 5]
    positions = [answer.position for (answer,) in answers]
    assert positions == [0, *range(GROUP_MAX + 5)]


async def test_a_group_has_a_bounded_number_of_changes_but_one_call_may_have_more() -> None:
    database = Database()
    database.go.set()
    writer = Writer(database.fetch, 5)
    await asyncio.gather(*await some(writer, 3, CHANGES_MAX // 2), *await some(writer, 2, 9_999))
    assert database.sent == [2, 1, 1, 1]


async def test_too_many_are_refused_at_once() -> None:
    database = Database()
    writer = Writer(database.fetch, 5)
    tasks = await some(writer, WAITING_MAX)
    await asyncio.sleep(0.01)
    tasks += await some(writer, GROUP_MAX)
    with pytest.raises(Unavailable) as refused:
        await writer.write("0", 1)
    assert refused.value.retry_after == 2
    database.go.set()
    await asyncio.gather(*tasks)


async def test_who_waits_too_long_is_told_whether_it_began() -> None:
    database = Database()
    writer = Writer(database.fetch, 0.05)
    begun = await some(writer, 1)
    await asyncio.sleep(0.01)
    waiting = await some(writer, 1)
    results = await asyncio.gather(*begun, *waiting, return_exceptions=True)
    details = [error.detail for error in results if isinstance(error, Unavailable)]
    assert details == [
        "The database did not answer in time.",
        "Too many calls are waiting for the database.",
    ]
    database.go.set()
    await writer.close()
    assert database.sent == [1], "what had not begun is not sent any more"


async def test_a_caller_that_is_cancelled_takes_back_what_has_not_begun() -> None:
    database = Database()
    writer = Writer(database.fetch, 5)
    first = await some(writer, 1)
    await asyncio.sleep(0.01)
    gone, stays = await some(writer, 2)
    gone.cancel()
    first[0].cancel()
    await asyncio.sleep(0)
    database.go.set()
    assert await stays == [Answer(1, None, False)]
    assert database.sent == [1, 1]


async def test_all_of_a_group_share_its_failure() -> None:
    async def fail(_: int) -> None:
        raise Unavailable("gone", retry_after=7) from OSError("cause")

    database = Database(fail)
    writer = Writer(database.fetch, 5)
    results = await asyncio.gather(*await some(writer, 3), return_exceptions=True)
    assert database.sent == [3]
    assert len(set(map(id, results))) == 3, "each has an exception of its own"
    for error in results:
        assert isinstance(error, Unavailable)
        assert (error.detail, error.retry_after) == ("gone", 7)
        assert isinstance(error.__cause__, OSError)


async def test_a_value_that_cannot_be_kept_is_tried_alone() -> None:
    async def refuse(number: int) -> None:
        if number > 1 or database.sent.count(1) == 2:
            raise Invalid("no")

    database = Database(refuse)
    database.go.set()
    writer = Writer(database.fetch, 5)
    results = await asyncio.gather(*await some(writer, 3), return_exceptions=True)
    assert [isinstance(result, Invalid) for result in results] == [False, True, False]
    assert database.sent == [3, 1, 1, 1]


async def test_a_bug_reaches_who_waits_and_the_writer_goes_on() -> None:
    async def fail(_: int) -> None:
        if len(database.sent) == 1:
            raise ZeroDivisionError

    database = Database(fail)
    database.go.set()
    writer = Writer(database.fetch, 5)
    with pytest.raises(ZeroDivisionError):
        await writer.write("0", 1)
    assert await writer.write("4", 1) == [Answer(4, None, False)]
