"""The types of tasks that come with the core."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from profilecore.access import Scope
from profilecore.errors import FieldError, Invalid, NotFound
from profilecore.image import is_id
from profilecore.images import AT_ONCE, COLLECT, Collector
from profilecore.person import ERASE, EXPORT, PersonErasure, PersonExport
from profilecore.tasks.handlers import Context, GiveUp, Handler
from profilecore.tasks.verdict import RESULT_MAX


def builtin(export: PersonExport, erasure: PersonErasure, collector: Collector) -> list[Handler]:
    """The handlers of the types that are the service's own, on what it stands on.

    A cache that fails fails the task, which is then tried again.
    """
    exporting, erasing = _Export(export), _Erasure(erasure)
    collection = _Collection(collector)
    return [
        Handler(type="echo", run=_echo),
        Handler(type=EXPORT, run=exporting.run, check=_check, scopes=[Scope.PROFILES_READ]),
        Handler(type=ERASE, run=erasing.run, check=_check, scopes=[Scope.PROFILES_ERASE]),
        Handler(type=COLLECT, run=collection.run, check=_check_images, scopes=[Scope.OPS]),
    ]


async def _echo(context: Context, payload: Mapping[str, Any]) -> Any:
    return dict(payload)


class _Export:
    """All that is held on one person, as far as a result has room for it."""

    def __init__(self, export: PersonExport) -> None:
        self._export = export

    async def run(self, context: Context, payload: Mapping[str, Any]) -> Any:
        profile_id = _profile_id(payload)
        pieces, size = list[str](), 0
        try:
            document = await self._export.open(profile_id)
        except NotFound as error:
            raise GiveUp(error.detail) from error
        async for piece in document:
            pieces.append(piece)
            size += len(piece.encode())
            if size > RESULT_MAX:
                raise GiveUp(
                    f"What is held on profile {profile_id} has more than {RESULT_MAX:,} bytes, the"
                    f" most that a result can have: get /api/v1/profiles/{profile_id}/export."
                )
        return json.loads("".join(pieces))


class _Erasure:
    """One person, of whom the receipt says nothing."""

    def __init__(self, erasure: PersonErasure) -> None:
        self._erasure = erasure

    async def run(self, context: Context, payload: Mapping[str, Any]) -> Any:
        return await self._erasure.run(_profile_id(payload))


class _Collection:
    """The files of images that nobody uses."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def run(self, context: Context, payload: Mapping[str, Any]) -> Any:
        return {"removed": list(await self._collector.collect(_image_ids(payload)))}


def _check(payload: Mapping[str, Any]) -> None:
    _profile_id(payload)


def _only(field: str, payload: Mapping[str, Any]) -> None:
    unknown = sorted(payload.keys() - {field})
    if unknown:
        errors = [FieldError(name, f"is not known; it takes {field}") for name in unknown]
        raise Invalid(f"Not valid: {', '.join(unknown)}.", errors=errors)


def _image_ids(payload: Mapping[str, Any]) -> Sequence[str]:
    _only("image_ids", payload)
    ids = payload.get("image_ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= AT_ONCE or not all(map(is_id, ids)):
        message = f"must be a list of 1 to {AT_ONCE} ids of images"
        raise Invalid.field("image_ids", message)
    return ids


def _check_images(payload: Mapping[str, Any]) -> None:
    _image_ids(payload)


def _profile_id(payload: Mapping[str, Any]) -> UUID:
    _only("profile_id", payload)
    text = payload.get("profile_id")
    try:
        found: UUID | None = UUID(text if isinstance(text, str) else "")
    except ValueError:
        found = None
    if found is None or str(found) != str(text).lower():
        message = "must be a UUID such as 01a204d6-1f05-79bc-a47b-709afa94b9d8"
        raise Invalid.field("profile_id", message)
    return found
