"""A process that writes until it is killed or told to stop; settings come from the environment.

    python -m tests.integration.postgres.writing NAME WRITES

It prints the position of each write that was answered.
"""

import asyncio
import os
import random
import sys

from profilecore.adapters.postgres import PostgresAddress, PostgresDatabase, PostgresProfiles
from profilecore.testing.samples import (
    created,
    deleted,
    person,
    updated,
)


async def main(name: str, writes: int) -> None:
    env = os.environ
    address = PostgresAddress(
        host=env["DB_HOST"],
        port=int(env["DB_PORT"]),
        user=env["DB_USER"],
        password=env["DB_PASSWORD"],
        name=env["DB_NAME"],
    )
    database = PostgresDatabase(address, pool_max=4, statement_timeout=10)
    await database.open()
    profiles = PostgresProfiles(database)
    chance = random.Random(name)

    async def work(worker: int) -> None:
        for turn in range(writes):
            email = f"{name}-{worker}-{turn}@example.com"
            some = [person(email=f"{n}-{email}") for n in range(chance.choice([1, 1, 2, 9]))]
            changes = [created(p) for p in some]
            if chance.random() < 0.3:
                changes += [deleted(updated(some[0]).profile)]  # refused: it is at version 1
            for outcome in await profiles.write(changes, atomic=False):
                if (position := getattr(outcome, "position", None)) is not None:
                    print(position, flush=True)
            await asyncio.sleep(chance.random() / 200)

    await asyncio.gather(*(work(worker) for worker in range(6)))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
