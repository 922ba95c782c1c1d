"""Profiles in a Redis that several processes share."""

import random
import re
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final, cast
from uuid import UUID

from profilecore.adapters.codec import Garbled, decode, encode
from profilecore.adapters.redis import scripts
from profilecore.adapters.redis.connection import Gate, RedisServer
from profilecore.event import Event
from profilecore.profile import Absence, Entry
from profilecore.relay import Horizon

PREFIX: Final = "profilecore:1"  # the number is that of the form of what is kept
TTL: Final = 24 * 3600.0
JITTER: Final = 0.1
FLOOR_KEPT: Final = 300.0
ABSENT_FOR: Final = 10.0
_FLOOR_MS: Final = round(FLOOR_KEPT * 1000)
_ABSENT: Final = b"-"  # no profile is written so
_STATE: Final = re.compile(rb"([0-9a-f]+):(\d+)")


class RedisCache:
    """Copies with their versions and, beside them, how far the log was applied to them.

    A copy lives for `ttl` seconds less up to a tenth, at random, so that those that came in
    together do not leave together. A floor is kept for `FLOOR_KEPT` seconds: a put may be stuck
    that long on its way, in the buffers of a network that is cut. A call ends within 0.7 s, and
    within 0.25 s where there is a connection; one that finds all connections in use fails with
    the code `busy`, and one that was not answered, as nobody was, with the code `timeout`.
    `failed` is called for each call that fails, since those above this may make a miss of it.
    """

    def __init__(
        self,
        server: RedisServer,
        horizon: Horizon,
        *,
        ttl: float = TTL,
        connections: int = 32,
        prefix: str = PREFIX,
        clock: Callable[[], float] = time.time,
        failed: Callable[[], object] = lambda: None,
    ) -> None:
        self._server = server
        self._horizon = horizon
        self._ttl = ttl
        self._connections = connections
        self._prefix = prefix
        self._state_key = f"{prefix}:state"
        self._clock = clock
        self._epoch = b""  # the last that was seen; a put is for no other
        self._failed = failed
        self.garbled = 0
        """How many copies could not be read."""

    async def open(self) -> None:
        """Make ready; a Redis that is not there shows at the first call."""
        self._gate = Gate(self._connections, self._failed)
        self._redis = self._server.client(self._connections)
        self._put = self._redis.register_script(scripts.PUT)
        self._drop = self._redis.register_script(scripts.DROP)
        self._apply = self._redis.register_script(scripts.APPLY)
        self._begin = self._redis.register_script(scripts.BEGIN)

    async def close(self) -> None:
        await self._redis.aclose()

    async def ping(self) -> None:
        """Raise Unavailable where Redis does not answer."""
        async with self._gate.calling():
            await self._redis.ping()

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        if not ids:
            return {}
        wanted = list(ids)
        async with self._gate.calling():
            answer = await self._redis.mget(self._state_key, *map(self._key, wanted))
        state, *kept = cast("list[bytes | None]", answer)
        epoch, position = _read_state(state)
        self._epoch = epoch
        if not self._horizon.passed(position):
            return {}
        found = zip(wanted, kept, strict=True)
        copies = {id_: self._copy(id_, epoch, entry) for id_, entry in found if entry is not None}
        return {id_: copy for id_, copy in copies.items() if copy is not None}

    async def put(self, entry: Entry) -> None:
        if isinstance(entry, Absence):
            ttl, copy = ABSENT_FOR, _ABSENT
        else:
            ttl = self._ttl * (1 - JITTER * random.random())  # noqa: S311 - no secret
            copy = encode(entry)
        deadline = round((self._clock() + ttl) * 1000)
        # Below version 0 there is nothing to keep out: who asks for unknown ids takes little room.
        kept = round((ttl + (FLOOR_KEPT if entry.version else 0)) * 1000)
        keys = [self._state_key, self._key(entry.id)]
        async with self._gate.calling():
            await self._put(keys, [entry.version, deadline, copy, kept, self._epoch])

    async def drop(self, profile_id: UUID, version: int) -> None:
        async with self._gate.calling():
            await self._drop([self._state_key, self._key(profile_id)], [version, _FLOOR_MS])

    async def clear(self) -> None:
        """As the port has it: without a position it gives and takes no copies."""
        async with self._gate.calling():
            await self._redis.delete(self._state_key)

    async def position(self) -> int | None:
        async with self._gate.calling():
            (state,) = await self._redis.mget(self._state_key)  # GET fails on another type
        self._epoch, position = _read_state(cast("bytes | None", state))
        return position

    async def apply(self, after: int, events: Sequence[Event]) -> int | None:
        last = events[-1].position if events else after
        # In order of position, so that the last version of each is its greatest.
        versions = {self._key(event.profile_id): event.version for event in events}
        arguments: list[str | int] = [_digits(after), _digits(last), _FLOOR_MS, *versions.values()]
        async with self._gate.calling():
            position = await self._apply([self._state_key, *versions], arguments)
        return None if position is None else int(position)

    async def begin(self, position: int, replaces: int | None) -> None:
        old = "" if replaces is None else _digits(replaces)
        arguments = [old, secrets.token_hex(8), _digits(position)]
        async with self._gate.calling():
            await self._begin([self._state_key], arguments)
        await self.position()  # and with it the epoch

    def _key(self, profile_id: UUID) -> str:
        return f"{self._prefix}:{profile_id.hex}"

    def _copy(self, profile_id: UUID, epoch: bytes, entry: bytes) -> Entry | None:
        of, _, rest = entry.partition(b":")
        version, _, rest = rest.partition(b":")
        deadline, _, copy = rest.partition(b":")
        if of != epoch or not copy:
            return None
        try:
            if float(deadline) <= self._clock() * 1000:
                return None
            if copy == _ABSENT:
                return Absence(profile_id, int(version))
            profile = decode(copy)
        except (ValueError, Garbled):
            self.garbled += 1
            return None
        if (profile.id, profile.version) != (profile_id, int(version)):
            self.garbled += 1
            return None
        return profile


def _digits(position: int) -> str:
    return f"{position:020d}"


def _read_state(state: bytes | None) -> tuple[bytes, int | None]:
    found = _STATE.fullmatch(state or b"")
    return (found[1], int(found[2])) if found else (b"", None)
