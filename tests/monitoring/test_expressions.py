"""Rules and dashboards speak of what is there."""

import re
from collections import defaultdict

import promql_parser
import pytest

from profilecore.adapters.observed import BUCKETS
from profilecore.entrypoints.telemetry.metrics import LATENCY_BUCKETS
from tests.monitoring.expressions import (
    FOREIGN,
    RUNBOOKS,
    Rule,
    alerts,
    expressions,
    families,
    family,
    records,
    selectors,
)
from tests.support.dashboards import queries

_METRIC = re.compile(r"\b(?:job:)?[a-z]+_[a-z0-9_:]*(?:_total|_seconds|_bytes)\b")
UNUSED = {
    "cache_hit_ratio": "of one process since its start: it cannot be summed up, the counters can",
    "process_virtual_memory_bytes": "addresses, not memory: it says nothing about a process",
    "python_gc_objects_collected_total": "how often is shown, which is what takes time",
    "python_gc_objects_uncollectable_total": "always 0 since Python 3.4",
    "python_info": "a label",
}
"""What is exported, and in no rule and no dashboard; and why."""
EDGES = {"http_request_duration_seconds": LATENCY_BUCKETS}
_WINDOW = re.compile(r"\[(\w+)\]")


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_it_can_be_parsed_and_every_metric_exists(expression: str) -> None:
    promql_parser.parse(expression)
    known = families() | FOREIGN | {record.name for record in records()}
    for selector in selectors(expression):
        assert family(selector.name) in known or selector.name in known, selector.name


def test_every_metric_is_used_or_is_left_out_for_a_reason() -> None:
    asked = {selector.name for e in expressions() for selector in selectors(e)}
    used = asked | {family(name) for name in asked}
    assert families() - used == set(UNUSED)


def test_a_metric_that_is_not_there_is_found() -> None:
    (selector,) = selectors("rate(cache_hit_total[5m])")
    assert family(selector.name) not in families()


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_it_looks_at_this_service_alone(expression: str) -> None:
    """Others on the same Prometheus count requests too."""
    for selector in selectors(expression):
        if ":" in selector.name:  # a record, which has the job that it was made for
            continue
        chosen = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
        assert chosen.get("job", "").startswith("profilecore"), selector


def test_a_bucket_ends_at_each_limit_that_is_asked_for() -> None:
    asked = [
        (selector.name.removesuffix("_bucket"), float(matcher.value))
        for expression in expressions()
        for selector in selectors(expression)
        for matcher in selector.matchers.matchers
        if matcher.name == "le"
    ]
    assert asked
    for name, edge in asked:
        assert edge in EDGES[name], (name, edge)


def test_a_bucket_ends_at_each_limit_that_a_percentile_is_compared_with() -> None:
    """A percentile is then above the limit exactly where too few are within it."""
    limits = {
        float(limit)
        for alert in alerts()
        for limit in re.findall(r":p\d+ > ([\d.]+)", alert.expression)
    }
    assert limits == {0.02}
    assert limits <= set(BUCKETS)
    assert limits <= set(LATENCY_BUCKETS)


def test_the_routes_of_the_objectives_exist() -> None:
    from profilecore.entrypoints.http import openapi_document

    paths = set(openapi_document()["paths"])

    named = [
        matcher.value
        for expression in expressions()
        for selector in selectors(expression)
        for matcher in selector.matchers.matchers
        if matcher.name == "route" and "Not" not in str(matcher.op)
    ]
    assert named
    for value in named:
        for route in value.replace("[{]", "{").replace("[}]", "}").split("|"):
            assert route in paths, route


def test_records_of_one_kind_differ_in_their_window_alone() -> None:
    kinds: dict[str, set[str]] = defaultdict(set)
    windows = defaultdict(list)
    for record in records():
        kind, _, window = record.name.rpartition(":ratio_rate")
        if kind:
            assert set(_WINDOW.findall(record.expression)) == {window}, record.name
            kinds[kind].add(_WINDOW.sub("[]", record.expression))
            windows[kind].append(window)
    burning = [kind for kind, found in windows.items() if len(found) > 1]
    assert len(burning) == 3
    for kind in burning:
        assert windows[kind] == ["5m", "30m", "1h", "2h", "6h", "1d", "3d"]
        assert len(kinds[kind]) == 1, kind


def test_every_record_is_used() -> None:
    used = {s.name for expression in expressions() for s in selectors(expression)}
    assert {record.name for record in records()} <= used


@pytest.mark.parametrize("alert", alerts(), ids=str)
def test_an_alert_says_what_is_needed(alert: Rule) -> None:
    assert alert.labels["severity"] in ("page", "ticket")
    assert set(alert.annotations) == {"summary", "description", "runbook_url"}
    assert alert.annotations["runbook_url"] == f"docs/runbooks/{alert.name}.md"
    assert alert.annotations["description"].endswith((".", "it."))


def test_every_alert_has_its_runbook_and_the_other_way_round() -> None:
    named = {alert.name for alert in alerts()}
    pages = {path.stem: path.read_text() for path in RUNBOOKS.glob("*.md")}
    index = pages.pop("index")
    assert set(pages) == named
    for name, text in pages.items():
        assert text.startswith(f"# {name}\n")
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["What users notice", "Where to look", "What to do"], name
    rows = dict(re.findall(r"^\| \[(\w+)\]\(\w+\.md\) \| ([\w, ]+) \|", index, re.MULTILINE))
    severities = defaultdict(set)
    for alert in alerts():
        severities[alert.name].add(alert.labels["severity"])
    assert rows == {name: ", ".join(sorted(found)) for name, found in severities.items()}


def test_every_metric_that_a_runbook_names_exists() -> None:
    known = families() | FOREIGN | {record.name for record in records()}
    for page in RUNBOOKS.glob("*.md"):
        for code in re.findall(r"`([^`]+)`", page.read_text()):
            for name in _METRIC.findall(code):
                assert name in known or family(name) in known, f"{page.name}: {name}"


def test_there_are_queries_in_every_dashboard() -> None:
    boards = {board for board, *_ in queries()}
    assert boards == {"cache", "images", "postgresql", "process", "service", "tasks"}
