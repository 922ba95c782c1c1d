"""What is counted of whatever makes images."""

import asyncio
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from profilecore.adapters.observed import ImagerMetrics, ObservedImager
from profilecore.errors import Invalid, Unavailable
from tests.unit.core.studio import PlainImager, rendering


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(b"x" * 1_000)
    return path


def observed(registry: CollectorRegistry, imager: PlainImager) -> ObservedImager:
    return ObservedImager(imager, ImagerMetrics(registry))


def counted(registry: CollectorRegistry, outcome: str) -> dict[str, float]:
    """All there is to see after one upload, of which nothing else may have been counted."""
    outcomes = {
        sample.labels["outcome"]: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "image_renderings_total"
    }
    assert outcomes == {outcome: 1}
    names = ("image_upload_bytes_total", "image_upload_pixels_total", "image_render_seconds_count")
    return {name: registry.get_sample_value(name) or 0 for name in names}


async def test_what_is_rendered_counts_with_its_bytes_and_pixels(
    registry: CollectorRegistry, upload: Path
) -> None:
    made = await observed(registry, PlainImager()).render(upload)
    assert made == rendering(b"x" * 1_000)
    assert counted(registry, "rendered") == {
        "image_upload_bytes_total": 1_000,
        "image_upload_pixels_total": made.pixels,
        "image_render_seconds_count": 1,
    }


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Invalid("no", code="broken_image"), "broken_image"),
        (Invalid("no", code="not_an_image"), "not_an_image"),
        (Unavailable("no", code="busy"), "busy"),
        (RuntimeError("bug"), "unexpected"),
    ],
    ids=str,
)
async def test_what_is_not_counts_with_its_reason_and_without_pixels(
    registry: CollectorRegistry, upload: Path, error: Exception, outcome: str
) -> None:
    imager = PlainImager()
    imager.error = error
    with pytest.raises(type(error)) as raised:
        await observed(registry, imager).render(upload)
    assert raised.value is error
    assert counted(registry, outcome) == {
        "image_upload_bytes_total": 1_000,
        "image_upload_pixels_total": 0,
        "image_render_seconds_count": 1,
    }


async def test_a_caller_that_goes_away_counts_too(
    registry: CollectorRegistry, upload: Path
) -> None:
    imager, begun = PlainImager(), asyncio.Event()

    async def stands_still() -> None:
        begun.set()
        await asyncio.Event().wait()

    imager.before = stands_still
    work = asyncio.create_task(observed(registry, imager).render(upload))
    await begun.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert counted(registry, "cancelled")["image_render_seconds_count"] == 1


def test_processes_that_are_lost_are_counted_by_reason(registry: CollectorRegistry) -> None:
    metrics = ImagerMetrics(registry)
    for reason in ("limits", "killed", "killed"):
        metrics.lost(reason)
    value = registry.get_sample_value
    assert value("image_processes_lost_total", {"reason": "limits"}) == 1
    assert value("image_processes_lost_total", {"reason": "killed"}) == 2
