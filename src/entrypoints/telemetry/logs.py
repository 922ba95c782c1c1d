"""Log lines: JSON for machines, text for people, each with its request id and without secrets."""

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, TextIO

from loguru import logger

from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.telemetry.redaction import Hide, hider, plain
from profilecore.entrypoints.telemetry.request_log import JsonLines, RequestLog, put_record
from profilecore.entrypoints.telemetry.writer import LineWriter

if TYPE_CHECKING:
    from loguru import Record

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that the current task answers, None outside of one."""

_trace_id: Callable[[], str | None] | None = None
_writer: LineWriter | None = None
_requests: RequestLog | None = RequestLog(put_record)

_LINE: Final = "_line"
_FIRST: Final = ("request_id", "trace_id")
_ESCAPED: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_QUIET: Final = {
    "uvicorn.access": logging.WARNING,
    "asyncio": logging.WARNING,
    "pika": logging.CRITICAL,  # ten lines for each try to connect; the adapter says what changes
}
# Templates that loguru fills in; _line holds what the function that returned one has made.
_JSON: Final = "{extra[_line]}\n"
_TEXT: Final = "<dim>{time:HH:mm:ss.SSS}</dim> <level>{level: <8}</level> {extra[_line]}\n"


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every log line of the process, the standard library's too, to standard error.

    Lines are written by a thread, so that a slow reader does not hold the event loop up;
    `flush_logs` waits for it, and so does the interpreter's own end.
    """
    global _writer, _requests  # noqa: PLW0603 - there is one log in a process
    stream = stream or sys.stderr
    on_terminal = stream.isatty()
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not on_terminal)
    hide = hider(settings.secrets())
    logger.remove()
    _writer = LineWriter(stream)
    logger.configure(patcher=lambda record: _make_safe(record, hide))
    logger.add(
        _writer,
        level=settings.log_level.upper(),
        format=_json_line if as_json else _text_line,
        colorize=not as_json and on_terminal and not os.environ.get("NO_COLOR"),
        backtrace=False,
        diagnose=False,
    )
    _intercept(settings.log_level.upper())
    put = JsonLines(_writer.write, hide, _traced).put if as_json else put_record
    wanted = settings.log_level in ("debug", "info")
    _requests = RequestLog(put, settings.access_log / 100) if wanted else None


def follow_traces(trace_id: Callable[[], str | None]) -> None:
    """Have each line say in which trace it was written; `trace_id` gives None outside of one."""
    global _trace_id  # noqa: PLW0603 - there is one log in a process
    _trace_id = trace_id


def _traced() -> str:
    """The trace, as it stands in a line of JSON; nothing where nothing is traced."""
    if _trace_id is None:
        return ""
    trace_id = _trace_id()
    return '"trace_id":null,' if trace_id is None else f'"trace_id":"{trace_id}",'


def log_request(method: str, path: str, status: int, seconds: float) -> None:
    """Have the line written of a request that has ended."""
    if _requests is not None:
        _requests.note(request_id.get(), method, path, status, seconds)


def flush_logs() -> None:
    """Return when every line that was logged before has been written."""
    if _writer is not None:
        _writer.drain()


class Intercepted(logging.Handler):
    """Hands what the standard library's loggers get to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        known = record.levelname in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
        level = record.levelname if known else record.levelno

        def as_logged(made: "Record") -> None:
            made["name"] = record.name

        logger.patch(as_logged).opt(exception=record.exc_info).log(level, "{}", _message(record))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # somebody's wrong arguments, which must not become their caller's error
        return f"{plain(record.msg, str)} {plain(record.args, str)}"


def _intercept(level: str) -> None:
    logging.basicConfig(handlers=[Intercepted()], level=level, force=True)
    logging.captureWarnings(capture=True)
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelName(level)))


def _make_safe(record: "Record", hide: Hide) -> None:
    # From here on there are plain values only, whichever sink they go to.
    record["message"] = hide(record["message"])
    record["extra"] = plain(record["extra"], hide)
    record["extra"].setdefault("request_id", request_id.get())
    if _trace_id is not None:
        record["extra"].setdefault("trace_id", _trace_id())
    failure = record["exception"]
    if failure is not None:
        lines = traceback.format_exception(failure.type, failure.value, failure.traceback)
        record["extra"]["exception"] = hide("".join(lines))
        record["exception"] = None


def _json_line(record: "Record") -> str:
    extra = record["extra"]
    line: dict[str, Any] = {
        "time": record["time"].astimezone(UTC).isoformat("T", "microseconds")[:-6] + "Z",
        "level": record["level"].name.lower(),
        "message": record["message"],
        "logger": record["name"],
        **{key: extra[key] for key in _FIRST if key in extra},
    }
    for key, value in extra.items():
        if key not in (_LINE, *_FIRST):
            line[f"extra_{key}" if key in line else key] = value
    extra[_LINE] = json.dumps(line, ensure_ascii=True, separators=(",", ":"))
    return _JSON


def _text_line(record: "Record") -> str:
    extra = record["extra"]
    parts = [_visible(record["message"])]
    parts += [
        f"{key}={_visible(str(value))}"
        for key, value in extra.items()
        if key not in (_LINE, "exception") and value is not None
    ]
    failure = extra.get("exception")
    if failure is not None:
        parts[-1] += "".join(f"\n{_visible(line)}" for line in failure.splitlines())
    extra[_LINE] = "  ".join(parts)
    return _TEXT


def _visible(text: str) -> str:
    # A line break or a terminal's control sequence in a message could pretend to be another line.
    return _ESCAPED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
