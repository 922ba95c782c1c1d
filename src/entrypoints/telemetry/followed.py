"""Whether the change log is followed, for the metrics."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge


class FollowedLog:
    """Metric `feed_current`: where it is 0, cached profiles are not used."""

    def __init__(self, registry: CollectorRegistry, current: Callable[[], bool]) -> None:
        gauge = Gauge(
            "feed_current",
            "Whether the change log was read to its end within the last second.",
            registry=registry,
        )
        gauge.set_function(lambda: int(current()))
