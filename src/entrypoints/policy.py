"""What of the settings the operations need to know."""

from dataclasses import dataclass
from typing import Final

MEDIA: Final = "/media"
"""Where this service itself serves them."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules that an operator, or a test, chooses."""

    require_if_match: bool = False
    media: str = MEDIA
    """Where the files of images are served."""
    heartbeat: float = 15.0
    """Seconds after which a feed with nothing to say sends a comment."""
    ops_port: int | None = None
    """The port that is for operators alone; None where they share that of everybody."""
