"""Places of contract suites that are databases of a real PostgreSQL."""

import asyncio
from abc import abstractmethod
from datetime import timedelta
from typing import TypeVar

from profilecore.adapters.postgres import PostgresAddress, PostgresDatabase
from profilecore.paging import microseconds
from profilecore.testing.places import ClockedPlace, Place
from profilecore.testing.samples import NEW_ERA
from tests.support.postgres import emptied, execute

T = TypeVar("T")

_SAYS = """
    CREATE OR REPLACE FUNCTION {}() RETURNS bigint LANGUAGE sql AS $$ SELECT {}::bigint $$
"""


class DatabasePlace(Place[T]):
    """What was opened on the database at `address` is closed with it."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._opened: list[PostgresDatabase] = []
        emptied(address)

    @abstractmethod
    def on(self, database: PostgresDatabase) -> T:
        """The adapters of this place."""

    async def open(self) -> T:
        opened = PostgresDatabase(self._address)
        await opened.open()
        self._opened.append(opened)
        return self.on(opened)

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()


class ClockedDatabasePlace(DatabasePlace[T], ClockedPlace[T]):
    """Its server's clock stands still: the function that reads it gives what the test wants."""

    def __init__(self, address: PostgresAddress) -> None:
        super().__init__(address)
        self._set_clock()

    async def move(self, by: timedelta) -> None:
        await super().move(by)
        await asyncio.to_thread(self._set_clock)

    def say(self, function: str, value: int) -> None:
        """Have a function of the database give this from now on. Blocks."""
        execute(self._address, _SAYS.format(function, value))

    def _set_clock(self) -> None:
        self.say("profilecore_now", microseconds(self.now))


class EraPlace(ClockedDatabasePlace[T]):
    """Its era, too, is the one that the test wants."""

    def __init__(self, address: PostgresAddress) -> None:
        super().__init__(address)
        self.say("profilecore_era", 0)

    async def fail_over(self) -> None:
        """The server goes on in the next era, as one that was promoted."""
        await asyncio.to_thread(self.say, "profilecore_era", NEW_ERA - 1)
