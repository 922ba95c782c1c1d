"""Pictures of what was measured, for docs/performance/."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

CONNECTIONS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
SECONDS: Final = 2


def plots(stage: Any, found: Mapping[str, Any], folder: Path) -> None:
    """Throughput against concurrency, and the latencies of each work at half its maximum."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "profilecore", "axes.grid": True, "font.size": 9})
    _draw(folder / "throughput.svg", lambda axes: _throughput(axes, stage))
    if "latency" in found:
        _draw(folder / "latency.svg", lambda axes: _latency(axes, found["latency"]))


def _draw(path: Path, fill: Callable[[Any], None]) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    fill(axes)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _throughput(axes: Any, stage: Any) -> None:
    from benchmarks._stage import WORKS

    for work in WORKS:
        if work.kind in ("nothing", "read"):
            rates = [stage.ask(work, number, SECONDS).per_second for number in CONNECTIONS]
            axes.plot(CONNECTIONS, rates, marker="o", markersize=3, label=work.name)
    axes.set_xscale("log", base=2)
    axes.set_xlabel("connections")
    axes.set_ylabel("requests a second")
    axes.set_ylim(bottom=0)


def _latency(axes: Any, seen: Mapping[str, list[float]]) -> None:
    for name, took in seen.items():
        ordered = sorted(took)
        parts = [1 - index / len(ordered) for index in range(len(ordered))]
        axes.plot(ordered, parts, label=name)
    axes.set_yscale("log")
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds from when it was due")
    axes.set_ylabel("part that took longer")
