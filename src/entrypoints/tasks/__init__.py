"""The handlers of tasks that a process has."""

from profilecore.entrypoints.tasks.discovery import BadPackage, discovered

__all__ = ["BadPackage", "discovered"]
