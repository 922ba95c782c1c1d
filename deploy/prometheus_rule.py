"""Write the rules of Prometheus as the object that its operator reads.

python3 -m deploy.prometheus_rule
"""

from pathlib import Path
from typing import Any, Final

import yaml

RULES: Final = Path(__file__).parent / "prometheus" / "rules"
TARGET: Final = Path(__file__).parents[1] / "k8s" / "components" / "monitoring" / "rules.yaml"
_HEAD: Final = """\
# Written by `python3 -m deploy.prometheus_rule` from deploy/prometheus/rules.
# yamllint disable rule:line-length
"""


def written() -> str:
    """The text of the object."""
    groups: list[Any] = []
    for path in sorted(RULES.glob("*.yml")):
        groups += yaml.safe_load(path.read_text())["groups"]
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "profilecore"},
        "spec": {"groups": groups},
    }
    text = yaml.dump(rule, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return _HEAD + str(text)


class _Dumper(yaml.SafeDumper):
    """Indents lists as the other files do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


if __name__ == "__main__":
    TARGET.write_text(written())
