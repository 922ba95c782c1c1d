"""Many changes in one call."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from profilecore.access import Caller
from profilecore.batch import Item, Outcome, run_batch
from profilecore.entrypoints.http.access import WRITE, owned
from profilecore.entrypoints.http.answers import (
    REPLAYED_HEADER,
    BatchResult,
    documented,
    problems,
)
from profilecore.entrypoints.http.bodies import Batch, BatchUpdate, given
from profilecore.entrypoints.http.idempotency import REPLAYED, IdempotencyKey, Keys
from profilecore.entrypoints.http.problems import Problem
from profilecore.entrypoints.http.reading import JsonBody, consistency_token
from profilecore.entrypoints.policy import Policy
from profilecore.entrypoints.wire import ProfileBody
from profilecore.errors import FieldError, Invalid, ProfilecoreError
from profilecore.service import ProfileService
from profilecore.written import Written

BODY_MAX = 16 * 1024 * 1024  # bytes; a batch of larger items has to be split
_STATUS = {
    "create": HTTPStatus.CREATED,
    "update": HTTPStatus.OK,
    "delete": HTTPStatus.NO_CONTENT,
}


@post(
    "/batch",
    dto=JsonBody,
    return_dto=None,
    status_code=HTTPStatus.OK,
    request_max_body_size=BODY_MAX,
    access=WRITE,
    operation_id="batchProfiles",
    summary="Create, change and delete many profiles",
    response_headers=[
        *documented(
            X_Consistency_Token="Send it back with a read that must see these writes"  # noqa: S106
        ),
        *REPLAYED_HEADER,
    ],
    responses=problems(404, 409, 412, 413, 415, 422, 428),
)
async def batch(  # noqa: PLR0913, PLR0917 - one for each parameter of the operation
    request: Request[Any, Any, Any],
    data: JSONBody[Batch],
    service: NamedDependency[ProfileService],
    policy: NamedDependency[Policy],
    caller: NamedDependency[Caller],
    keys: NamedDependency[Keys],
    atomic: Annotated[bool, QueryParameter(description="All or nothing")] = False,
    idempotency_key: IdempotencyKey = None,
) -> Response[list[BatchResult]]:
    """One result an item, in order; each by itself unless atomic."""
    labels, items = _items(data, caller)
    if policy.require_if_match:
        items = [_of_a_version(item) for item in items]
    try:
        async with keys.receipt(request, await request.body()) as receipt:
            outcomes = await run_batch(
                service, items, atomic=atomic, actor=caller.subject, receipt=receipt
            )
    except ProfilecoreError as error:
        if error.item is not None:
            _name_item(error, "{}[{}]".format(*labels[error.item]))
        raise
    results = [
        _result(op, number, outcome, policy.media)
        for (op, number), outcome in zip(labels, outcomes, strict=True)
    ]
    done = [outcome for outcome in outcomes if isinstance(outcome, Written)]
    headers = dict(REPLAYED) if any(outcome.replayed for outcome in done) else {}
    if done:
        position = max(outcome.position for outcome in done)
        headers["X-Consistency-Token"] = consistency_token(position)
    return Response(results, headers=headers)


def _items(data: Batch, caller: Caller) -> tuple[list[tuple[str, int]], list[Item]]:
    items = [Item("create", None, owned(given(body), caller), None) for body in data.create]
    items += [_update(body, caller) for body in data.update]
    for body in data.delete:
        if isinstance(body, UUID):
            items.append(Item("delete", body, {}, None))
        else:
            items.append(Item("delete", body.id, {}, given(body).get("version")))
    labels = [
        (op, number)
        for op, bodies in (
            ("create", data.create),
            ("update", data.update),
            ("delete", data.delete),
        )
        for number in range(len(bodies))
    ]
    return labels, items


def _update(body: BatchUpdate, caller: Caller) -> Item:
    values = dict(owned(given(body), caller))
    del values["id"]
    return Item("update", body.id, values, values.pop("version", None))


def _of_a_version(item: Item) -> Item:
    if item.id is None or item.expected is not None:
        return item
    detail = 'Send the version that you read, such as "version": 7, beside the id.'
    return replace(item, refused=Invalid(detail, code="precondition_required"))


def _result(op: str, number: int, outcome: Outcome, media: str) -> BatchResult:
    if isinstance(outcome, Written):
        profile = None if op == "delete" else ProfileBody.of(outcome.profile, media)
        return BatchResult(op, number, _STATUS[op], profile=profile)  # type: ignore[arg-type]
    problem = Problem.of(outcome, f"/api/v1/profiles/batch#{op}[{number}]")
    return BatchResult(op, number, problem.status, problem=problem)  # type: ignore[arg-type]


def _name_item(error: ProfilecoreError, label: str) -> None:
    error.detail = f"{label}: {error.detail} Nothing was changed."
    if isinstance(error, Invalid):
        error.errors = tuple(FieldError(f"{label}.{e.field}", e.message) for e in error.errors)
