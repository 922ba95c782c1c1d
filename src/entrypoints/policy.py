"""What of the settings the operations need to know."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from profilecore.receipt import KEPT

MEDIA: Final = "/media"
"""Where this service itself serves them."""


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
