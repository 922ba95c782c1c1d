"""The process that begins those that serve, and keeps as many of them."""

import asyncio
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from loguru import logger

from profilecore.entrypoints.many.member import Member

PAUSE: Final = 1.0  # seconds until one that ended is begun anew
OVERTIME: Final = 5.0  # seconds that one may take to stop, beyond what it was given


def run_many(
    number: int,
    listeners: Sequence[socket.socket],
    env: Mapping[str, str],
    *,
    stop_max: float,
    started: Callable[[], None],
) -> int:
    """Have `number` processes of this command serve, until SIGTERM or SIGINT; give the exit code.

    `started` is called once all of them answer. One that ends by itself later is begun anew; where
    one cannot begin at first, all end with its code. One that has not stopped within `stop_max`
    seconds is killed.
    """
    with tempfile.TemporaryDirectory(prefix="profilecore-") as folder:
        parent = _Parent(number, listeners, env, folder, stop_max)
        return asyncio.run(parent.run(started))


class _Parent:
    """Begins members, and passes signals on to them."""

    def __init__(
        self,
        number: int,
        listeners: Sequence[socket.socket],
        env: Mapping[str, str],
        folder: str,
        stop_max: float,
    ) -> None:
        self._number = number
        self._listeners = tuple(listener.fileno() for listener in listeners)
        self._env = env
        self._folder = folder
        self._stop_max = stop_max
        self._members: dict[int, Process] = {}
        self._stopping = asyncio.Event()
        self._code = 0

    async def run(self, started: Callable[[], None]) -> int:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop)
        ready = [loop.create_future() for _ in range(self._number)]
        telling = asyncio.gather(*ready)
        telling.add_done_callback(lambda all_: None if all_.cancelled() else started())
        await asyncio.gather(*(self._keep(at + 1, ready[at]) for at in range(self._number)))
        telling.cancel()
        return self._code

    def _stop(self) -> None:
        """Ask all to stop; asked once more, they hurry."""
        self._stopping.set()
        for process in self._members.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)

    async def _keep(self, number: int, ready: asyncio.Future[None]) -> None:
        while not self._stopping.is_set():
            code = await self._one(number, ready)
            if not self._stopping.is_set():
                if not ready.done():  # it said why
                    self._code = code
                    self._stop()
                    return
                logger.warning("process {} of {} ended: {}", number, self._number, code)
                with suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE):
                        await self._stopping.wait()
            elif code:
                self._code = self._code or 1

    async def _one(self, number: int, ready: asyncio.Future[None]) -> int:
        """One member, from its begin to its end; give how it ended."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            member = Member(
                number=number,
                of=self._number,
                listeners=self._listeners,
                line=theirs.fileno(),
                folder=self._folder,
            )
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *sys.orig_argv[1:]),
                env={**self._env, **member.environment()},
                pass_fds=(*self._listeners, member.line),
                start_new_session=True,  # Ctrl-C comes by this process, once
            )
            theirs.close()
            self._members[number] = process
            if self._stopping.is_set():
                process.terminate()
            hearing = asyncio.create_task(_heard(ours, ready))
            bounding = asyncio.create_task(self._bounded(process))
            try:
                return await process.wait()
            finally:
                hearing.cancel()
                bounding.cancel()

    async def _bounded(self, process: Process) -> None:
        await self._stopping.wait()
        await asyncio.sleep(self._stop_max + OVERTIME)
        with suppress(ProcessLookupError):
            process.kill()


async def _heard(line: socket.socket, ready: asyncio.Future[None]) -> None:
    """Note that a member is ready, when it says so."""
    if await asyncio.get_running_loop().sock_recv(line, 1) and not ready.done():
        ready.set_result(None)
