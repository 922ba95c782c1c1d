"""The web client: one page and its files, as they were built, from this installation."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from litestar import Request, Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter

from profilecore.entrypoints.http.access import PUBLIC
from profilecore.entrypoints.http.media import IMMUTABLE
from profilecore.entrypoints.http.tags import is_known
from profilecore.entrypoints.policy import Policy
from profilecore.errors import NotFound

BUILT: Final = Path(__file__).parents[1] / "web" / "built"
_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
# The one place that says what the page may do: what came from here runs, and nobody else is asked.
# Pictures that are chosen are shown before they are sent (blob:), previews are drawn (data:).
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src {images}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Built:
    """One file that was built."""

    data: bytes
    gzipped: bytes
    media_type: str
    tag: str

    @classmethod
    def of(cls, path: Path) -> "Built":
        """Raises KeyError for a kind of file that the client has none of."""
        data = path.read_bytes()
        tag = hashlib.sha256(data).hexdigest()[:32]
        return cls(data, gzip.compress(data, mtime=0), _TYPES[path.suffix], tag)

    def answer(self, known: str | None, taken: str | None, **headers: str) -> Response[bytes]:
        """The file, or that it is `known`; a third of its bytes go where gzip is `taken`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given["Vary"] = "Accept-Encoding"
        body, tag = self.data, f'"{self.tag}"'
        if _takes_gzip(taken or ""):
            body, tag = self.gzipped, f'"{self.tag}-gzip"'
            given["Content-Encoding"] = "gzip"
        given["ETag"] = tag
        if is_known(known, tag):
            given.pop("Content-Encoding", None)
            return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=given)
        return Response(body, headers=given, media_type=self.media_type)


def _takes_gzip(accepted: str) -> bool:
    """Whether `Accept-Encoding` names it, with a weight that is not 0 (RFC 9110, 12.5.3)."""
    for part in accepted.lower().replace(" ", "").split(","):
        name, _, weight = part.partition(";q=")
        if name == "gzip":
            return weight == "" or weight.strip("0.") != ""
    return False


IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match")]
AcceptEncoding = Annotated[str | None, HeaderParameter(name="Accept-Encoding")]


def content_policy(media: str) -> str:
    """The Content-Security-Policy of the page, where images are served below `media`."""
    parts = urlsplit(media)
    elsewhere = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return _POLICY.format(images=f"'self' blob: data:{elsewhere}")


@get("/", access=PUBLIC)
async def _page(
    policy: NamedDependency[Policy],
    if_none_match: IfNoneMatch = None,
    accept_encoding: AcceptEncoding = None,
) -> Response[bytes]:
    return _files()["index.html"].answer(
        if_none_match,
        accept_encoding,
        Cache_Control="no-cache",
        Content_Security_Policy=content_policy(policy.media),
        Cross_Origin_Opener_Policy="same-origin",
    )


@get("/assets/{name:str}", access=PUBLIC)
async def _asset(
    request: Request[Any, Any, Any],
    name: FromPath[str],
    if_none_match: IfNoneMatch = None,
    accept_encoding: AcceptEncoding = None,
) -> Response[bytes]:
    file = _files().get(f"assets/{name}")
    # Under its one spelling alone, since caches keep it for ever.
    if file is None or request.scope["raw_path"] != f"/assets/{name}".encode():
        raise NotFound("The web client has no such file; load the page anew.")
    return file.answer(if_none_match, accept_encoding, Cache_Control=IMMUTABLE)


@cache
def _files() -> dict[str, Built]:
    paths = [path for path in BUILT.rglob("*") if path.is_file()]
    return {path.relative_to(BUILT).as_posix(): Built.of(path) for path in paths}


def web_client() -> Router:
    """The routes of the page; the names of its other files hold the hash of what is in them."""
    return Router("/", route_handlers=[_page, _asset], include_in_schema=False)
