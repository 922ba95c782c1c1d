"""Tasks that call somebody back over HTTP."""

from profilecore.adapters.callback.caller import Callbacks, callback

__all__ = ["Callbacks", "callback"]
