"""RabbitMQ takes no messages while its memory or disk is full: that is said at once."""

import asyncio
import time

from profilecore.errors import Unavailable
from tests.integration.rabbitmq.ways import fails, opened, put, taken, works
from tests.support.rabbitmq import RabbitProcess


async def test_a_put_fails_at_once_and_taking_goes_on(server: RabbitProcess, prefix: str) -> None:
    turns: list[str] = []

    async with opened(
        server.address, prefix=prefix, turned=lambda _, what: turns.append(what)
    ) as queue:
        waiting = [await put(queue) for _ in range(3)]
        lease = await taken(queue)
        worst = 0.0

        async def timed() -> None:
            nonlocal worst
            began = time.monotonic()
            try:
                waiting.append(await put(queue, headers={"padding": "x" * 4_000}))
            finally:
                worst = max(worst, time.monotonic() - began)

        await asyncio.to_thread(server.alarm, low_on_memory=True)
        try:
            # More than RabbitMQ reads before it stops to: many of them are on their way then.
            first = await asyncio.gather(*(timed() for _ in range(400)), return_exceptions=True)
            (detail,) = {each.detail for each in first if isinstance(each, Unavailable)}
            assert "takes no messages" in detail
            assert (await fails(timed)).code == "blocked"
            outcomes = await asyncio.gather(*(timed() for _ in range(50)), return_exceptions=True)
            assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
            assert worst < 1.0
            assert isinstance(await fails(queue.ping), Unavailable)
            # A worker gets on with what is there.
            await queue.ack(lease)
            assert (await taken(queue)).task_id in waiting
        finally:
            await asyncio.to_thread(server.alarm, low_on_memory=False)
        await works(timed)
        await queue.ping()
        assert [what.partition(":")[0] for what in turns if "messages" in what] == [
            "takes no messages",
            "takes messages again",
        ]
