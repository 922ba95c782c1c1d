"""Which methods a path takes, told the same by OPTIONS and by a 405."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from litestar import Request, Response


def allow(methods: Iterable[str]) -> str:
    """The Allow header: whatever can be got can be asked for its headers alone."""
    allowed = set(methods)
    if "GET" in allowed:
        allowed.add("HEAD")
    return ", ".join(sorted(allowed))


def options(request: Request[Any, Any, Any]) -> Response[None]:
    """Answer OPTIONS; Litestar's own answer leaves out handlers that came after the first."""
    template = request.scope["path_template"]
    route = next(route for route in request.app.routes if route.path_format == template)
    headers = {"Allow": allow(route.methods)}
    return Response(None, status_code=HTTPStatus.NO_CONTENT, headers=headers)
