"""All in the memory of this process."""

from dependency_injector import containers, providers

from profilecore.adapters.memory import (
    MemoryBookmark,
    MemoryLog,
    MemoryProfiles,
    MemoryStore,
    MemoryTasks,
)
from profilecore.entrypoints.stores.common import EVENTS, only_era


async def nothing_to_ask() -> None:
    """Memory of this process always answers."""


class Memory(containers.DeclarativeContainer):
    """Ends with the process."""

    store = providers.Singleton(MemoryStore)
    ping = providers.Object(nothing_to_ask)
    era = providers.Object(only_era)
    profiles = providers.Singleton(MemoryProfiles, store)
    log = providers.Singleton(MemoryLog, store)
    tasks = providers.Singleton(MemoryTasks)
    bookmark = providers.Singleton(MemoryBookmark, store, EVENTS)
