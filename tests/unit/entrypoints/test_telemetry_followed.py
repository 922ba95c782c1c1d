"""Whether the log is followed, as a metric."""

from prometheus_client import CollectorRegistry

from profilecore.entrypoints.telemetry import FollowedLog


def test_it_is_what_the_feed_says_at_the_scrape() -> None:
    registry, current = CollectorRegistry(), False
    FollowedLog(registry, lambda: current)
    assert registry.get_sample_value("feed_current") == 0
    current = True
    assert registry.get_sample_value("feed_current") == 1
