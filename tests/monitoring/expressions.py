"""What stands in the rules and dashboards of deploy/, and what the code has."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import promql_parser
import yaml

from profilecore.entrypoints.telemetry import new_registry
from tests.support.dashboards import queries

ROOT: Final = Path(__file__).parents[2]
PROMETHEUS: Final = ROOT / "deploy" / "prometheus"
RULES: Final = PROMETHEUS / "rules"
TESTS: Final = PROMETHEUS / "tests"
RUNBOOKS: Final = ROOT / "docs" / "runbooks"

FOREIGN: Final = frozenset({"up", "probe_ssl_earliest_cert_expiry"})
"""Those of Prometheus itself, and of the exporter that looks at the certificate from outside."""

_PARTS: Final = ("_bucket", "_count", "_sum")


@dataclass(frozen=True)
class Rule:
    """One alert or record, and where it stands."""

    file: str
    group: str
    name: str
    expression: str
    alert: bool
    waits: bool
    labels: dict[str, str] = field(hash=False)
    annotations: dict[str, str] = field(hash=False)

    def __str__(self) -> str:
        return f"{self.name}-{self.labels.get('severity', 'record')}"


def rules() -> list[Rule]:
    """Every rule there is."""
    return [
        Rule(
            file=path.name,
            group=group["name"],
            name=rule.get("alert") or rule["record"],
            expression=rule["expr"],
            alert="alert" in rule,
            waits="for" in rule,
            labels=rule.get("labels", {}),
            annotations=rule.get("annotations", {}),
        )
        for path in sorted(RULES.glob("*.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def alerts() -> list[Rule]:
    return [rule for rule in rules() if rule.alert]


def records() -> list[Rule]:
    return [rule for rule in rules() if not rule.alert]


def expressions() -> list[str]:
    return [rule.expression for rule in rules()] + [expression for *_, expression in queries()]


def selectors(expression: str) -> Iterator[Any]:
    """Every selector of an expression, parsed."""
    found: list[Any] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    yield from found


def families() -> set[str]:
    """Every metric of the reference, which is compared with the code, or of Python's client."""
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    named = set(re.findall(r"^\| `([a-z_]+)`", page, re.MULTILINE))
    named |= set(re.findall(r"`([a-z]+_[a-z_]+)\{[^`]*\}`", page))  # those of PostgreSQL
    for family in new_registry().collect():
        named.add(f"{family.name}_total" if family.type == "counter" else family.name)
    return named


def family(name: str) -> str:
    """The metric that a series is of."""
    for part in _PARTS:
        if name.endswith(part):
            return name.removesuffix(part)
    return name
