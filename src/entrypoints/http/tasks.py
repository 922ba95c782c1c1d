"""The operations on tasks."""

import asyncio
import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter

from profilecore import Invalid, Status, Task, TaskService
from profilecore.access import Caller
from profilecore.entrypoints.http.access import TASKS_READ, TASKS_WRITE
from profilecore.entrypoints.http.answers import REPLAYED_HEADER, documented, problems
from profilecore.entrypoints.http.idempotency import REPLAYED, IdempotencyKey, Keys
from profilecore.entrypoints.http.lists import next_link
from profilecore.entrypoints.http.reading import JsonBody
from profilecore.entrypoints.http.task_bodies import NewTask, TaskChanges
from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.entrypoints.telemetry import request_id
from profilecore.entrypoints.wire import TaskBody
from profilecore.order import TYPE, TYPE_MAX
from profilecore.schedule import TaskQuery
from profilecore.tasks.service import WAIT_MAX

BODY_MAX = 1024 * 1024  # bytes: a payload of 256 KiB takes three times as much when it is escaped
LIMIT_MAX = 100
ID = "/{task_id:uuid}"
CURSOR = re.compile("^[A-Za-z0-9_-]{21}[AQgw]$")  # 16 bytes in base64
TRACEPARENT = re.compile(
    "^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$"
)

TaskId = Annotated[UUID, PathParameter(description="The id that the submission gave")]


@post(
    "/delayed",
    status_code=HTTPStatus.ACCEPTED,
    dto=JsonBody,
    return_dto=None,
    request_max_body_size=BODY_MAX,
    access=TASKS_WRITE,
    operation_id="submitTask",
    summary="Submit a task",
    response_headers=[*documented(Location="Where the task is"), *REPLAYED_HEADER],
    responses=problems(409, 410, 413, 415, 422),
)
async def submit(
    request: Request[Any, Any, Any],
    data: JSONBody[NewTask],
    tasks: NamedDependency[TaskService],
    caller: NamedDependency[Caller],
    keys: NamedDependency[Keys],
    traceparent: Annotated[
        str | None,
        HeaderParameter(name="traceparent", description="W3C trace context; goes with the task"),
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[TaskBody]:
    """Have something done once, not before its time. It is kept when this is answered."""
    async with keys.receipt(request, await request.body()) as receipt:
        taken = await tasks.submit_once(data.order(trace_of(request), receipt), caller)
    headers = {"Location": f"/api/v1/tasks/{taken.task.id}"}
    if taken.replayed:
        headers |= REPLAYED
    return Response(TaskBody.of(taken.task), status_code=HTTPStatus.ACCEPTED, headers=headers)


@get(ID, access=TASKS_READ, operation_id="readTask", summary="Read a task", responses=problems(404))
async def read(
    request: Request[Any, Any, Any],
    task_id: TaskId,
    tasks: NamedDependency[TaskService],
    lifecycle: NamedDependency[Lifecycle],
    wait: Annotated[
        float,
        QueryParameter(ge=0, le=WAIT_MAX, description="Seconds to wait for its end"),
    ] = 0.0,
) -> TaskBody:
    """Give the task: with `wait` when it has ended, or as it is when that time is over."""
    task = await tasks.read(task_id)
    if wait > 0 and not task.finished:
        await _wait(request, lifecycle, tasks, task_id, wait)
        task = await tasks.read(task_id)
    return TaskBody.of(task)


@get(
    access=TASKS_READ,
    operation_id="listTasks",
    summary="List tasks",
    response_headers=documented(Link='The next page, rel="next"; none on the last one'),
    responses=problems(),
)
async def index(
    request: Request[Any, Any, Any],
    tasks: NamedDependency[TaskService],
    limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX, description="How many at most")] = 50,
    cursor: Annotated[
        str | None,
        QueryParameter(
            description="From the Link header of the page before",
            schema_extra={"pattern": CURSOR.pattern},
        ),
    ] = None,
    status: Annotated[Status | None, QueryParameter(description="Only in this status")] = None,
    type: Annotated[
        str | None,
        QueryParameter(
            description="Only of this type",
            schema_extra={"pattern": f"^{TYPE.pattern}$", "maxLength": TYPE_MAX, "minLength": 1},
        ),
    ] = None,
) -> Response[list[TaskBody]]:
    """One page, newest first."""
    after = None if cursor is None else _place(cursor)
    if type is not None and (len(type) > TYPE_MAX or not TYPE.fullmatch(type)):
        raise Invalid.field("type", "must be a word such as http.callback", "malformed")
    found = await tasks.list(TaskQuery(limit=limit + 1, after=after, status=status, type=type))
    page = found[:limit]
    headers = {"Link": next_link(request, _cursor(page[-1]))} if len(found) > limit else {}
    return Response([TaskBody.of(task) for task in page], headers=headers)


