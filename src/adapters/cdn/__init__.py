"""Tasks that tell the caches in front of this service what they must not keep any longer."""

from profilecore.adapters.cdn.handler import TYPE, purge

__all__ = ["TYPE", "purge"]
