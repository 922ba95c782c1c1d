"""A task that is asked for: what may be asked, and what comes of it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from profilecore.errors import FieldError, Invalid
from profilecore.identifiers import new_id
from profilecore.receipt import Receipt
from profilecore.task import Task

PAYLOAD_MAX: Final = 256 * 1024  # bytes of JSON
DEPTH_MAX: Final = 100  # values inside values, far below where a decoder or an encoder gives up
DELAY_MAX: Final = timedelta(days=30)
PRIORITY_MAX: Final = 9
ATTEMPTS_MAX: Final = 100
ATTEMPTS: Final = 5
KEY_MAX: Final = 255
TYPE_MAX: Final = 100
CLOCKS_DIFFER: Final = timedelta(seconds=10)

TYPE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_KEY: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_SPAN: Final = re.compile(
    r"(?=\d)(?:(?P<d>\d{1,9})d)?(?:(?P<h>\d{1,9})h)?(?:(?P<m>\d{1,9})m)?"
    r"(?:(?P<s>\d{1,9}(?:\.\d{1,6})?)s)?",
    re.ASCII,
)
A_DELAY: Final = "must be seconds such as 30, or a text such as 90s, 5m or 1h30m, up to 30 days"
TOO_DEEP: Final = f"must have at most {DEPTH_MAX} values inside one another"
A_TIME: Final = "must be a time with its zone, such as 2026-11-26T13:00:00Z, at most 30 days on"
_AN_OBJECT: Final = "must be an object of JSON, with text that has a UTF-8 form"
A_PRIORITY: Final = "must be from 0 to 9"
_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
NOT_BOTH: Final = "and delay are both given; give one of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody wants to be done, after `delay` or at `run_at`.

    `trace` travels with the task, such as the id of the request that it came from. `receipt` is
    kept if the task is added. Raises Invalid that names every field at fault.
    """

    type: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    delay: timedelta = timedelta(0)
    run_at: datetime | None = None
    priority: int = 0
    max_attempts: int = ATTEMPTS
    unique_key: str | None = None
    trace: Mapping[str, str] = field(default_factory=dict)
    id: UUID = field(default_factory=new_id)
    receipt: Receipt | None = None

    def __post_init__(self) -> None:
        errors = [
            FieldError(name, message)
            for name, good, message in (
                ("type", _is_type(self.type), "must be a word such as http.callback"),
                ("delay", timedelta(0) <= self.delay <= DELAY_MAX, A_DELAY),
                ("priority", 0 <= self.priority <= PRIORITY_MAX, A_PRIORITY),
                ("max_attempts", 1 <= self.max_attempts <= ATTEMPTS_MAX, "must be from 1 to 100"),
                ("unique_key", _is_key(self.unique_key), "must be 1 to 255 printable characters"),
            )
            if not good
        ]
        if self.run_at is not None and self.delay:
            errors.append(FieldError("run_at", NOT_BOTH))
        if self.run_at is not None and self.run_at.utcoffset() is None:
            errors.append(FieldError("run_at", A_TIME))
        try:
            object.__setattr__(self, "payload", _plain(self.payload))
        except Invalid as refused:
            errors += refused.errors
        if errors:
            detail = f"Not valid: {', '.join(error.field for error in errors)}."
            raise Invalid(detail, errors=errors)

    def task(self, at: datetime) -> Task:
        """The task that this makes at time `at`. Raises Invalid for a `run_at` out of bounds."""
        run_at = at + self.delay if self.run_at is None else within_reach(self.run_at, at)
        return Task(
            id=self.id,
            type=self.type,
            payload=self.payload,
            run_at=run_at,
            due_at=run_at,
            created_at=at,
            updated_at=at,
            priority=self.priority,
            max_attempts=self.max_attempts,
            unique_key=self.unique_key,
            trace=self.trace,
        )


def within_reach(run_at: datetime, at: datetime) -> datetime:
    """The time in UTC, as far as a task may be put off; Invalid for one in the past, or too far.

    One that is past by no more than clocks differ is taken.
    """
    if run_at.utcoffset() is None:
        raise Invalid.field("run_at", A_TIME)
    if not at - CLOCKS_DIFFER <= run_at <= at + DELAY_MAX:
        raise Invalid.field("run_at", f"must be from now ({at:%Y-%m-%dT%H:%M:%SZ}) to 30 days on")
    return run_at.astimezone(UTC)


def delay_of(asked: float | str) -> timedelta:
    """Read a delay: seconds, or a text such as `90s` or `1h30m`. Raises Invalid."""
    if isinstance(asked, str):
        found = _SPAN.fullmatch(asked)
        if found is None:
            raise Invalid.field("delay", A_DELAY)
        units = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
        seconds = sum(float(found[unit]) * n for unit, n in units.items() if found[unit])
    else:
        seconds = asked
    if not 0 <= seconds <= DELAY_MAX.total_seconds():  # what is not a number is not between them
        raise Invalid.field("delay", A_DELAY)
    return timedelta(seconds=seconds)


def _is_type(type_: str) -> bool:
    return len(type_) <= TYPE_MAX and TYPE.fullmatch(type_) is not None


def _is_key(key: str | None) -> bool:
    return key is None or (len(key) <= KEY_MAX and _KEY.fullmatch(key) is not None)


def _plain(payload: Mapping[str, Any]) -> Any:
    """A copy of a payload, as each store gives it back. Raises Invalid."""
    try:
        text = as_json(payload)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        raise Invalid.field("payload", _AN_OBJECT) from None
    if text[0] != "{":
        raise Invalid.field("payload", _AN_OBJECT)
    if size > PAYLOAD_MAX:
        raise Invalid.field("payload", f"must have at most {PAYLOAD_MAX:,} bytes, not {size:,}")
    if is_deep(payload):
        raise Invalid.field("payload", TOO_DEEP)
    return json.loads(text)


def as_json(value: Any) -> str:
    """The text that is kept of it; TypeError, ValueError or RecursionError where it is no JSON."""
    return _json.encode(value)


def is_deep(value: Any) -> bool:
    """Whether more than `DEPTH_MAX` values are inside one another."""
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
