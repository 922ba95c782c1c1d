"""Our service for any ASGI server: opened and closed by its lifespan, else as in `serve`."""

import gc
import os

from profilecore.entrypoints.http import create_app
from profilecore.entrypoints.http.asgi import AsgiScope, Receive, Send
from profilecore.entrypoints.http.edge import Edge
from profilecore.entrypoints.opening import opened
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.telemetry import configure_logging


class Service:
    """One application, and what it stands on."""

    _edge: Edge

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._edge(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        settings = Settings.read("serve", os.environ)
        configure_logging(settings)
        async with opened(settings) as parts:
            self._edge = create_app(parts)
            gc.collect()
            gc.freeze()
            gc.set_threshold(100_000)
            parts.lifecycle.started = True
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


app = Service()
