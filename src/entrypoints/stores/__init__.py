"""The stores that DATABASE chooses from.

Each is a container with the same providers: `ping`, `era`, `profiles`, `log`, `tasks`, `endings`,
`receipts`, `holds`, `bookmark` and `tokens`. What is not chosen is not imported: a client costs
more than SQLite does to open.
"""

from dependency_injector import containers

from profilecore.entrypoints.settings import Settings


def store_of(settings: Settings) -> containers.Container:
    """The store that was chosen; nothing of it is open yet."""
    match settings.database:
        case "memory":
            from profilecore.entrypoints.stores.memory import Memory

            return Memory()
        case "sqlite":
            from profilecore.entrypoints.stores.sqlite import Sqlite

            return Sqlite(settings=settings)
        case _:
            from profilecore.entrypoints.stores.postgres import Postgres

            return Postgres(settings=settings)
