"""What a container opens, and closes again."""

import inspect
from collections.abc import AsyncIterator, Awaitable
from typing import Protocol, TypeVar

T = TypeVar("T")


class _Opens(Protocol):
    async def open(self) -> None: ...
    async def close(self) -> None: ...


Opened = TypeVar("Opened", bound=_Opens)


async def opening(resource: Opened) -> AsyncIterator[Opened]:
    """Open what a container is asked for; close it with the container."""
    await resource.open()
    try:
        yield resource
    finally:
        await resource.close()


class _Closes(Protocol):
    async def close(self) -> None: ...


Closed = TypeVar("Closed", bound=_Closes)


async def closing(resource: Closed) -> AsyncIterator[Closed]:
    """Close with the container what opens by itself when it is needed."""
    try:
        yield resource
    finally:
        await resource.close()


async def resolved(made: T | Awaitable[T]) -> T:
    """What stands on an async resource comes as a future, anything else as itself."""
    return await made if inspect.isawaitable(made) else made
