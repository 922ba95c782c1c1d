"""The command line: `profilecore`."""

from profilecore.entrypoints.cli.app import main

__all__ = ["main"]
