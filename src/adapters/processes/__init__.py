"""Functions in processes of their own, which can be killed."""

from profilecore.adapters.processes.pool import SpawnedProcesses

__all__ = ["SpawnedProcesses"]
