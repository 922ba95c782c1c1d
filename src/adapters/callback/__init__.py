"""Tasks that call somebody back over HTTP."""

from profilecore.adapters.callback.handler import callback

__all__ = ["callback"]
