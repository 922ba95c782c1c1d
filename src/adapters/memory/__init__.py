"""Everything in this process's memory: for tests, demonstrations, and as the cache of one process.

Nothing here is durable. The store and the queue belong to one event loop.
"""

from profilecore.adapters.memory.blobs import MemoryBlobs
from profilecore.adapters.memory.bookmark import MemoryBookmark
from profilecore.adapters.memory.cache import MemoryCache
from profilecore.adapters.memory.endings import MemoryEndings
from profilecore.adapters.memory.holds import MemoryHolds
from profilecore.adapters.memory.limiter import MemoryLimiter
from profilecore.adapters.memory.queue import MemoryQueue
from profilecore.adapters.memory.receipts import MemoryReceipts
from profilecore.adapters.memory.store import MemoryLog, MemoryProfiles, MemoryStore
from profilecore.adapters.memory.tasks import MemoryTasks
from profilecore.adapters.memory.tokens import MemoryTokens

__all__ = [
    "MemoryBlobs",
    "MemoryBookmark",
    "MemoryCache",
    "MemoryEndings",
    "MemoryHolds",
    "MemoryLimiter",
    "MemoryLog",
    "MemoryProfiles",
    "MemoryQueue",
    "MemoryReceipts",
    "MemoryStore",
    "MemoryTasks",
    "MemoryTokens",
]