@delete(
    ID,
    status_code=HTTPStatus.OK,
    access=TASKS_WRITE,
    operation_id="cancelTask",
    summary="Cancel a task",
    responses={
        HTTPStatus.ACCEPTED: ResponseSpec(
            TaskBody, description="It is running, and asked to stop", generate_examples=False
        ),
        **problems(404, 409),
    },
)
async def cancel(task_id: TaskId, tasks: NamedDependency[TaskService]) -> Response[TaskBody]:
    """Cancel the task. One that is running is asked to stop, and then ends as it will."""
    task = await tasks.cancel(task_id)
    status = HTTPStatus.OK if task.finished else HTTPStatus.ACCEPTED
    return Response(TaskBody.of(task), status_code=status)


@patch(
    ID,
    dto=JsonBody,
    return_dto=None,
    request_max_body_size=BODY_MAX,
    access=TASKS_WRITE,
    operation_id="rescheduleTask",
    summary="Give a task another time or priority",
    responses=problems(404, 409, 413, 415, 422),
)
async def reschedule(
    task_id: TaskId, data: JSONBody[TaskChanges], tasks: NamedDependency[TaskService]
) -> TaskBody:
    """Change when the task is to start, or its priority; 409 once it has started."""
    run_at, priority = data.asked()
    return TaskBody.of(await tasks.reschedule(task_id, run_at, priority))


@post(
    ID + "/retry",
    status_code=HTTPStatus.OK,
    access=TASKS_WRITE,
    operation_id="retryTask",
    summary="Try a dead task again",
    responses=problems(404, 409),
)
async def retry(task_id: TaskId, tasks: NamedDependency[TaskService]) -> TaskBody:
    """Give a dead task all its attempts again, from now on; 409 for any other."""
    return TaskBody.of(await tasks.retry(task_id))


async def _wait(
    request: Request[Any, Any, Any],
    lifecycle: Lifecycle,
    tasks: TaskService,
    task_id: UUID,
    seconds: float,
) -> None:
    """Wait for the end of the task, of the process, of the client's patience, or of the time."""
    ends = [
        asyncio.create_task(end)
        for end in (tasks.wait(task_id, seconds), lifecycle.drained(), _gone(request))
    ]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)


async def _gone(request: Request[Any, Any, Any]) -> None:
    with suppress(Invalid):  # it went away before a body of its request was complete
        while (await request.receive())["type"] != "http.disconnect":
            pass


def trace_of(request: Request[Any, Any, Any]) -> Mapping[str, str]:
    """What goes with a task of the request that it came from."""
    trace = {"request_id": request_id.get() or ""}
    parent = request.headers.get("traceparent", "")
    return trace | {"traceparent": parent} if TRACEPARENT.fullmatch(parent) else trace


def _cursor(task: Task) -> str:
    return base64.urlsafe_b64encode(task.id.bytes).decode().rstrip("=")


def _place(cursor: str) -> UUID:
    if not CURSOR.fullmatch(cursor):
        detail = "is not one that this service gave out; take it from the Link header of a page"
        raise Invalid.field("cursor", detail, "malformed")
    return UUID(bytes=base64.urlsafe_b64decode(f"{cursor}=="))
