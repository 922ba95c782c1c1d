"""All in the memory of this process."""

from dependency_injector import containers, providers

from profilecore.adapters.memory import (
    MemoryBookmark,
    MemoryHolds,
    MemoryLog,
    MemoryProfiles,
    MemoryStore,
    MemoryTasks,
    MemoryTokens,
)
from profilecore.entrypoints.stores.common import EVENTS, only_era


async def nothing_to_ask() -> None:
    """Memory of this process always answers."""


class Memory(containers.DeclarativeContainer):
    """Ends with the process."""

    store = providers.Singleton(MemoryStore)
    ping = providers.Object(nothing_to_ask)
    era = providers.Object(only_era)
    tasks = providers.Singleton(MemoryTasks)
    profiles = providers.Singleton(MemoryProfiles, store, tasks)
    log = providers.Singleton(MemoryLog, store)
    holds = providers.Singleton(MemoryHolds, store)
    bookmark = providers.Singleton(MemoryBookmark, store, EVENTS)
    tokens = providers.Singleton(MemoryTokens)
