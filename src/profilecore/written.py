"""What a write gives: the profile as it was stored."""

from dataclasses import dataclass

from profilecore.errors import ProfilecoreError
from profilecore.profile import Profile


@dataclass(frozen=True, slots=True)
class Written:
    """A profile as it was stored; a read that asks for `position` sees at least this.

    `replayed` is true where it was stored for an earlier request with the same receipt.
    """

    profile: Profile
    position: int
    replayed: bool = False


def given(outcome: Written | ProfilecoreError) -> Written:
    """What was written; raises the refusal where nothing was."""
    if isinstance(outcome, ProfilecoreError):
        raise outcome
    return outcome
