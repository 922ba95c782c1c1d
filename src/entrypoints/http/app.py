"""The HTTP application, put together."""

from collections.abc import Callable
from functools import partial
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.config.app import AppConfig
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.routes import HTTPRoute

from profilecore.entrypoints.http import (
    batch,
    events,
    images,
    lists,
    media,
    person,
    profiles,
    system,
    tasks,
)
from profilecore.entrypoints.http.access import Guard, access_of, caller_of, declared, within_reach
from profilecore.entrypoints.http.addresses import Addresses
from profilecore.entrypoints.http.documentation import CONFIG, document, documentation
from profilecore.entrypoints.http.edge import Edge
from profilecore.entrypoints.http.idempotency import Keys
from profilecore.entrypoints.http.limits import Limits
from profilecore.entrypoints.http.load import Load
from profilecore.entrypoints.http.methods import options
from profilecore.entrypoints.http.problems import respond
from profilecore.entrypoints.http.queries import check_query
from profilecore.entrypoints.http.short_path import ShortPath
from profilecore.entrypoints.http.uploads import Uploads
from profilecore.entrypoints.http.web_client import web_client
from profilecore.entrypoints.many import Exposition
from profilecore.entrypoints.parts import Parts
from profilecore.entrypoints.policy import Policy
from profilecore.errors import ProfilecoreError
from profilecore.images import ImageService
from profilecore.person import PersonService
from profilecore.service import ProfileService

_INJECTED = (
    *("service", "images", "person", "tasks", "blobs", "feed", "task_feed"),
    *("lifecycle", "checks", "policy", "in_fallback"),
)


class _Application(Litestar):
    @staticmethod
    def _patch_opentelemetry_middleware(config: AppConfig) -> AppConfig:
        # Litestar imports OpenTelemetry wherever it is installed, for the sake of a middleware
        # that is not used here: nothing of it shall be there unless it is asked for.
        return config


def create_app(
    parts: Parts, *, api: bool = True, short: bool = True, exposition: Exposition | None = None
) -> Edge:
    """The ASGI application; opening and closing the parts is the caller's.

    Without the `api` it has health and metrics alone; without the `short` path every request goes
    through a route. Its metrics are this process' own, where no `exposition` tells of others.
    """
    guard = _guard(parts)
    shortly = ShortPath(guard, parts.service, parts.policy, parts.in_fallback)
    told = exposition or Exposition(parts.registry, None)
    return _edge(parts)(
        _build(parts, None, guard, told, api=api),
        parts.metrics,
        parts.lifecycle,
        Load(parts.bounds.requests_max, refused=parts.limit_metrics.refused),
        short=shortly if api and short else None,
        body_timeout=parts.body_timeout,
        spared_port=parts.policy.ops_port,
    )


def _edge(parts: Parts) -> Callable[..., Edge]:
    if parts.tracing is None:
        return Edge
    from profilecore.entrypoints.http.traced import TracedEdge

    return partial(TracedEdge, parts.tracing)


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document, without a store behind the operations."""
    return document(_build(None, CONFIG, None))


def _api() -> Router:
    return Router(
        "/api/v1",
        route_handlers=[
            Router(
                "/profiles",
                route_handlers=[
                    profiles.create,
                    profiles.read,
                    profiles.update,
                    profiles.merge,
                    profiles.remove,
                    profiles.restore,
                    lists.index,
                    lists.export,
                    batch.batch,
                    events.history,
                    person.export,
                    person.erase,
                ],
                tags=["Profiles"],
            ),
            Router(
                "/profiles",
                route_handlers=[images.upload, images.index, images.remove, images.avatar],
                tags=["Images"],
            ),
            Router(
                "/tasks",
                route_handlers=[
                    tasks.submit,
                    tasks.read,
                    tasks.index,
                    tasks.cancel,
                    tasks.reschedule,
                    tasks.retry,
                ],
                tags=["Tasks"],
            ),
            Router("/", route_handlers=[events.follow], tags=["Events"]),
        ],
    )


def _build(
    parts: Parts | None,
    openapi: OpenAPIConfig | None,
    guard: Guard | None,
    exposition: Exposition | None = None,
    *,
    api: bool = True,
) -> Litestar:
    """The routes; without parts they can be described, but not called."""
    operations = Router(
        "/",
        route_handlers=[system.health, system.live, system.ready, system.metrics],
        tags=["System"],
    )
    keys = Keys((parts.policy if parts else Policy()).idempotency_kept)
    uploads = Uploads()
    uploads.sweep()
    files = Router("/", route_handlers=[media.media], tags=["Images"])
    routes = [_api(), files, documentation(openapi_document), web_client()] if api else []
    app = _Application(
        route_handlers=[*routes, operations],
        dependencies={
            "keys": _constant(keys),
            "uploads": _constant(uploads),
            "exposition": _constant(exposition),
            "caller": Provide(caller_of, sync_to_thread=False),
            **{name: _constant(getattr(parts, name, None)) for name in _INJECTED},
            **({} if parts is None else _of_caller(parts)),
        },
        exception_handlers={ProfilecoreError: respond, Exception: respond},
        guards=[] if guard is None else [guard],
        before_request=_before,
        openapi_config=openapi,
        logging_config=None,
    )
    list(declared(app))  # an operation that says nothing of who may call it ends the start
    _resolve_in_turn(app)
    return app


def _resolve_in_turn(app: Litestar) -> None:
    """Have what is injected made one after the other.

    Litestar begins a task for each, as if one of them waited for something; none of ours does, and
    the tasks were a quarter of what a request costs.
    """
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for _, model in route.route_handler_map.values():
                batches = model.dependency_batches
                model.dependency_batches = [{each} for batch in batches for each in batch]


def _guard(parts: Parts) -> Guard:
    addresses = Addresses(parts.bounds.trusted_proxies or ())
    limits = Limits(parts.limiter, parts.bounds.rates, addresses, parts.limit_metrics)
    return Guard(parts.authenticator, limits, parts.policy)


def _of_caller(parts: Parts) -> dict[str, Provide]:
    """What is not the same for every caller."""

    def service(request: Request[Any, Any, Any]) -> ProfileService:
        return within_reach(parts.service, caller_of(request), access_of(request.route_handler))

    def images(request: Request[Any, Any, Any]) -> ImageService:
        return parts.images.on(service(request))

    def person(request: Request[Any, Any, Any]) -> PersonService:
        return parts.person.on(service(request))

    return {
        provided.__name__: Provide(provided, sync_to_thread=False)
        for provided in (service, images, person)
    }


async def _before(request: Request[Any, Any, Any]) -> Response[None] | None:
    if request.method == "OPTIONS":
        return options(request)
    check_query(request)
    return None


def _constant(value: Any) -> Provide:
    return Provide(lambda: value, use_cache=True, sync_to_thread=False)
