"""The images' part of the object graph."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from dependency_injector import containers, providers
from prometheus_client import CollectorRegistry

from profilecore.adapters.memory import MemoryBlobs
from profilecore.adapters.observed import ImagerMetrics, ObservedBlobs, ObservedImager
from profilecore.adapters.processes import SpawnedProcesses
from profilecore.entrypoints.policy import MEDIA
from profilecore.entrypoints.resources import closing, resolved
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.urls import FILE, MEMORY
from profilecore.images import Collector, ImageService

if TYPE_CHECKING:  # what keeps its images in memory starts without its client
    from profilecore.adapters.obstore import ObstoreBlobs
    from profilecore.adapters.pillow import PillowImager

FOLDER: Final = "blobs"
Store: TypeAlias = "MemoryBlobs | ObstoreBlobs"


async def _opened(settings: Settings) -> Store:
    if settings.blobs_url == MEMORY:
        return MemoryBlobs()
    store = _store(settings)
    await store.open()
    return store


def _store(settings: Settings) -> "ObstoreBlobs":
    from profilecore.adapters.obstore import Bucket, FolderBlobs, ObstoreBlobs

    url, secret = settings.blobs_url, settings.blobs_secret_key
    if url is None:
        return FolderBlobs(settings.data_dir / FOLDER)
    if url.startswith(FILE):
        return FolderBlobs(Path(url.removeprefix(FILE).removeprefix("//")).expanduser())
    bucket = Bucket(
        url=url,
        endpoint=settings.blobs_endpoint,
        region=settings.blobs_region,
        access_key=settings.blobs_access_key,
        secret_key=None if secret is None else secret.reveal(),
        path_style=settings.blobs_path_style,
    )
    return ObstoreBlobs(bucket.store)


def _imager(
    settings: Settings, processes: SpawnedProcesses, metrics: ImagerMetrics
) -> "PillowImager":
    from profilecore.adapters.pillow import PillowImager

    return PillowImager(processes, settings.image_processes, lost=metrics.lost)


def media_of(settings: Settings) -> str:
    """What URLs of files begin with."""
    return settings.cdn_base_url or MEDIA


class Imaging(containers.DeclarativeContainer):
    """How images are made, where they are kept, and what becomes of their files."""

    settings = providers.Dependency(instance_of=Settings)
    registry = providers.Dependency(instance_of=CollectorRegistry)
    port_metrics: Any = providers.Dependency()
    service: Any = providers.Dependency()
    holds: Any = providers.Dependency()
    tasks: Any = providers.Dependency()
    woken: Any = providers.Dependency()

    store = providers.Resource(_opened, settings)
    blobs = providers.Singleton(ObservedBlobs, store, port_metrics)
    metrics = providers.Singleton(ImagerMetrics, registry)
    processes = providers.Resource(
        closing, providers.Singleton(SpawnedProcesses, settings.provided.image_processes)
    )
    imager = providers.Singleton(
        ObservedImager, providers.Singleton(_imager, settings, processes, metrics), metrics
    )
    images = providers.Singleton(
        ImageService, service, imager, blobs, holds, announce=woken.provided.set
    )
    collector = providers.Singleton(
        Collector,
        blobs,
        holds,
        tasks,
        purges=providers.Callable(bool, settings.provided.cdn_purge),
        announce=woken.provided.set,
    )


async def blobs_check(imaging: Imaging) -> Callable[[], Awaitable[str]]:
    """What tells how the store of images is, for /health."""
    store: Store = await resolved(imaging.store())
    kind = (imaging.settings().blobs_url or FILE).partition(":")[0]

    async def blobs() -> str:
        await store.ping()
        return kind

    return blobs
