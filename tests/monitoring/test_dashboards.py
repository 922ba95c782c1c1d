"""The dashboards are what the Python that describes them makes."""

import json
import re

import pytest

from deploy.grafana.__main__ import FOLDER, written
from deploy.grafana.boards import BOARDS
from tests.monitoring.expressions import alerts
from tests.support.dashboards import queries


@pytest.mark.parametrize("name", written())
def test_the_committed_file_is_what_is_made(name: str) -> None:
    assert (FOLDER / name).read_text() == written()[name], "run `nox -s dashboards`"


def test_there_is_no_other_file() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(written())


def test_every_panel_has_its_place_and_its_queries() -> None:
    for board in BOARDS:
        made = json.loads(written()[f"{board.name}.json"])
        assert made["uid"] == f"profilecore-{board.name}"
        assert {v["name"] for v in made["templating"]["list"]} == {"datasource", "instance"}
        places = [tuple(panel["gridPos"].values()) for panel in made["panels"]]
        assert len(set(places)) == len(places) == len(board.panels)
        for panel in made["panels"]:
            assert panel["targets"]
            assert panel["description"]
            assert panel["datasource"]["uid"] == "${datasource}"
            names = [target["refId"] for target in panel["targets"]]
            assert len(set(names)) == len(names)


def test_a_line_stands_where_an_alert_does() -> None:
    """Each limit that a graph shows is one that an alert has."""
    limits = {
        float(number)
        for alert in alerts()
        for number in re.findall(r"[<>] ([\d.]+)", alert.expression)
    }
    shown = {panel.limit for board in BOARDS for panel in board.panels if panel.limit is not None}
    assert shown
    assert shown <= limits


def test_every_query_is_read() -> None:
    """The test against a real Prometheus runs what is in the files, and nothing less."""
    assert len(queries()) == sum(len(p.queries) for board in BOARDS for p in board.panels)
