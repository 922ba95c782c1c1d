"""All in the memory of this process."""

from dependency_injector import containers, providers

from profilecore.adapters.memory import (
    MemoryBookmark,
    MemoryEndings,
    MemoryHolds,
    MemoryLog,
    MemoryProfiles,
    MemoryReceipts,
    MemoryStore,
    MemoryTasks,
    MemoryTokens,
)
from profilecore.entrypoints.stores.common import EVENTS, only_era


async def nothing_to_ask() -> None:
    """Memory of this process always answers."""


class Memory(containers.DeclarativeContainer):
    """Ends with the process."""

    receipts = providers.Singleton(MemoryReceipts)
    store = providers.Singleton(MemoryStore, receipts)
    ping = providers.Object(nothing_to_ask)
    era = providers.Object(only_era)
    tasks = providers.Singleton(MemoryTasks, receipts=receipts)
    profiles = providers.Singleton(MemoryProfiles, store, tasks)
    log = providers.Singleton(MemoryLog, store)
    endings = providers.Singleton(MemoryEndings, tasks)
    holds = providers.Singleton(MemoryHolds, store)
    bookmark = providers.Singleton(MemoryBookmark, store, EVENTS)
    tokens = providers.Singleton(MemoryTokens)
