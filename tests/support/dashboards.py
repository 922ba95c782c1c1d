"""The queries of the dashboards in deploy/grafana, as Grafana would send them."""

import json
from pathlib import Path
from typing import Final

BOARDS: Final = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards"


def queries() -> list[tuple[str, str, str]]:
    """Every query of a dashboard: its name, the panel, and the expression for Prometheus."""
    found = []
    for path in sorted(BOARDS.glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", ()):
                expression = target["expr"].replace("$__rate_interval", "1m")
                found.append((path.stem, panel["title"], expression.replace("$instance", ".*")))
    return found
