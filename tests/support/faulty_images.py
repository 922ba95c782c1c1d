"""`profilecore` with named points on the way of an image, at which it can be made to die."""

import sys
from typing import Any, Final

from profilecore.adapters.cdn.purging import Purging
from profilecore.adapters.obstore import ObstoreBlobs
from profilecore.adapters.postgres import PostgresHolds, PostgresProfiles, PostgresTasks
from profilecore.adapters.sqlite import SqliteHolds, SqliteProfiles, SqliteTasks
from profilecore.entrypoints.cli import main
from profilecore.images import PURGE
from tests.support.faultpoints import reached

# -P, or the folder of this file would be searched for modules.
FAULTY: Final = (sys.executable, "-P", __file__)


def after(kind: type[Any], verb: str, point: str) -> None:
    """Have the point be reached once the verb has returned."""
    inner = getattr(kind, verb)

    async def outer(*arguments: Any, **options: Any) -> Any:
        found = await inner(*arguments, **options)
        reached(point)
        return found

    setattr(kind, verb, outer)


def before(kind: type[Any], verb: str, point: str) -> None:
    """Have it be reached when the verb is called."""
    inner = getattr(kind, verb)

    async def outer(*arguments: Any, **options: Any) -> Any:
        reached(point)
        return await inner(*arguments, **options)

    setattr(kind, verb, outer)


def ordered(kind: type[Any]) -> None:
    """Have a point be reached once a purge is ordered: tasks are added by many."""
    inner = kind.add

    async def outer(self: Any, orders: Any) -> Any:
        found = await inner(self, orders)
        if any(order.type == PURGE for order in orders):
            reached("purge ordered")
        return found

    kind.add = outer


if __name__ == "__main__":
    for holds in (SqliteHolds, PostgresHolds):
        after(holds, "hold", "held")
        after(holds, "condemn", "condemned")
        after(holds, "forget", "forgotten")
    for profiles in (SqliteProfiles, PostgresProfiles):
        before(profiles, "write", "all are put")
        after(profiles, "write", "committed")
    for tasks in (SqliteTasks, PostgresTasks):
        ordered(tasks)
    after(ObstoreBlobs, "put", "one is put")
    after(ObstoreBlobs, "delete", "deleted")
    after(Purging, "run", "purged")
    sys.exit(main())
