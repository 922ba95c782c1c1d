"""Tracing, where it is asked for; where not, nothing of it is made, nor imported."""

from typing import TYPE_CHECKING, Any, Final, TypeVar

from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.variables import BadSetting

if TYPE_CHECKING:
    from profilecore.entrypoints.tracing.otlp import Tracing

P = TypeVar("P")

_SWITCH: Final = "OTEL_TRACES_EXPORTER"
_MISSING: Final = "is 'otlp', which needs a package more: pip install 'profilecore[tracing]'."


def tracing_of(settings: Settings) -> "Tracing | None":
    """What wraps ports, None where nothing is traced; BadSetting where its package is missing."""
    if settings.otel_traces_exporter == "none" or settings.command == "tool":
        return None
    try:
        from profilecore.entrypoints.tracing.otlp import Tracing
    except ModuleNotFoundError as error:
        raise BadSetting(_SWITCH, _MISSING) from error
    return Tracing(settings)


def traced(port: P, tracing: "Tracing | None", kind: str, *more: Any) -> P:
    """The port, wrapped as one of that kind where there is tracing."""
    if tracing is None:
        return port
    wrapped: P = getattr(tracing, kind)(port, *more)
    return wrapped
