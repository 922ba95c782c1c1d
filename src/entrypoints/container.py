"""Where everything is put together: nobody else but its parts imports adapters."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dependency_injector import containers, providers

from profilecore.adapters.callback import callback
from profilecore.adapters.cdn import purge
from profilecore.adapters.gathered import GatheredProfiles
from profilecore.adapters.observed import Metrics, ObservedEndings, ObservedLog, ObservedProfiles
from profilecore.entrypoints.access import Access
from profilecore.entrypoints.caching import Caching
from profilecore.entrypoints.imaging import Imaging, media_of
from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.entrypoints.limiting import Limiting, rates_of
from profilecore.entrypoints.policy import Bounds, Policy
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.tasking import Tasking
from profilecore.entrypoints.tasks import discovered
from profilecore.entrypoints.telemetry import (
    Certificates,
    DatabaseServers,
    Disk,
    FollowedLog,
    HttpMetrics,
    LoopLag,
    Resources,
    new_registry,
)
from profilecore.entrypoints.tracing import traced, tracing_of
from profilecore.feed import Feed
from profilecore.images import Collector
from profilecore.person import PersonErasure, PersonExport, PersonService, TasksAbout
from profilecore.service import ProfileService
from profilecore.tasks import Handlers, TaskFeed
from profilecore.tasks.builtin import builtin

if TYPE_CHECKING:
    from profilecore.entrypoints.tracing.otlp import Tracing


def _handlers(
    settings: Settings,
    export: PersonExport,
    erasure: PersonErasure,
    collector: Collector,
    tracing: "Tracing | None",
) -> Handlers:
    secret = settings.callback_secret
    headers = dict if tracing is None else tracing.headers
    own = [
        *builtin(export, erasure, collector),
        callback(
            settings.callback_hosts or (), None if secret is None else secret.reveal(), headers
        ),
        purge(settings.cdn_purge or (), settings.cdn_base_url),
    ]
    return Handlers([*own, *discovered(handler.type for handler in own)])


def _certificate_files(settings: Settings) -> dict[str, Path]:
    """The files of those servers that are used."""
    files = {
        "DB_CA_FILE": settings.db_ca_file if settings.database == "postgres" else None,
        "REDIS_CA_FILE": settings.redis_ca_file if settings.cache == "redis" else None,
        "QUEUE_CA_FILE": settings.queue_ca_file if settings.queue == "rabbitmq" else None,
    }
    return {setting: path for setting, path in files.items() if path is not None}


class Container(containers.DeclarativeContainer):
    """The object graph, on a store; what a Selector does not choose is never made, nor opened."""

    settings = providers.Dependency(instance_of=Settings)
    store: Any = providers.DependenciesContainer()
    registry = providers.Singleton(new_registry)
    port_metrics = providers.Singleton(Metrics, registry)
    lifecycle = providers.Singleton(Lifecycle)
    tracing = providers.Singleton(tracing_of, settings)

    profiles = providers.Singleton(
        traced,  # outermost, so that each trace has the calls that were made for it
        providers.Singleton(
            GatheredProfiles,  # outside, so that the metrics count the calls that are made
            providers.Singleton(ObservedProfiles, store.profiles, port_metrics),
        ),
        tracing,
        "profiles",
    )
    log = providers.Singleton(
        traced, providers.Singleton(ObservedLog, store.log, port_metrics), tracing, "log"
    )
    caching = providers.Container(
        Caching,
        settings=settings,
        registry=registry,
        port_metrics=port_metrics,
        profiles=profiles,
        log=log,
        tracing=tracing,
    )
    feed = providers.Singleton(Feed, caching.cache, log, caching.relay, store_era=store.era)
    service = providers.Singleton(
        ProfileService,
        profiles,
        log,
        feed,
        tombstones_kept=settings.provided.tombstones_kept,
        announce=feed.provided.wake,
        known=feed.provided.known,
    )
    endings = providers.Singleton(ObservedEndings, store.endings, port_metrics)
    task_feed = providers.Singleton(TaskFeed, endings)
    woken = providers.Singleton(asyncio.Event)
    imaging = providers.Container(
        Imaging,
        settings=settings,
        registry=registry,
        port_metrics=port_metrics,
        service=service,
        holds=store.holds,
        tasks=store.tasks,
        woken=woken,
    )
    media = providers.Callable(media_of, settings)
    about = providers.Singleton(TasksAbout, store.tasks, store.tasks)
    export = providers.Singleton(PersonExport, service, log, about, media)
    erasure = providers.Singleton(PersonErasure, service, profiles, log, caching.cache, about)
    handlers = providers.Singleton(_handlers, settings, export, erasure, imaging.collector, tracing)
    tasking = providers.Container(
        Tasking,
        settings=settings,
        registry=registry,
        port_metrics=port_metrics,
        woken=woken,
        upkeep=store.tasks,
        handlers=handlers,
        log=log,
        feed=feed,
        bookmark=store.bookmark,
        tracing=tracing,
    )
    person = providers.Singleton(PersonService, service, export, tasking.service)
    limiting = providers.Container(
        Limiting, settings=settings, registry=registry, server=caching.server
    )
    access = providers.Container(Access, settings=settings, tokens=store.tokens)
    servers = providers.Singleton(DatabaseServers, registry, store.servers)
    followed = providers.Singleton(
        FollowedLog,
        registry,
        providers.Callable(lambda feed: lambda: feed.current, feed),
    )
    disk = providers.Singleton(Disk, registry, settings.provided.data_dir)
    certificates = providers.Singleton(
        Certificates, registry, providers.Callable(_certificate_files, settings)
    )
    lag = providers.Singleton(LoopLag, registry)
    resources = providers.Singleton(Resources, settings.provided.data_dir, lag)
    metrics = providers.Singleton(HttpMetrics, registry)
    policy = providers.Singleton(
        Policy,
        require_if_match=settings.provided.require_if_match,
        idempotency_kept=settings.provided.idempotency_kept,
        media=media,
        ops_port=settings.provided.ops_port,
    )
    bounds = providers.Singleton(
        Bounds,
        rates=providers.Callable(rates_of, settings),
        trusted_proxies=settings.provided.trusted_proxies,
        requests_max=settings.provided.requests_max,
    )
