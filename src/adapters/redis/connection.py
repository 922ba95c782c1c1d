"""The way to a Redis: a few connections, short waits, and every failure in the core's words."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast

from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.maint_notifications import MaintNotificationsConfig

from profilecore.adapters.redis.errors import BUSY, TIMEOUT, translated
from profilecore.adapters.redis.pulse import BEAT, LATE, Pulse
from profilecore.errors import Unavailable

CONNECT_MAX: Final = 0.2
CALL_MAX: Final = 0.25
WAIT_MAX: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """Where a Redis is and how it is spoken to; without `ca_file`, TLS asks the system's own."""

    host: str = "localhost"
    port: int = 6379
    db: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_file: str | None = None

    def client(self, connections: int) -> "Redis":
        """A client with so many connections; none is made before it is needed."""
        options: dict[str, Any] = {"connection_class": Connection}
        if self.tls:
            options = {"connection_class": SSLConnection, "ssl_ca_certs": self.ca_file}
        pool = BlockingConnectionPool(
            max_connections=connections,
            timeout=WAIT_MAX,
            host=self.host,
            port=self.port,
            db=self.db,
            username=self.username,
            password=self.password,
            protocol=2,
            socket_connect_timeout=CONNECT_MAX,
            socket_timeout=CALL_MAX,
            # Once more where a connection was found dead; a server that is silent stays silent.
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
            driver_info=None,
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
            **options,
        )
        return Redis.from_pool(pool)


class Gate:
    """Lets as many calls in as there are connections, and bounds each.

    The pool says of a busy pool what it says of a lost server, so nobody waits for the pool, but
    here. A call that finds no place within `WAIT_MAX` seconds fails with the code `busy`. One that
    is not answered in time has the code `busy` too where this process was held up and could not
    have heard it, and `timeout` only if nobody else was answered meanwhile. `failed` is called for
    each that fails.
    """

    def __init__(
        self,
        width: int,
        failed: Callable[[], object] = lambda: None,
        *,
        patience: float | None = None,
    ) -> None:
        patience = CONNECT_MAX + CALL_MAX if patience is None else patience
        self._places = asyncio.Semaphore(width)
        self._failed = failed
        self._patience = patience
        self._answers = 0
        # With little patience, a little lateness matters.
        self._pulse = Pulse(min(BEAT, patience / 4), min(LATE, patience / 4))

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        """Hold a place for one call; Unavailable for whatever goes wrong in it."""
        await self._enter()
        task = cast("asyncio.Task[object]", asyncio.current_task())
        cancelled, answers, begun = task.cancelling(), self._answers, self._pulse.begin()
        try:
            with translated():
                async with asyncio.timeout(self._patience):
                    yield
            self._answers += 1
        except Unavailable as error:
            if error.code == TIMEOUT and self._pulse.was_late_since(begun):
                error.code = BUSY
            elif error.code == TIMEOUT and self._answers != answers:
                error.code = Unavailable.code
            self._failed()
            raise
        finally:
            self._pulse.end()
            self._places.release()
            # The client uses wait_for, which in Python 3.11 loses a cancellation that comes when
            # the call has just ended, well or badly.
            if task.cancelling() > cancelled:
                raise asyncio.CancelledError

    async def _enter(self) -> None:
        try:
            async with asyncio.timeout(WAIT_MAX):
                await self._places.acquire()
        except TimeoutError as error:
            self._failed()
            raise Unavailable("All connections to Redis are in use.", code=BUSY) from error
