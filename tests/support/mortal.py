"""`profilecore` that dies by kill -9 right after the commit of a change that asks for it.

Nothing of what follows a commit happens then: no cache write, no answer.
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from profilecore.adapters.sqlite import SqliteProfiles
from profilecore.entrypoints.cli import main
from profilecore.errors import ProfilecoreError
from profilecore.event import Change, Event
from profilecore.receipt import Receipt

# -P, or the folder of this file would be searched for modules, and it has a redis.py.
MORTAL: Final = (sys.executable, "-P", __file__)
LAST_WORDS: Final = "the last words of a process"

_write = SqliteProfiles.write


async def _write_and_die(
    self: SqliteProfiles, changes: Sequence[Change], *, atomic: bool, receipt: Receipt | None = None
) -> Sequence[Event | ProfilecoreError]:
    outcomes = await _write(self, changes, atomic=atomic, receipt=receipt)
    if any(change.profile.bio == LAST_WORDS for change in changes):
        os.kill(os.getpid(), signal.SIGKILL)
    return outcomes


if __name__ == "__main__":
    SqliteProfiles.write = _write_and_die  # type: ignore[method-assign]
    sys.exit(main())
