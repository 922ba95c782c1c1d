"""The images' part of the object graph."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from dependency_injector import containers, providers

from profilecore.adapters.memory import MemoryBlobs
from profilecore.adapters.observed import ObservedBlobs
from profilecore.entrypoints.resources import resolved
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.web import FILE, MEMORY

if TYPE_CHECKING:  # what keeps its images in memory starts without its client
    from profilecore.adapters.obstore import ObstoreBlobs

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


class Imaging(containers.DeclarativeContainer):
    """Where images are kept."""

    settings = providers.Dependency(instance_of=Settings)
    port_metrics: Any = providers.Dependency()

    store = providers.Resource(_opened, settings)
    blobs = providers.Singleton(ObservedBlobs, store, port_metrics)


async def blobs_check(imaging: Imaging) -> Callable[[], Awaitable[str]]:
    """What tells how the store of images is, for /health."""
    store: Store = await resolved(imaging.store())
    kind = (imaging.settings().blobs_url or FILE).partition(":")[0]

    async def blobs() -> str:
        await store.ping()
        return kind

    return blobs
