"""The Imager, measured."""

import asyncio
from pathlib import Path
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from profilecore.errors import ProfilecoreError
from profilecore.image import Rendering
from profilecore.ports import Imager

REASONS: Final = ("limits", "time", "killed", "cancelled")
BUCKETS: Final = (0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.5, 5.0, 10.0)


class ImagerMetrics:
    """The metrics of whatever makes images."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.renderings = Counter(
            "image_renderings",
            "Uploads by what became of them: rendered, or why not.",
            ["outcome"],
            registry=registry,
        )
        self.bytes = Counter("image_upload_bytes", "Bytes of uploads.", registry=registry)
        self.pixels = Counter(
            "image_upload_pixels", "Pixels of uploads that were rendered.", registry=registry
        )
        self.seconds = Histogram(
            "image_render_seconds",
            "How long a rendering took, the wait for its turn included.",
            buckets=BUCKETS,
            registry=registry,
        )
        self._lost = Counter(
            "image_processes_lost",
            "Processes that were lost, each of which is replaced, by reason.",
            ["reason"],
            registry=registry,
        )
        for reason in REASONS:  # so that the first of each is seen to be one more
            self._lost.labels(reason)

    def lost(self, reason: str) -> None:
        """Count a process that was lost."""
        self._lost.labels(reason).inc()


class ObservedImager:
    """The Imager port, with metrics `image_…`."""

    def __init__(self, imager: Imager, metrics: ImagerMetrics) -> None:
        self._imager = imager
        self._metrics = metrics

    async def render(self, upload: Path) -> Rendering:
        began, outcome = perf_counter(), "unexpected"
        self._metrics.bytes.inc((await asyncio.to_thread(upload.stat)).st_size)
        try:
            rendering = await self._imager.render(upload)
            outcome = "rendered"
        except ProfilecoreError as error:
            outcome = error.code
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"  # by a stop; that is no fault of anything
            raise
        finally:
            self._metrics.seconds.observe(perf_counter() - began)
            self._metrics.renderings.labels(outcome).inc()
        self._metrics.pixels.inc(rendering.pixels)
        return rendering
