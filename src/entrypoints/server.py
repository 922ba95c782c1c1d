"""One process that serves: opened, announced, drained and closed in bounded time."""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from functools import partial
from math import ceil

import uvicorn
from loguru import logger

from profilecore.entrypoints.http import create_app
from profilecore.entrypoints.http.edge import Edge
from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.entrypoints.listening import admit_nobody_else, listen, url_of
from profilecore.entrypoints.many import Exposition, Member, run_many
from profilecore.entrypoints.opening import opened
from profilecore.entrypoints.protocol import Protocol
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.variables import BadSetting

Started = Callable[[str], None]

_TOLD_AFTER = 1.0
_CONNECTED_MAX = 0.25  # seconds that a connection takes that has been begun: some way round
_YOUNG_MAX = 100_000  # objects: more than all requests that may be under way have in use


def run(settings: Settings, started: Started, env: Mapping[str, str]) -> int:
    """Serve until SIGTERM or SIGINT; give the exit code.

    `started` is called with the base URL once requests are answered. Raises Unavailable where
    the port is taken or the store cannot be opened. `env` is what more processes are given, where
    SERVER_WORKERS asks for several, and where this one finds that it is one of them.
    """
    member = Member.of_environment(env)
    several = settings.server_workers > 1 and settings.command == "serve"
    if several and settings.database == "memory":
        raise BadSetting("SERVER_WORKERS", "is 1 with DATABASE=memory, which is one process'.")
    with ExitStack() as stack:
        listeners = member.sockets() if member else list(listen(settings))
        for listener in listeners:
            stack.enter_context(listener)
        url = url_of(listeners[0], settings.server_host)
        if several and member is None:
            stop_max = settings.shutdown_delay + settings.shutdown_timeout
            return run_many(
                settings.server_workers,
                listeners,
                env,
                stop_max=stop_max.total_seconds(),
                started=partial(started, url),
            )
        with asyncio.Runner(loop_factory=_event_loop) as runner:
            runner.run(_serve(settings, listeners, member, partial(started, url)))
    return 0


async def _serve(
    settings: Settings,
    listeners: list[socket.socket],
    member: Member | None,
    started: Callable[[], None],
) -> None:
    async with AsyncExitStack() as stack:
        loop = asyncio.get_running_loop()
        told = loop.call_later(_TOLD_AFTER, logger.warning, "waiting for the database")
        parts = await stack.enter_async_context(opened(settings))
        told.cancel()
        exposition = Exposition(parts.registry, member)
        app = create_app(parts, api=settings.command != "worker", exposition=exposition)
        server = _Server(settings, app, parts.lifecycle, is_alone=member is None)

        def announce() -> None:
            if member is None:
                started()
            else:
                logger.info("process {} of {} is ready", member.number, member.of)
                member.follow(server.stop)

        server.announce = announce
        # Until all is closed, not just served: tasks may go on after the last request.
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, server.stop)
        await stack.enter_async_context(exposition.shared())
        await server.serve(sockets=listeners)


class _Server(uvicorn.Server):
    """uvicorn, with our order of stopping: say so, wait, stop listening, drain, close."""

    announce: Callable[[], None]

    def __init__(
        self, settings: Settings, app: Edge, lifecycle: Lifecycle, *, is_alone: bool
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=partial(  # type: ignore[arg-type]
                    Protocol,
                    app,
                    head_timeout=settings.head_timeout.total_seconds(),
                    stall_timeout=settings.body_timeout.total_seconds(),
                ),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                # What has not ended by then is cut off, a body that never arrives included.
                timeout_graceful_shutdown=ceil(settings.shutdown_timeout.total_seconds()),
            )
        )
        self._delay = settings.shutdown_delay.total_seconds()
        self._lifecycle = lifecycle
        self._is_alone = is_alone  # others would not hear of new connections either

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What was made so far stays, and need not be looked through for garbage again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_MAX, *gc.get_threshold()[1:])
        self._lifecycle.started = True
        self.announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._is_alone and not self.force_exit:
            for listener in sockets or ():
                admit_nobody_else(listener)
            await asyncio.sleep(_CONNECTED_MAX)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # whoever runs this does so, for longer

    def stop(self) -> None:
        """Stop in order; in haste, where it is asked a second time."""
        if self._lifecycle.draining:
            self.should_exit = self.force_exit = True
            self._lifecycle.hurry()
            return
        logger.info("stopping")
        self._lifecycle.drain()
        asyncio.get_running_loop().call_later(self._delay, setattr, self, "should_exit", True)


def _event_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()
