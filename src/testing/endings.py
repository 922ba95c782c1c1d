"""What every adapter of the Endings port does."""

import asyncio
from datetime import UTC, datetime
from typing import Final

import pytest

from profilecore.ending import Ending
from profilecore.errors import NotFound
from profilecore.ports import Endings, Tasks
from profilecore.task import Status, Task
from profilecore.testing.places import Ended, EndingsPlace, Traits
from profilecore.testing.samples import AT, SECOND
from profilecore.testing.task_samples import LEASE, brought, ended, one, refused, start, step

_LATE: Final = datetime.max.replace(tzinfo=UTC)


async def gone(endings: Endings, after: int) -> bool:
    """Whether it is refused to go on from there."""
    try:
        await endings.read(after, 10)
    except NotFound as error:
        assert error.code == "position_gone"  # noqa: PT017 - either end will do
        return True
    return False


async def done(tasks: Tasks, number: int = 1) -> list[Task]:
    """So many tasks that have succeeded, one after the other."""
    return [await ended(tasks, await one(tasks), Status.SUCCEEDED) for _ in range(number)]


class EndingsContract:
    """Subclass it with `traits` and a fixture `place`."""

    traits: Traits

    @pytest.fixture
    async def store(self, place: EndingsPlace) -> Ended:
        return await place.open()

    async def test_none_has_ended(self, store: Ended) -> None:
        assert await store.endings.position() == 0
        assert list(await store.endings.read(0, 10)) == []
        assert await store.endings.trim(_LATE) == 0

    @pytest.mark.parametrize("how", Status)
    async def test_those_that_have_succeeded_or_are_dead_are_told_of(
        self, store: Ended, how: Status
    ) -> None:
        task = await brought(store.tasks, await one(store.tasks, type="echo"), how)
        told = [
            Ending(position, task.id, "echo", how, task.updated_at)
            for position in [await store.endings.position()]
            if how in (Status.SUCCEEDED, Status.DEAD)
        ]
        assert list(await store.endings.read(0, 10)) == told

    async def test_one_that_is_tried_again_may_end_again(self, store: Ended) -> None:
        task = await ended(store.tasks, await one(store.tasks), Status.DEAD)
        await step(store.tasks, task, lambda t, at: t.retried(at))
        await ended(store.tasks, task, Status.SUCCEEDED)
        told = await store.endings.read(0, 10)
        assert [(e.task_id, e.status) for e in told] == [
            (task.id, Status.DEAD),
            (task.id, Status.SUCCEEDED),
        ]

    async def test_what_is_refused_is_not_told(self, store: Ended) -> None:
        task = await step(store.tasks, await one(store.tasks), start)
        await refused(store.tasks, task, lambda t, at: t.succeeded(at, t.fence + 1, None))
        assert await store.endings.position() == 0

    async def test_positions_count_up_in_the_order_of_steps(self, store: Ended) -> None:
        tasks = await done(store.tasks, 7)
        told = await store.endings.read(0, 10)
        assert [e.task_id for e in told] == [task.id for task in tasks]
        positions = [e.position for e in told]
        assert positions == sorted(set(positions))
        assert positions[0] > 0
        assert await store.endings.position() == positions[-1]
        for number, position in enumerate(positions, start=1):
            assert list(await store.endings.read(position, 3)) == told[number : number + 3]
        assert list(await store.endings.read(0, 3)) == told[:3]

    async def test_the_steps_of_one_call_are_all_told(self, store: Ended) -> None:
        tasks = [await step(store.tasks, await one(store.tasks), start) for _ in range(20)]
        await store.tasks.write(
            {
                task.id: (
                    (lambda t, at: t.failed(at, t.fence, "boom", final=True))
                    if number % 2
                    else (lambda t, at: t.renewed(at, t.fence, LEASE))
                )
                for number, task in enumerate(tasks)
            }
        )
        told = await store.endings.read(0, 100)
        assert {e.task_id for e in told} == {task.id for task in tasks[1::2]}
        assert {e.status for e in told} == {Status.DEAD}

    @pytest.mark.parametrize("beyond", [1, 1_000, 2**62, 2**80])
    async def test_a_position_beyond_the_newest_is_of_something_else(
        self, store: Ended, beyond: int
    ) -> None:
        assert await gone(store.endings, beyond)
        await done(store.tasks)
        newest = await store.endings.position()
        assert await gone(store.endings, newest + beyond)
        assert not await gone(store.endings, newest)

    async def test_what_is_told_outlives_the_adapter_if_durable(
        self, place: EndingsPlace, store: Ended
    ) -> None:
        await done(store.tasks)
        await place.move(SECOND)
        await done(store.tasks)
        first, last = await store.endings.read(0, 10)
        await store.endings.trim(last.at)
        await place.close()
        again = (await place.open()).endings
        if self.traits.durable:
            assert await gone(again, 0)
            assert list(await again.read(first.position, 10)) == [last]
        else:
            assert await again.position() == 0

    async def test_another_adapter_on_the_place_is_told_the_same_if_shared(
        self, place: EndingsPlace, store: Ended
    ) -> None:
        other = await place.open()
        await done(store.tasks, 2)
        told = list(await store.endings.read(0, 10))
        assert list(await other.endings.read(0, 10)) == (told if self.traits.shared else [])

    async def test_a_follower_meets_each_end_once_and_in_order(
        self, place: EndingsPlace, store: Ended
    ) -> None:
        """No position is filled later, whoever writes at the same time."""
        others = [store, *[await place.open() for _ in range(2 * self.traits.shared)]]

        async def end_some(turn: int) -> list[Task]:
            return await done(others[turn % len(others)].tasks, 6)

        async def follow() -> list[Ending]:
            met: list[Ending] = []
            while not writers.done() or len(met) < 48:
                met += await store.endings.read(met[-1].position if met else 0, 13)
                await asyncio.sleep(0)
            return met

        writers = asyncio.gather(*(end_some(turn) for turn in range(8)))
        async with asyncio.timeout(30):
            met, made = await asyncio.gather(follow(), writers)
        assert len(met) == 48
        assert {e.task_id for e in met} == {task.id for own in made for task in own}
        positions = [e.position for e in met]
        assert positions == sorted(set(positions))

    # Trimming

    async def test_trim_forgets_the_oldest(self, place: EndingsPlace, store: Ended) -> None:
        for _ in range(6):
            await done(store.tasks)
            await place.move(SECOND)
        told = await store.endings.read(0, 10)
        assert await store.endings.trim(AT) == 0
        assert await store.endings.trim(AT + 3 * SECOND) == 3
        assert await store.endings.trim(AT + 3 * SECOND) == 0
        assert await gone(store.endings, 0)
        assert await gone(store.endings, told[1].position)
        assert list(await store.endings.read(told[2].position, 10)) == told[3:]
        assert set(await store.tasks.get([e.task_id for e in told])) == {e.task_id for e in told}

    async def test_trim_keeps_the_newest(self, place: EndingsPlace, store: Ended) -> None:
        await done(store.tasks, 3)
        newest = await store.endings.position()
        assert await store.endings.trim(_LATE) == 2
        assert await store.endings.trim(_LATE) == 0
        assert await store.endings.position() == newest
        assert list(await store.endings.read(newest, 10)) == []
        await done(store.tasks)
        assert await store.endings.position() > newest

    async def test_a_task_that_is_forgotten_leaves_its_end(
        self, place: EndingsPlace, store: Ended
    ) -> None:
        """So that whoever comes back later is told."""
        await done(store.tasks)
        told = await store.endings.read(0, 10)
        await place.move(SECOND)
        assert await store.upkeep.purge(SECOND / 2) == 1
        assert list(await store.endings.read(0, 10)) == told
