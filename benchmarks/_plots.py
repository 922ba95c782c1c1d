"""Pictures of what was measured, for docs/performance/."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any, Final

STEPS: Final = 60  # points of a curve: each takes its place in the file
TICKS: Final = (50, 90, 99, 99.9)


@dataclass(frozen=True)
class Plot:
    """A picture that matplotlib makes, the same bytes from the same figures."""

    name: str
    shows: str
    fill: Callable[[Any], None]
    height: float = 4

    def save(self, folder: Path) -> None:
        import matplotlib as mpl
        from matplotlib import pyplot

        mpl.use("svg")
        mpl.rcParams.update({"svg.hashsalt": "profilecore", "axes.grid": True, "font.size": 9})
        mpl.rcParams.update({"grid.alpha": 0.4, "axes.spines.top": False})
        figure = pyplot.figure(figsize=(7.5, self.height), layout="constrained")
        self.fill(figure)
        figure.savefig(folder / self.name, metadata={"Date": None})
        pyplot.close(figure)


def percentiles(figure: Any, seen: Mapping[str, Sequence[float]]) -> None:
    """How long the slowest took, the part of them on an axis that gives each tenth as much room."""
    axes = figure.subplots()
    last = log10(1 / (1 - TICKS[-1] / 100))
    for name, took in seen.items():
        ordered = sorted(took)
        places = [last * step / STEPS for step in range(STEPS + 1)]
        parts = [1 - 10**-place for place in places]
        axes.plot(places, [ordered[int(len(ordered) * part)] for part in parts], label=name)
    axes.set_xticks([-log10(1 - tick / 100) for tick in TICKS], [f"{tick:g} %" for tick in TICKS])
    _logarithmic(axes)
    axes.set_xlabel("percentile")
    axes.set_ylabel("milliseconds from when it was due")
    axes.legend(frameon=False)


def curves(
    figure: Any, numbers: Sequence[int], seen: Mapping[str, Sequence[Sequence[float]]]
) -> None:
    """The median at each number of connections, and from where to where the rounds went."""
    axes = figure.subplots()
    for name, rounds in seen.items():
        there = [each for each in rounds if each]  # not all are asked with as many
        places = numbers[: len(there)]
        middle = [sorted(each)[len(each) // 2] for each in there]
        (line,) = axes.plot(places, middle, marker="o", markersize=3, label=name)
        low, high = [min(each) for each in there], [max(each) for each in there]
        axes.fill_between(places, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    axes.set_xscale("log", base=2)
    axes.set_xticks(numbers, [str(number) for number in numbers])
    axes.set_xlabel("connections")
    axes.set_ylabel("requests a second")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)


def series(
    figure: Any,
    step: float,
    rates: Mapping[str, Sequence[float]],
    slowest: Sequence[float],
    spans: Mapping[str, tuple[float, float]],
) -> None:
    """What was answered a second, by where it came from, and below it the p99, along the time."""
    upper, lower = figure.subplots(2, 1, sharex=True)
    times = [step * number for number in range(len(slowest))]
    upper.stackplot(times, *rates.values(), labels=[*rates], step="post")
    upper.set_ylabel("answers a second")
    lower.plot(times, slowest, drawstyle="steps-post", color="black", linewidth=1)
    _logarithmic(lower)
    lower.set_ylabel(f"p99, ms, of each {step * 1000:.0f} ms")
    lower.set_xlabel("seconds")
    for name, (begin, end) in spans.items():
        for axes in (upper, lower):
            axes.axvspan(begin, end, color="tab:red", alpha=0.12, linewidth=0, zorder=0)
        place = upper.get_xaxis_transform()
        upper.text((begin + end) / 2, 1.02, name, transform=place, ha="center")
    figure.legend(*upper.get_legend_handles_labels(), loc="outside lower center", ncols=len(rates))


def _logarithmic(axes: Any) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
