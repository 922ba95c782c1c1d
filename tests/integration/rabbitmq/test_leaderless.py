"""A quorum queue without a leader takes messages and says nothing more about them."""

import asyncio
import time

import pytest

from profilecore.adapters.rabbitmq import queue as adapter
from profilecore.errors import Unavailable
from tests.integration.rabbitmq.ways import opened, put, taken, works
from tests.support.rabbitmq import RabbitProcess


def leaderless(server: RabbitProcess, queue: str, *, yes: bool) -> None:
    """Take the only member of a queue away, as where a start has left it out; or give it back."""
    verb = "stop_server" if yes else "restart_server"
    server.control("eval", f"ra:{verb}(quorum_queues, {{'%2F_{queue}', node()}}).")


async def test_a_queue_that_does_not_confirm_is_given_nothing_for_a_while(
    server: RabbitProcess, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "CONFIRM_MAX", 1.0)
    async with opened(server.address, prefix=prefix) as queue:
        await put(queue)
        await queue.ack(await taken(queue))
        await asyncio.to_thread(leaderless, server, f"{prefix}.default", yes=True)
        try:
            with pytest.raises(Unavailable, match="in time"):
                await put(queue)
            await works(queue.ping)  # it is connected, and that is not all
            began = time.monotonic()
            with pytest.raises(Unavailable, match="does not confirm"):
                await put(queue)
            assert time.monotonic() - began < 0.5, "nobody waits once more"
            await works(lambda: put(queue, priority=1))  # the other lane has its leader
        finally:
            await asyncio.to_thread(leaderless, server, f"{prefix}.default", yes=False)
        monkeypatch.setattr(adapter, "SILENT_FOR", 0.0)
        queue._silent_until.clear()
        await works(lambda: put(queue))
