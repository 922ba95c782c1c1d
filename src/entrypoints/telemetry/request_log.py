"""A line for each request, at little cost: there may be tens of thousands a second."""

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias

from loguru import logger

from profilecore.entrypoints.telemetry.redaction import Hide
from profilecore.entrypoints.telemetry.writer import Line

Put: TypeAlias = Callable[[str | None, str, str, int, float], None]
"""Writes of a request: its id, its method, its path, the status and the seconds it took."""

ERRORS: Final = 400


class RequestLog:
    """Puts down every request that ended in an error and, at random, a `part` of the others."""

    def __init__(self, put: Put, part: float = 1.0) -> None:
        self._put = put
        self._part = part

    def note(self, name: str | None, method: str, path: str, status: int, seconds: float) -> None:
        """A request has ended."""
        if status >= ERRORS or self._part >= 1 or random.random() < self._part:  # noqa: S311
            self._put(name, method, path, status, seconds)


class JsonLines:
    """Writes the JSON lines that the log would, without a record for each on its way there.

    `traced` gives what a line says of the current trace: a member and a comma, or nothing.
    """

    def __init__(
        self,
        write: Callable[[Line], None],
        hide: Hide,
        traced: Callable[[], str] = str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._write = write
        self._hide = hide
        self._traced = traced
        self._clock = clock
        self._second = 0.0
        self._time = ""  # that second, written out

    def put(self, name: str | None, method: str, path: str, status: int, seconds: float) -> None:
        """Have the line of one request written."""
        at, traced = self._clock(), self._traced()
        self._write((self._made, (at, name, traced, method, path, status, seconds)))

    def _made(
        self,
        at: float,
        name: str | None,
        traced: str,
        method: str,
        path: str,
        status: int,
        seconds: float,
    ) -> str:
        # Nothing but ASCII: some of the rest ends a line, to some who read it.
        path, name = json.dumps(self._hide(path))[1:-1], json.dumps(name and self._hide(name))
        return (
            f'{{"time":"{self._written(at)}","level":"info","message":"{method} {path} {status}",'
            f'"logger":"{__name__}","request_id":{name},{traced}"method":"{method}","path":"{path}",'
            f'"status":{status},"duration_ms":{_milliseconds(seconds)}}}\n'
        )

    def _written(self, at: float) -> str:
        second, part = divmod(at, 1)
        if second != self._second:
            self._second = second
            self._time = datetime.fromtimestamp(second, UTC).isoformat()[:-6]
        return f"{self._time}.{int(part * 1_000_000):06}Z"


def put_record(name: str | None, method: str, path: str, status: int, seconds: float) -> None:
    """Give one request to the log, as all else is."""
    logger.bind(
        request_id=name,
        method=method,
        path=path,
        status=status,
        duration_ms=_milliseconds(seconds),
    ).info("{} {} {}", method, path, status)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
