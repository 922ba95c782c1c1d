"""How tasks are written down, the same in every adapter."""

from typing import Any, Final

import msgspec

from profilecore.adapters.codec import Garbled, id_of, microseconds_or_none, moment_or_none
from profilecore.ending import Ending
from profilecore.paging import microseconds, moment
from profilecore.schedule import Claim
from profilecore.task import Failure, Status, Task

TASK: Final = (
    "id, type, payload, status, priority, run_at, due_at, attempt, max_attempts, unique_key,"
    " progress, result, errors, started_at, fence, cancelling, trace, revision,"
    " created_at, updated_at"
)
_COLUMNS: Final = TASK.split(", ")
_PLAIN: Final = (
    *("type", "priority", "attempt", "max_attempts", "unique_key", "progress", "fence"),
    "revision",
)
STEP: Final = (
    "status, priority, run_at, due_at, attempt, progress, result, errors, started_at, fence,"
    " cancelling, revision, updated_at"
)
CLAIM: Final = "id, type, status, priority, fence, due_at, trace"
ENDING: Final = "position, task_id, type, status, at"

_mapping_in = msgspec.json.Decoder(dict[str, Any])
_trace_in = msgspec.json.Decoder(dict[str, str])
_errors_in = msgspec.json.Decoder(list[tuple[int, int, str]])
_any_in = msgspec.json.Decoder()
_out = msgspec.json.Encoder()


def task_of(row: tuple[Any, ...]) -> Task:
    """The task in a table's row of `TASK`; its id is a UUID, or the bytes of one."""
    kept = dict(zip(_COLUMNS, row, strict=True))
    try:
        return Task(
            **{column: kept[column] for column in _PLAIN},
            run_at=moment(kept["run_at"]),
            created_at=moment(kept["created_at"]),
            updated_at=moment(kept["updated_at"]),
            id=id_of(kept["id"]),
            payload=_mapping_in.decode(kept["payload"]),
            status=Status(kept["status"]),
            due_at=moment_or_none(kept["due_at"]),
            result=_any_in.decode(kept["result"]),
            errors=tuple(
                Failure(number, moment(at), text)
                for number, at, text in _errors_in.decode(kept["errors"])
            ),
            started_at=moment_or_none(kept["started_at"]),
            cancelling=bool(kept["cancelling"]),
            trace=_trace_in.decode(kept["trace"]),
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise Garbled("A task in the database cannot be read.") from error


def ending_of(row: tuple[Any, ...]) -> Ending:
    """The end in a table's row of `ENDING`; its task's id is as in `task_of`."""
    position, task_id, type_, status, at = row
    try:
        return Ending(position, id_of(task_id), type_, Status(status), moment(at))
    except (ValueError, TypeError, OverflowError) as error:
        raise Garbled("The end of a task in the database cannot be read.") from error


def claim_of(row: tuple[Any, ...]) -> Claim:
    """The claim in a table's row of `CLAIM`; its id is as in `task_of`."""
    id_, type_, status, priority, fence, due_at, trace = row
    try:
        until, headers = moment(due_at), _trace_in.decode(trace)
        return Claim(id_of(id_), type_, Status(status), priority, fence, until, headers)
    except (ValueError, TypeError, OverflowError) as error:
        raise Garbled("A task in the database cannot be read.") from error


def task_columns(task: Task) -> dict[str, Any]:
    """What a table keeps of a task, by column; the id is the table's own matter."""
    return {
        "type": task.type,
        "payload": encode_json(task.payload),
        "max_attempts": task.max_attempts,
        "unique_key": task.unique_key,
        "trace": encode_json(task.trace),
        "created_at": microseconds(task.created_at),
        **step_columns(task),
    }


def step_columns(task: Task) -> dict[str, Any]:
    """What a step may have changed, by column of `STEP`."""
    return {
        "status": task.status,
        "priority": task.priority,
        "run_at": microseconds(task.run_at),
        "due_at": microseconds_or_none(task.due_at),
        "attempt": task.attempt,
        "progress": task.progress,
        "result": encode_json(task.result),
        "errors": encode_json([(f.attempt, microseconds(f.at), f.text) for f in task.errors]),
        "started_at": microseconds_or_none(task.started_at),
        "fence": task.fence,
        "cancelling": task.cancelling,
        "revision": task.revision,
        "updated_at": microseconds(task.updated_at),
    }


def encode_json(value: Any) -> str:
    """A payload, a result or the like, as JSON."""
    return _out.encode(value).decode()
