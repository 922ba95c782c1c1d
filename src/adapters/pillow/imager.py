"""Renderings, each made in a process that may be lost over it."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

from profilecore.adapters.pillow.rendered import rendered
from profilecore.errors import Invalid, Unavailable
from profilecore.image import Rendering
from profilecore.ports import ProcessDied, Processes

SECONDS_MAX: Final = 15.0
"""A rendering ends by the clock too. By its limit of CPU time it has ended long before, so that
this says that the machine is too busy, or its process stopped: nothing about the picture."""
_RETRY_AFTER: Final = 2
# What a picture brings upon the process that reads it: the limit of CPU time, and faults of the
# libraries, which a file provokes and no repetition heals.
_OF_THE_PICTURE: Final = frozenset(
    {signal.SIGXCPU, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL}
)


class PillowImager:
    """The Imager on Pillow.

    `processes` has room for `at_once` functions, and is asked for nothing else by anybody: its
    processes are confined for good. `waiting_max` uploads wait for their turn. `lost` is called
    for each process that was lost, with the reason: `limits`, `killed` (by somebody else),
    `time` or `cancelled`.
    """

    def __init__(
        self,
        processes: Processes,
        at_once: int,
        *,
        waiting_max: int = 32,
        seconds_max: float = SECONDS_MAX,
        lost: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._processes = processes
        self._room = asyncio.Semaphore(at_once)
        self._most = at_once + waiting_max
        self._seconds_max = seconds_max
        self._lost = lost
        self._here = 0

    async def render(self, upload: Path) -> Rendering:
        """As the port has it. Unavailable too where a process was lost, and not by the picture."""
        if self._here >= self._most:
            raise Unavailable(
                f"{self._most} pictures are being made or wait for it already.",
                code="busy",
                retry_after=_RETRY_AFTER,
            )
        self._here += 1
        try:
            async with self._room:
                return await self._rendered(upload)
        finally:
            self._here -= 1

    async def _rendered(self, upload: Path) -> Rendering:
        try:
            async with asyncio.timeout(self._seconds_max):
                rendering: Rendering = await self._processes.run(rendered, upload)
        except TimeoutError as error:
            self._lost("time")
            raise Unavailable(
                f"The picture was not made within {self._seconds_max:g} s.",
                retry_after=_RETRY_AFTER,
            ) from error
        except asyncio.CancelledError:
            self._lost("cancelled")
            raise
        except ProcessDied as error:
            if error.signal not in _OF_THE_PICTURE:
                self._lost("killed")
                raise
            self._lost("limits")
            raise Invalid(
                "The picture takes more time or memory than a picture may, or is made to do harm.",
                code="broken_image",
            ) from error
        return rendering
