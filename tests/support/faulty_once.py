"""`profilecore` with a named point between an effect that has a receipt and its answer."""

import sys
from typing import Any, Final

from profilecore.adapters.postgres import PostgresProfiles, PostgresTasks
from profilecore.adapters.sqlite import SqliteProfiles, SqliteTasks
from profilecore.entrypoints.cli import main
from profilecore.task import Task
from tests.support.faultpoints import reached

# -P, or the folder of this file would be searched for modules.
FAULTY: Final = (sys.executable, "-P", __file__)
POINT: Final = "committed"


def after_write(kind: type[Any]) -> None:
    inner = kind.write

    async def outer(self: Any, changes: Any, **options: Any) -> Any:
        found = await inner(self, changes, **options)
        if changes and options.get("receipt") is not None:
            reached(POINT)
        return found

    kind.write = outer


def after_add(kind: type[Any]) -> None:
    inner = kind.add

    async def outer(self: Any, orders: Any) -> Any:
        found = await inner(self, orders)
        pairs = zip(orders, found, strict=True)
        if any(order.receipt and isinstance(outcome, Task) for order, outcome in pairs):
            reached(POINT)
        return found

    kind.add = outer


if __name__ == "__main__":
    for profiles in (SqliteProfiles, PostgresProfiles):
        after_write(profiles)
    for tasks in (SqliteTasks, PostgresTasks):
        after_add(tasks)
    sys.exit(main())
