"""What of the settings the operations need to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from profilecore.entrypoints.callers import Network
from profilecore.limits import Rate
from profilecore.receipt import KEPT

MEDIA: Final = "/media"
"""Where this service itself serves them."""


class Budget(StrEnum):
    """What is counted by itself, of one caller."""

    READS = "reads"
    WRITES = "writes"
    UPLOADS = "uploads"
    FAILURES = "failures"


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules that an operator, or a test, chooses."""

    require_if_match: bool = False
    media: str = MEDIA
    """Where the files of images are served."""
    idempotency_kept: timedelta = KEPT
    """For how long a request that is sent again gets the first answer."""
    heartbeat: float = 15.0
    """Seconds after which a feed with nothing to say sends a comment."""
    ops_port: int | None = None
    """The port that is for operators alone; None where they share that of everybody."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is taken on."""

    rates: Mapping[Budget, Rate] = field(default_factory=dict)
    """How much one caller may ask for; what is not there has no limit."""
    trusted_proxies: tuple[Network, ...] | None = None
    """Who may say whom a request is from."""
    requests_max: int = 512
    """How many requests are worked on at a time."""
