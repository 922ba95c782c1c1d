"""Where functions run that may take their process down with them."""

from collections.abc import Callable
from typing import Any, Protocol

from profilecore.errors import Unavailable


class ProcessDied(Unavailable):
    """A process ended before the function in it did.

    `signal` is the number of the one that ended it; None where it ended in another way.
    """

    code = "process_died"

    def __init__(self, detail: str, *, signal: int | None = None) -> None:
        super().__init__(detail)
        self.signal = signal


class Processes(Protocol):
    """Functions in processes of their own."""

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Give what the function gave, or raise what it raised.

        ProcessDied where its process ended before. Where the caller is cancelled its process is
        killed.
        """
        ...
