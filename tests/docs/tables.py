"""The tables of the reference pages, made from what they are about."""

import dataclasses
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from profilecore.entrypoints.http import openapi_document
from profilecore.entrypoints.http.problems import MEANINGS
from profilecore.entrypoints.settings import Settings
from tests.docs.pages import Step
from tests.docs.session import ADDRESS, Session

# Those that prometheus-client brings; ours that begin so are named in full.
_BUILT_INS = (*(f"process_{first}" for first in "cmorsv"), "python_")


def settings() -> str:
    """Every variable, what it takes, and its default for each kind of command."""
    rows = []
    for field in dataclasses.fields(Settings):
        row = field.metadata.get("variable")
        if row is None:
            continue
        name = field.name.upper()
        text = f"{row.help}: {row.kind.takes}"
        default = "-" if row.default is None else f"`{row.default}`"
        for command, other in row.unless.items():
            default += f"; {command}: " + ("has to be set" if other is ... else f"`{other}`")
        names = f"`{name}`" + (f", `{name}_FILE`" if row.kind.secret else "")
        rows.append((names, text, default))
    return _table(("Variable", "What it is, and what it takes", "Default"), rows)


def errors() -> str:
    """Every code that a problem document can have."""
    rows = [(f"`{code}`", str(m.status), m.title) for code, m in MEANINGS.items()]
    return _table(("`code`", "Status", "`title`"), sorted(rows, key=lambda row: row[1]))


def operations() -> str:
    """Every operation with what it takes and answers, as the OpenAPI document has it."""
    rows = []
    for path, methods in openapi_document()["paths"].items():
        for method, operation in methods.items():
            taken = defaultdict(list)
            for parameter in operation.get("parameters", []):
                taken[parameter["in"]].append(f"`{parameter['name']}`")
            takes = [*taken["query"], *taken["header"]]
            if "requestBody" in operation:
                takes.insert(0, "a body")
            statuses = ", ".join(sorted(operation["responses"]))
            call = f"`{method.upper()} {path}`"
            rows.append((call, operation["summary"], ", ".join(takes) or "-", statuses))
    return _table(("Call", "What it does", "Takes", "Answers"), sorted(rows, key=_by_path))


def callers() -> str:
    """Who may call each operation, as it is declared beside its route."""
    rows = []
    for path, methods in openapi_document()["paths"].items():
        for method, operation in methods.items():
            who = "everybody"
            if operation["security"]:
                (scope,) = operation["security"][0]["bearer"]
                who = f"`{scope}`" + (", or the owner" if operation["x-or-owner"] else "")
            rows.append((f"`{method.upper()} {path}`", who))
    return _table(("Call", "Who may"), sorted(rows, key=_by_path))


def parameters() -> str:
    """Every query and header parameter, with what it takes."""
    calls: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for methods in openapi_document()["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                name, where = f"`{parameter['name']}`", parameter["in"]
                takes = _takes(parameter["schema"])
                calls[where, name, takes, parameter["description"]].append(operation["summary"])
    rows = [
        (name, where, takes, description, "; ".join(sorted(of)) if where != "path" else "all")
        for (where, name, takes, description), of in calls.items()
    ]
    head = ("Parameter", "In", "Takes", "What it is", "Of")
    return _table(head, sorted(rows, key=lambda row: (row[1], row[0], row[4])))


def _takes(schema: dict[str, Any]) -> str:
    choices = schema.get("oneOf") or schema.get("allOf") or [schema]
    (kind,) = (choice for choice in choices if choice.get("type") != "null")
    if "$ref" in kind:
        kind = openapi_document()["components"]["schemas"][kind["$ref"].rpartition("/")[2]]
    if "enum" in kind:
        words = ", ".join(f"`{word}`" for word in kind["enum"])
    elif "maximum" in kind:
        words = f"{kind['minimum']:g} to {kind['maximum']:g}"
    elif "maxLength" in kind:
        words = f"{kind['minLength']} to {kind['maxLength']} characters"
    elif kind["type"] == "boolean":
        words = "`true`, `false`"
    else:
        words = "a UUID" if kind.get("format") == "uuid" else "text"
    default = schema.get("default", kind.get("default"))
    return words if default is None else f"{words}; default `{str(default).lower()}`"


def headers() -> str:
    """Every header of an answer that the OpenAPI document names."""
    calls: dict[tuple[str, str], list[str]] = defaultdict(list)
    for methods in openapi_document()["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                for name, header in answer.get("headers", {}).items():
                    calls[f"`{name}`", header["description"]].append(operation["summary"])
    rows = [(*key, "; ".join(sorted(of))) for key, of in calls.items()]
    return _table(("Header", "What it says", "Of"), sorted(rows))


def metrics() -> str:
    """Every metric of our own, as `/metrics` has it when one request was answered."""
    with tempfile.TemporaryDirectory() as scratch, Session(Path(scratch)) as session:
        session.run(Step("console", f"curl -s {ADDRESS}/health", 0, 0))
        text = session.run(Step("console", f"curl -s {ADDRESS}/metrics", 0, 0))
    rows = []
    for family in text_string_to_metric_families(f"{text}\n"):
        if family.name.startswith(_BUILT_INS) or family.name.endswith("_created"):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in _labels(family)) or "-"
        rows.append((f"`{name}`", family.type, labels, family.documentation))
    return _table(("Metric", "Type", "Labels", "What it is"), sorted(rows))


def _labels(family: Metric) -> Iterable[str]:
    return sorted({label for sample in family.samples for label in sample.labels} - {"le"})


def _by_path(row: Sequence[Any]) -> tuple[str, str]:
    method, _, path = row[0].strip("`").partition(" ")
    return path, method


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


TABLES = {
    "settings": settings,
    "errors": errors,
    "operations": operations,
    "callers": callers,
    "parameters": parameters,
    "headers": headers,
    "metrics": metrics,
}
