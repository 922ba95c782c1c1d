"""Several processes that serve one port, since one uses one core."""

from profilecore.entrypoints.many.member import Member
from profilecore.entrypoints.many.metrics import Exposition, merged
from profilecore.entrypoints.many.parent import run_many

__all__ = ["Exposition", "Member", "merged", "run_many"]
