"""What the core needs from the outside. Written for those who implement it.

Every verb is a coroutine, never blocks the event loop, may be called by many tasks at once, and
returns within a bound that the adapter documents. Every verb may raise Unavailable, after which
a read had no effect and a write may or may not have had one. Opening, closing and pinging belong
to the adapter and to whoever made it, not to the port. profilecore.testing holds the suite that an
adapter of each port passes.
"""

from profilecore.ports.access import Authenticator, Tokens
from profilecore.ports.caching import Cache, Repairs, SharedCache
from profilecore.ports.holds import Holds
from profilecore.ports.images import Blobs, Imager, Stored
from profilecore.ports.limits import Limiter, SharedLimiter
from profilecore.ports.processes import ProcessDied, Processes
from profilecore.ports.profiles import Log, Profiles, Receipts
from profilecore.ports.publishing import Bookmark, Publisher
from profilecore.ports.tasks import Due, Endings, Lease, Queue, Tasks, TaskUpkeep

__all__ = [
    "Authenticator",
    "Blobs",
    "Bookmark",
    "Cache",
    "Due",
    "Endings",
    "Holds",
    "Imager",
    "Lease",
    "Limiter",
    "Log",
    "ProcessDied",
    "Processes",
    "Profiles",
    "Publisher",
    "Queue",
    "Receipts",
    "Repairs",
    "SharedCache",
    "SharedLimiter",
    "Stored",
    "TaskUpkeep",
    "Tasks",
    "Tokens",
]
