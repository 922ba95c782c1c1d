"""What stores have in common."""

EVENTS = "profile.events"
"""The bookmark of how far the change log was published."""


def only_era() -> int:
    """A store on one machine loses nothing of its log but all of it."""
    return 0
