"""The rules, as Prometheus' own tool checks and tests them."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.expressions import PROMETHEUS, RULES, TESTS, alerts, records


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_configuration_is_good() -> None:
    promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))


@pytest.mark.parametrize("path", sorted(RULES.glob("*.yml")), ids=lambda path: path.stem)
def test_the_rules_are_good(path: Path) -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(path))


@pytest.mark.parametrize("path", sorted(TESTS.glob("*.yml")), ids=lambda path: path.stem)
def test_each_alert_fires_when_it_should(path: Path) -> None:
    promtool("test", "rules", str(path))


def test_every_alert_is_seen_to_fire_and_to_be_silent() -> None:
    fires, silent = set(), defaultdict(set)
    for case in (case for path in TESTS.glob("*.yml") for case in loaded(path)):
        for check in case.get("alert_rule_test", ()):
            expected = {alert["exp_labels"]["severity"] for alert in check["exp_alerts"]}
            fires |= {(check["alertname"], severity) for severity in expected}
            for severity in {"page", "ticket"} - expected:
                silent[check["alertname"]].add(severity)
    for alert in alerts():
        severity = alert.labels["severity"]
        assert (alert.name, severity) in fires, f"{alert.name} is never seen to fire as {severity}"
        assert severity in silent[alert.name], f"{alert.name} is never seen to be silent"


def test_every_alert_that_waits_is_seen_to_wait() -> None:
    """In durations.yml each is expected at the end of its `for`, and not half a minute before."""
    (case,) = loaded(TESTS / "durations.yml")
    samples = [s for check in case["promql_expr_test"] for s in check["exp_samples"]]
    seen = [re.findall(r'"(\w+)"', sample["labels"]) for sample in samples if sample["value"] == 1]
    waiting = [[alert.name, alert.labels["severity"]] for alert in alerts() if alert.waits]
    assert sorted(seen) == sorted(waiting)


def test_every_record_is_computed_once() -> None:
    asked = [
        check["expr"]
        for path in TESTS.glob("*.yml")
        for case in loaded(path)
        for check in case.get("promql_expr_test", ())
    ]
    for record in records():
        assert any(record.name in expression for expression in asked), record.name


def loaded(path: Path) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = yaml.safe_load(path.read_text())["tests"]
    return cases
