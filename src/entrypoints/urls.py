"""What URLs may stand in settings: where images are kept, and where they are served from."""

import re
from typing import Final
from urllib.parse import urlsplit

from profilecore.entrypoints.variables import Kind

MEMORY: Final = "memory:"
FILE: Final = "file:"
_BUCKET: Final = re.compile(
    r"(s3|gs|az)://[A-Za-z0-9][A-Za-z0-9._-]{0,62}(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*/?"
)
_FOLDER: Final = re.compile(r"file:(?:///|(?!//)).*[^/\s].*")
_VISIBLE: Final = re.compile(r"[!-~]{1,2000}")


def _blobs_url(text: str) -> str:
    folder = _FOLDER.fullmatch(text) and text.isprintable()
    if text != MEMORY and not _BUCKET.fullmatch(text) and not folder:
        raise ValueError(text)
    return text.rstrip("/")


def _web_url(text: str) -> str:
    parts = urlsplit(text)
    plain = _VISIBLE.fullmatch(text) and not any(mark in text for mark in "@?#\\")
    if not plain or parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(text)
    return text.rstrip("/")


def _web_urls(text: str) -> tuple[str, ...]:
    return tuple(_web_url(part.strip()) for part in text.split(","))


BLOBS = Kind("file:path, s3://bucket/prefix, gs://bucket, az://container or memory:", _blobs_url)
WEB_URL = Kind("http(s)://host:port/path", _web_url)
WEB_URLS = Kind("http(s)://host:port, several separated by commas", _web_urls)
