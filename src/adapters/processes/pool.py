"""The processes that there are, each lent to one call at a time."""

import asyncio
import atexit
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from profilecore.adapters.processes.served import opened, request_of
from profilecore.adapters.processes.worker import Worker
from profilecore.errors import Unavailable

CLOSED: Final = "The processes are closed."


class SpawnedProcesses:
    """Up to `most` processes at once, each kept for the next function.

    None is there before it is needed. One that dies is an Unavailable for the call that it had,
    and another takes its place. A caller that is cancelled goes on when its process has ended,
    which is at once. All of them end with this process, however it ends.
    """

    def __init__(self, most: int) -> None:
        self._room = asyncio.Semaphore(most)
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="processes")
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._closed = False
        # multiprocessing would end them by SIGTERM, which they ignore, and wait.
        atexit.register(self._kill_all)

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """As the port has it. Invalid for what cannot be handed over, in either direction."""
        request = request_of(function, arguments)
        async with self._room:
            if self._closed:
                raise Unavailable(CLOSED)
            worker = self._idle.pop() if self._idle else Worker()
            self._busy.add(worker)
            try:
                answer = await self._answered(worker, request)
            finally:
                self._busy.discard(worker)
                if worker.usable:
                    self._idle.append(worker)
        return opened(answer)

    async def close(self) -> None:
        """Kill all there are; whoever waits for one gets Unavailable."""
        self._closed = True
        self._kill_all()
        atexit.unregister(self._kill_all)
        await asyncio.to_thread(self._threads.shutdown)

    async def _answered(self, worker: Worker, request: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._threads, worker.call, request)
        cancelled: asyncio.CancelledError | None = None
        while not call.done():
            try:
                await asyncio.wait({call})
            except asyncio.CancelledError as error:
                cancelled = error
                worker.kill()
        failure = call.exception()
        if cancelled is not None:
            raise cancelled
        if failure is not None:
            raise Unavailable(CLOSED) if self._closed else failure
        return call.result()

    def _kill_all(self) -> None:
        for worker in (*self._idle, *self._busy):
            worker.kill()
        for worker in self._idle:
            worker.join()
        self._idle.clear()
