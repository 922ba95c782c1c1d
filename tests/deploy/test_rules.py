"""What the operator of Prometheus reads is what Prometheus reads."""

from deploy import prometheus_rule


def test_the_rules_were_written_anew() -> None:
    how = "run `python3 -m deploy.prometheus_rule`, and commit"
    assert prometheus_rule.TARGET.read_text() == prometheus_rule.written(), how
