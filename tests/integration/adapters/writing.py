"""A process that writes to a database until it is killed.

    python -m tests.integration.adapters.writing PATH NAME

It prints a line for each write that was answered: the ids and versions.
"""

import asyncio
import random
import sys
from itertools import count

from profilecore.adapters.sqlite import SqliteDatabase, SqliteProfiles
from profilecore.event import Change
from profilecore.profile import Profile
from profilecore.testing.samples import (
    created,
    deleted,
    person,
    updated,
)


async def main(path: str, name: str) -> None:
    database = SqliteDatabase(path)
    await database.open()
    profiles = SqliteProfiles(database)
    chance = random.Random(name)
    numbers = count()

    def fresh(size: int) -> list[Profile]:
        """Profiles that say which write they came with, and with how many others."""
        tag, rest = f"{name}-{next(numbers)}", "x" * chance.randrange(3_000)
        return [
            person(email=f"{tag}-{n}@example.com", bio=f"{tag}/{size} {rest}") for n in range(size)
        ]

    async def write(*changes: Change) -> None:
        await profiles.write(changes, atomic=True)
        # One write call, so that a line is whole or not there at all.
        line = " ".join(f"{c.profile.id}:{c.profile.version}" for c in changes)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    async def work() -> None:
        while True:
            some = fresh(chance.choice([1, 1, 1, 2, 50]))
            await write(*map(created, some))
            await write(*(updated(p, name="Second") for p in some))
            await write(deleted(updated(some[0], name="Second").profile))

    await asyncio.gather(*(work() for _ in range(4)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
