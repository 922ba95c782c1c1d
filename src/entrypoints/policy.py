"""What of the settings the operations need to know."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules that an operator, or a test, chooses."""

    require_if_match: bool = False
    heartbeat: float = 15.0
    """Seconds after which a feed with nothing to say sends a comment."""
