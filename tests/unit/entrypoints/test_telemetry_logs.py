"""Log lines: whole, safe, with their request id."""

import asyncio
import io
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from loguru import logger

from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.telemetry import configure_logging, flush_logs, request_id
from profilecore.entrypoints.telemetry.logs import Intercepted

Lines = Callable[[], list[dict[str, Any]]]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Unshowable:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.fixture(autouse=True)
def _standard_logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logger.remove()
    logger.configure(patcher=lambda record: None)
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def configured(stream: io.StringIO, **env: str) -> io.StringIO:
    configure_logging(Settings.read("dev", env), stream)
    return stream


@pytest.fixture
def lines() -> Lines:
    stream = configured(
        io.StringIO(), DB_PASSWORD="hunter2", REDIS_PASSWORD="abc", LOG_LEVEL="debug"
    )

    def read() -> list[dict[str, Any]]:
        flush_logs()
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    return read


def test_a_line_is_one_json_object(lines: Lines) -> None:
    logger.bind(status=200, path="/x").info("answered")
    (line,) = lines()
    at = line.pop("time")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", at)
    assert line == {
        "level": "info",
        "message": "answered",
        "logger": __name__,
        "request_id": None,
        "status": 200,
        "path": "/x",
    }


async def test_each_line_has_the_id_of_its_own_request(lines: Lines) -> None:
    async def answer(name: str) -> None:
        request_id.set(name)
        await asyncio.sleep(0)
        logger.info(name)
        logging.getLogger("library").info(name)

    await asyncio.gather(*(answer(f"r{index}") for index in range(20)))
    logger.info("outside")
    found = lines()
    assert len(found) == 41
    assert all(line["request_id"] == line["message"] for line in found[:-1])
    assert found[-1]["request_id"] is None


def test_an_exception_is_text_without_the_values_of_variables(lines: Lines) -> None:
    number = "12345678" + " hunter2"
    try:
        int(number)
    except ValueError:
        logger.exception("failed")
    (line,) = lines()
    assert line["level"] == "error"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("base 10: '12345678 ***'\n")
    assert line["exception"].count("12345678") == 1


@pytest.mark.parametrize(
    "write",
    [
        lambda: logger.info("it is hunter2"),
        lambda: logger.info("{}", "hunter2"),
        lambda: logger.bind(url="postgres://u:hunter2@db").info("x"),
        lambda: logger.bind(deep={"hunter2": [("hunter2",)]}).info("x"),
        lambda: logger.bind(raw=b"hunter2", thing=ValueError("hunter2")).info("x"),
        lambda: logging.getLogger("library").warning("%s", "hunter2"),
        lambda: logging.getLogger("library").warning("x", exc_info=ValueError("hunter2")),
        lambda: warnings.warn("hunter2", stacklevel=1),
    ],
)
@pytest.mark.filterwarnings("always")
@pytest.mark.parametrize("form", ["json", "text"])
def test_a_secret_is_never_written(write: Callable[[], None], form: str) -> None:
    stream = configured(io.StringIO(), DB_PASSWORD="hunter2", LOG_FORMAT=form)
    write()
    flush_logs()
    assert "hunter2" not in stream.getvalue()
    assert "***" in stream.getvalue()


def test_a_short_secret_is_hidden_as_a_word_and_not_within_others(lines: Lines) -> None:
    logger.info("abc, abcd, 'abc'")
    assert lines()[0]["message"] == "***, abcd, '***'"


def test_a_number_can_be_a_secret_too() -> None:
    stream = configured(io.StringIO(), DB_PASSWORD="12345678")
    logger.bind(pin=12345678, port=5432).info("x")
    flush_logs()
    line = json.loads(stream.getvalue())
    assert (line["pin"], line["port"]) == ("***", 5432)


def test_whatever_is_logged_a_line_comes_out(lines: Lines) -> None:
    endless: list[Any] = []
    endless.append(endless)
    logger.bind(a=endless, b=Unshowable(), c=float("nan"), d={1, 2}, e=1.5, f=1 << 70).info("x")
    logger.info("lone \ud800, {no format}, <red>no markup</red>")
    first, second = lines()
    assert first["b"] == "<Unshowable: RuntimeError when shown>"
    assert (first["c"], first["d"], first["e"], first["f"]) == ("nan", [1, 2], 1.5, 1 << 70)
    assert second["message"] == "lone \ud800, {no format}, <red>no markup</red>"


def test_a_field_cannot_pretend_to_be_another(lines: Lines) -> None:
    logger.bind(level="debug", message="other", _line="forged").error("real")
    (line,) = lines()
    assert (line["level"], line["message"]) == ("error", "real")
    assert (line["extra_level"], line["extra_message"]) == ("debug", "other")
    assert "_line" not in line


def test_the_standard_librarys_loggers_end_up_here(lines: Lines) -> None:
    logging.getLogger("uvicorn.error").info("up on %d", 80)
    logging.getLogger("asyncio").debug("chatter")
    logging.getLogger("other").log(35, "between two levels")
    up, between = lines()
    assert (up["logger"], up["message"], up["level"]) == ("uvicorn.error", "up on 80", "info")
    assert between["message"] == "between two levels"


def test_wrong_arguments_of_a_library_are_its_own_problem(lines: Lines) -> None:
    # Not through a logger, on which pytest has a handler of its own that is stricter.
    for message, arguments in (("%d things", ("many",)), (Unshowable(), ())):
        record = logging.LogRecord("sloppy", logging.INFO, "x.py", 1, message, arguments, None)
        Intercepted().emit(record)
    sloppy, worse = lines()
    assert sloppy["message"] == "%d things ['many']"
    assert "RuntimeError" in worse["message"]


def test_lines_below_the_level_are_left_out() -> None:
    stream = configured(io.StringIO(), LOG_LEVEL="error")
    logger.warning("x")
    logging.getLogger("other").warning("x")
    logger.error("y")
    flush_logs()
    assert stream.getvalue().count("\n") == 1


def test_a_terminal_gets_text_with_colours_unless_it_wants_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = configured(Terminal())
    logger.bind(status=200).info("answered")
    flush_logs()
    assert re.search("\x1b\\[.*INFO.*answered  status=200", stream.getvalue())
    monkeypatch.setenv("NO_COLOR", "1")
    stream = configured(Terminal())
    logger.info("answered")
    flush_logs()
    assert "answered" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_message_cannot_forge_a_line_or_steer_a_terminal() -> None:
    stream = configured(io.StringIO(), LOG_FORMAT="text")
    logger.bind(agent="x\x1b[2J").info("a\n12:00:00.000 ERROR fake\r")
    logger.opt(exception=ValueError("\x1b[31m\nline")).error("failed")
    flush_logs()
    text = stream.getvalue()
    assert "\x1b" not in text
    assert text.splitlines()[0].endswith(r"a\n12:00:00.000 ERROR fake\r  agent=x\x1b[2J")
    assert r"ValueError: \x1b[31m" in text
