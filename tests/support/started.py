"""What the servers that tests start have in common."""

from abc import ABC, abstractmethod
from typing import Self


class Started(ABC):
    """Runs for as long as a `with` block, and is closed too where it does not start."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def start(self) -> None:
        """Return once it answers."""

    @abstractmethod
    def close(self) -> None:
        """End it, whether it was started or not."""


class StartedWeb(Started):
    """One that answers HTTP on a port of this machine."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"
