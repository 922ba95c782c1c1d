"""Files on their way in: to the disk part by part, bounded in size, time and number."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any, Final

from litestar import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from profilecore.entrypoints.http.problems import Refusal
from profilecore.entrypoints.http.reading import refuse_encoded
from profilecore.errors import Invalid, Unavailable
from profilecore.image import BYTES_MAX

FIELDS: Final = ("image", "file")
BODY_MAX: Final = BYTES_MAX + 64 * 1024  # what stands around the file
AT_ONCE: Final = 64
LEFT_FOR: Final = 3600.0
TOO_LARGE: Final = f"The file has more than {BYTES_MAX:,} bytes, the most that an image may have."
_PREFIX: Final = "profilecore-upload-"
_PARTS_MAX: Final = 8
_WRITTEN_AT_ONCE: Final = 256 * 1024


class Uploads:
    """Takes at most `most` files at a time into `folder`, each for as long as it is worked on."""

    def __init__(self, folder: Path | None = None, *, most: int = AT_ONCE) -> None:
        self._folder = folder or Path(tempfile.gettempdir())
        self._most = most
        self._under_way = 0

    def sweep(self) -> None:
        """Remove what processes that were killed have left here."""
        for path in self._folder.glob(f"{_PREFIX}*"):
            with suppress(OSError):  # somebody else's, or another process was faster
                if path.stat().st_mtime < time.time() - LEFT_FOR:
                    path.unlink()

    @asynccontextmanager
    async def received(self, request: Request[Any, Any, Any]) -> AsyncIterator[Path]:
        """Where the file of a form is, until the block ends.

        Raises Refusal `too_large` and `unsupported_media_type`, Invalid for a form that cannot be
        read or is another, Unavailable where too many are under way or the disk is full.
        """
        refuse_encoded(request)
        boundary = _boundary(request.headers.get("content-type", ""))
        if self._under_way >= self._most:
            detail = f"{self._most} uploads are under way, as many as are taken: try again."
            raise Unavailable(detail, retry_after=2)
        self._under_way += 1
        try:
            with _file(self._folder) as (path, file):
                await _receive(request, boundary, file)
                yield path
        finally:
            self._under_way -= 1


class _Sink:
    """Writes in large pieces, in a thread, and not more than an image may have."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._waiting = bytearray()
        self._size = 0

    async def write(self, data: bytes | bytearray) -> None:
        self._size += len(data)
        if self._size > BYTES_MAX:
            raise Refusal(TOO_LARGE, code="too_large")
        self._waiting += data
        if len(self._waiting) >= _WRITTEN_AT_ONCE:
            await self.flush()

    async def flush(self) -> None:
        data, self._waiting = self._waiting, bytearray()
        try:
            await asyncio.to_thread(self._write, data)
        except OSError as error:
            raise Unavailable("The upload could not be written to the disk.") from error

    def _write(self, data: bytearray) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]


async def _receive(request: Request[Any, Any, Any], boundary: str, file: FileIO) -> None:
    sink, found = _Sink(file), None
    try:
        # Not its strict mode, which refuses the end of a line behind the form, if that comes by
        # itself. Every byte is a letter of the charset: the names of files are not looked at.
        parser = PushMultipartParser(
            boundary, max_segment_count=_PARTS_MAX, header_charset="latin-1"
        )
        async for chunk in request.stream():
            for event in parser.parse(chunk) if chunk else ():
                if isinstance(event, MultipartSegment):
                    found = _checked(event, found)
                elif event is not None and found is not None:
                    await sink.write(event)
        parser.close()
    except MultipartError as error:
        detail = f"The form cannot be read: {error}."
        raise Invalid(detail, code="malformed") from error
    await sink.flush()
    if found is None:
        raise Invalid.field("image", "is required: the part with the file")


def _checked(part: MultipartSegment, before: MultipartSegment | None) -> MultipartSegment:
    options = parse_options_header(part.header("Content-Disposition") or "")[1]
    name = options.get("name", "")
    if name not in FIELDS:
        raise Invalid.field("form", "takes one part with a file, called image (or file)")
    if before is not None:
        raise Invalid.field(name, "is given twice: send one image at a time")
    return part


def _boundary(content_type: str) -> str:
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data":
        sent = kind or "nothing"
        detail = f"The body is {sent}; send multipart/form-data with the file as its part image."
        raise Refusal(detail, code="unsupported_media_type")
    boundary = str(options.get("boundary", ""))
    if not boundary:
        detail = "Content-Type does not say the boundary; send multipart/form-data; boundary=…"
        raise Refusal(f"{detail}, as what makes the form has it.", code="unsupported_media_type")
    return boundary


@contextmanager
def _file(folder: Path) -> Iterator[tuple[Path, FileIO]]:
    """A file of one's own that is gone afterwards."""
    try:
        number, name = tempfile.mkstemp(prefix=_PREFIX, dir=folder)
    except OSError as error:
        raise Unavailable("There is no room for uploads.") from error
    try:
        # Without a buffer: what a full disk did not take would be tried again when it is closed.
        with os.fdopen(number, "wb", buffering=0) as file:
            yield Path(name), file
    finally:
        Path(name).unlink(missing_ok=True)
