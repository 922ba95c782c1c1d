"""Sends spans to a collector, as the standard variables say; never in anybody's way."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, TypeAlias

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NoOpTracer
from opentelemetry.util.re import parse_env_headers

from profilecore.adapters.opentelemetry.encoding import encoded
from profilecore.adapters.opentelemetry.errors import translated
from profilecore.adapters.opentelemetry.tracer import Tracer

Say: TypeAlias = Callable[[str], None]

SAY_EVERY: Final = 60.0
CLOSE_MAX: Final = 2.0
NAME: Final = "profilecore"
_NAMELESS: Final = "unknown_service"
_SDK: Final = "opentelemetry"
_FULL: Final = "opentelemetry.sdk._shared_internal"


class _Exporter(OTLPSpanExporter):
    """The SDK's, with our encoding as long as it sends bytes as it does now."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        client = getattr(self, "_client", None)
        if client is None:
            return super().export(spans)
        sent = client.export(encoded(spans)).success
        return SpanExportResult.SUCCESS if sent else SpanExportResult.FAILURE


class _Said(logging.Handler):
    """What the SDK says of a collector that it cannot reach, once in `SAY_EVERY` seconds."""

    def __init__(self, say: Say, clock: Callable[[], float]) -> None:
        super().__init__(logging.WARNING)
        self.say = say
        self._clock = clock
        self._next = float("-inf")

    def emit(self, record: logging.LogRecord) -> None:
        now = self._clock()
        if now >= self._next:
            self._next = now + SAY_EVERY
            self.say(record.getMessage())


class Sending:
    """A tracer whose spans go to a collector by OTLP over HTTP, in batches, from a thread.

    Where the collector takes nothing, spans wait, up to OTEL_BSP_MAX_QUEUE_SIZE, and are then
    dropped; `say` is told now and then. `headers` are those of OTEL_EXPORTER_OTLP_HEADERS, None
    for the variable itself. Where no OTEL_SERVICE_NAME is set the service has our name.
    """

    def __init__(
        self,
        version: str,
        headers: str | None = None,
        *,
        say: Say,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._said = _Said(say, clock)
        self._sdk = logging.getLogger(_SDK)
        self._sdk.addHandler(self._said)
        self._sdk.propagate = False
        logging.getLogger(_FULL).setLevel(logging.ERROR)  # or there is a record for each span
        with translated():
            provider = TracerProvider(shutdown_on_exit=False)  # which reads the variables
            self._exporter = _Exporter(headers=parse_env_headers(headers or "", liberal=True))
            self._processor = BatchSpanProcessor(self._exporter)
        disabled = isinstance(provider.get_tracer(NAME), NoOpTracer)
        self.tracer = Tracer(
            ALWAYS_OFF if disabled else provider.sampler,
            provider.id_generator,
            _resource(provider.resource, version),
            self._processor.on_end,
        )

    async def close(self) -> None:
        """Send what waits, within `CLOSE_MAX` seconds, and end."""
        loop = asyncio.get_running_loop()
        sent = asyncio.Event()

        def finish() -> None:
            self._processor.shutdown()  # type: ignore[no-untyped-call]
            with suppress(RuntimeError):  # the loop has ended before this
                loop.call_soon_threadsafe(sent.set)

        # By a thread that nobody has to wait for: the SDK takes up to 30 seconds.
        threading.Thread(target=finish, name="last-traces", daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_MAX):
                await sent.wait()
        except TimeoutError:
            self._exporter.shutdown()  # type: ignore[no-untyped-call]
            self._said.say(f"the last ones could not be sent within {CLOSE_MAX:g} s")
        finally:
            self._sdk.removeHandler(self._said)
            self._sdk.propagate = True


def _resource(found: Resource, version: str) -> Resource:
    ours = {SERVICE_VERSION: version}
    if str(found.attributes.get(SERVICE_NAME, "")).startswith(_NAMELESS):
        ours[SERVICE_NAME] = NAME
    return Resource({**found.attributes, **ours}, found.schema_url)
