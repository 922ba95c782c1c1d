"""What one of several processes has from the one that began it."""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

VARIABLE: Final = "PROFILECORE_MEMBER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Number `number` of `of`: it is given its listeners, and a `line` to the parent.

    `listeners` and `line` are open files. In `folder` each has a socket by which the others ask for
    its metrics.
    """

    number: int
    of: int
    listeners: tuple[int, ...]
    line: int
    folder: str

    @classmethod
    def of_environment(cls, env: Mapping[str, str]) -> Self | None:
        """What a parent has told; None for a process that is alone."""
        if VARIABLE not in env:
            return None
        told = json.loads(env[VARIABLE])
        return cls(**{**told, "listeners": tuple(told["listeners"])})

    def environment(self) -> dict[str, str]:
        """The inverse of it."""
        return {VARIABLE: json.dumps(asdict(self))}

    def sockets(self) -> list[socket.socket]:
        """The listeners."""
        return [socket.socket(fileno=number) for number in self.listeners]

    def follow(self, orphaned: Callable[[], None]) -> None:
        """Tell the parent that this process is ready; `orphaned` is called when the parent ends."""
        line = socket.socket(fileno=self.line)
        line.setblocking(False)
        line.send(b".")

        def ended() -> None:  # nothing is ever sent to a member
            asyncio.get_running_loop().remove_reader(line)
            line.close()
            orphaned()

        asyncio.get_running_loop().add_reader(line, ended)

    def place(self, number: int) -> Path:
        """The socket of one member's metrics."""
        return Path(self.folder, f"{number}.sock")

    def others(self) -> list[int]:
        """Their numbers."""
        return [number for number in range(1, self.of + 1) if number != self.number]
