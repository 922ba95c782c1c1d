"""What the dashboards are made of: panels with queries, on a data source that one chooses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import common, dashboard, prometheus, timeseries
from grafana_foundation_sdk.models.common import (
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)

JOB: Final = 'job="profilecore",instance=~"$instance"'
"""What every selector of a series has; a record has its job, and no instance."""

_SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
_HEIGHT: Final = 8
_WIDTH: Final = 8


@dataclass(frozen=True)
class Panel:
    """A graph: its queries by their legends, the unit of its axis, and what it is there for."""

    title: str
    unit: str
    about: str
    queries: dict[str, str]
    limit: float | None = None
    """Where an alert stands."""


@dataclass(frozen=True)
class Board:
    """A dashboard."""

    name: str
    title: str
    about: str
    panels: Sequence[Panel]


def rate(metric: str, by: str = "", **labels: str) -> str:
    """How many a second, summed up."""
    return f"sum{f' by ({by})' if by else ''} (rate({series(metric, **labels)}[$__rate_interval]))"


def quantile(share: float, metric: str, by: str = "", **labels: str) -> str:
    """What so large a share of a histogram's observations stays within."""
    buckets = rate(f"{metric}_bucket", by=f"{by}, le" if by else "le", **labels)
    return f"histogram_quantile({share}, {buckets})"


def series(metric: str, **labels: str) -> str:
    """The selector of a metric of this service."""
    chosen = "".join(f',{name}{_matches(value)}"{value}"' for name, value in labels.items())
    return f"{metric}{{{JOB}{chosen}}}"


def _matches(value: str) -> str:
    return "=~" if "|" in value else "="


def built(board: Board) -> Any:
    """The dashboard as Grafana has it."""
    made = (
        dashboard.Dashboard(f"profilecore: {board.title}")
        .uid(f"profilecore-{board.name}")
        .description(board.about)
        .tags(["profilecore"])
        .time("now-1h", "now")
        .timezone("browser")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Source").type("prometheus")
        )
        .with_variable(_instances())
        .link(_others())
    )
    for panel in board.panels:
        made = made.with_panel(_graph(panel))
    return made.build()


def _instances() -> Any:
    return (
        dashboard.QueryVariable("instance")
        .label("Process")
        .datasource(_SOURCE)
        .query('label_values(up{job="profilecore"}, instance)')
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )


def _others() -> Any:
    made = dashboard.DashboardLink("Others").type(DashboardLinkType.DASHBOARDS)
    return made.tags(["profilecore"]).as_dropdown(True).keep_time(True)


def _graph(panel: Panel) -> Any:
    made = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.about)
        .datasource(_SOURCE)
        .unit(panel.unit)
        .min(0)
        .fill_opacity(10)
        .height(_HEIGHT)
        .span(_WIDTH)
        .legend(_legend())
    )
    for number, (legend, expression) in enumerate(panel.queries.items()):
        query = prometheus.Dataquery().expr(expression).legend_format(legend).range()
        made = made.with_target(query.ref_id(chr(ord("A") + number)))
    return made if panel.limit is None else _limited(made, panel.limit)


def _legend() -> Any:
    made = common.VizLegendOptions().show_legend(True)
    return made.display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)


def _limited(made: Any, limit: float) -> Any:
    """A dashed line where an alert stands."""
    steps = [Threshold(color="transparent"), Threshold(value=limit, color="red")]
    thresholds = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
    style = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
    return made.thresholds(thresholds).thresholds_style(style)
