"""The way to a RabbitMQ: one connection, made again by itself whenever it is lost."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from profilecore.adapters.rabbitmq.address import RabbitAddress
from profilecore.adapters.rabbitmq.channel import Channel
from profilecore.adapters.rabbitmq.errors import LOST, translated
from profilecore.adapters.rabbitmq.link import Link
from profilecore.errors import ProfilecoreError, Unavailable

OPEN_MAX: Final = 2.0
PREPARE_MAX: Final = 10.0
BACKOFF_FIRST: Final = 0.1
BACKOFF_MAX: Final = 5.0

Prepare = Callable[[Link], Awaitable[Channel]]
Turned = Callable[[str, str], object]


class RabbitConnection:
    """Used from one event loop.

    `prepare` makes, on each new connection, the channel that is worked with; once this is lost
    the whole connection is made anew, and `lost` is called. The hosts are tried in their order,
    and after a round of failures there is a pause: exponential, with full jitter, of at most
    `BACKOFF_MAX` seconds. `turned` is told what changes: the host, and what about it.
    """

    def __init__(
        self,
        address: RabbitAddress,
        prepare: Prepare,
        *,
        lost: Callable[[], object] = lambda: None,
        turned: Turned = lambda where, what: None,
        prepare_max: float = PREPARE_MAX,
    ) -> None:
        self.where = ", ".join(f"{host}:{port}" for host, port in address.hosts)
        self._address = address
        self._prepare_max = prepare_max
        self._prepare = prepare
        self._on_lost = lost
        self._turned = turned
        self._reason = LOST
        self._reasons: dict[str, str] = {}
        self._link: Link | None = None
        self._channel: Channel | None = None
        self._keeping: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Connect from now on, as soon and as often as that is needed."""
        self._tried = asyncio.Event()
        self._keeping = asyncio.create_task(self._keep())

    async def open(self) -> None:
        """Begin; return after the first round, or `OPEN_MAX` seconds, whatever came of it."""
        self.begin()
        with suppress(TimeoutError):
            async with asyncio.timeout(OPEN_MAX):
                await self._tried.wait()

    async def close(self) -> None:
        """Leave in good order, within a bound."""
        if self._keeping is None:
            return
        link = self._link
        self._keeping.cancel()
        await asyncio.wait({self._keeping})
        if link is not None:
            await link.close()

    async def ping(self) -> None:
        """Raise Unavailable while there is no connection, or one that takes nothing."""
        self.current()

    def current(self) -> tuple[Link, Channel]:
        """What to work with now; Unavailable where there is nothing, or nothing is taken."""
        if self._link is None or self._channel is None:
            raise Unavailable(self._reason)
        self._link.raise_if_blocked()
        return self._link, self._channel

    async def _keep(self) -> None:
        failures = 0
        while True:
            connected = await self._round()
            self._tried.set()
            failures = 0 if connected else failures + 1
            ceiling = min(BACKOFF_MAX, BACKOFF_FIRST * (1 << min(failures, 10)))
            await asyncio.sleep(random.random() * ceiling)  # noqa: S311 - spreads load

    async def _round(self) -> bool:
        """Try each host until one is connected to, and stay there until that is lost."""
        for host, port in self._address.hosts:
            where = f"{host}:{port}"
            try:
                link, channel = await self._connect(host, port)
            except ProfilecoreError as error:
                self._reason = error.detail
                if self._reasons.get(where) != error.detail:
                    self._reasons[where] = error.detail
                    self._turned(where, f"cannot be used: {error.detail}")
                continue
            try:
                await self._stay(link, channel, where)
            finally:
                self._link = self._channel = None
                self._on_lost()
            await link.abort()
            return True
        return False

    async def _connect(self, host: str, port: int) -> tuple[Link, Channel]:
        with translated():
            parameters = self._address.parameters(host, port)
        link = await Link.open(parameters, lambda what: self._turned(f"{host}:{port}", what))
        try:
            with translated():
                async with asyncio.timeout(self._prepare_max):
                    return link, await self._prepare(link)
        except BaseException:
            await link.abort()
            raise

    async def _stay(self, link: Link, channel: Channel, where: str) -> None:
        self._link, self._channel = link, channel
        self._reasons.pop(where, None)
        self._tried.set()
        self._turned(where, "is connected")
        done, _ = await asyncio.wait({link.lost, channel.lost}, return_when=asyncio.FIRST_COMPLETED)
        # The channel says more than the connection, where it was the first to go.
        self._reason = (channel if channel.lost in done else link).lost.result().detail
        self._turned(where, f"is lost: {self._reason}")
