"""`profilecore doctor`: what is cached, compared with what is stored."""

import random
from collections.abc import AsyncIterator, Collection
from typing import Final
from uuid import UUID

from profilecore import Count, EventType, Query
from profilecore.entrypoints.cli.exits import ExitCode
from profilecore.entrypoints.cli.progress import progress
from profilecore.entrypoints.opening import Examined
from profilecore.errors import NotFound
from profilecore.inspection import Stale, inspected

SHOWN: Final = 20
RECENT: Final = 10_000  # events
PAGE: Final = 100


async def examine(parts: Examined, sample: int | None) -> ExitCode:
    """Compare all, or about `sample` at random; say what was found."""
    await parts.cache.get([UUID(int=0)])  # is it there, though nothing else may be looked up?
    total = (await parts.service.list(Query(limit=1, count=Count.EXACT))).total or 0
    share = 1.0 if sample is None else min(1.0, sample / max(1, total))
    checked = cached = 0
    stale: list[Stale] = []
    with progress("Comparing", round(total * share), "rows") as advance:
        async for page in _ids(parts):
            ids = [id_ for id_ in page if random.random() < share]  # noqa: S311 - a sample
            if not ids:
                continue
            finding = await inspected(parts.cache, parts.profiles, ids)
            checked, cached = checked + len(ids), cached + finding.cached
            stale += finding.stale
            advance(checked)
    for one in stale[:SHOWN]:
        stored = "not there" if one.stored is None else f"at version {one.stored}"
        print(f"{one.id}: cached at version {one.cached}, stored {stored}")
    if len(stale) > SHOWN:
        print(f"and {len(stale) - SHOWN} more")
    print(f"{checked} checked, {cached} cached, {checked - cached} missing, {len(stale)} stale")
    return ExitCode.REFUSED if stale else ExitCode.OK


async def _ids(parts: Examined) -> AsyncIterator[Collection[UUID]]:
    async for page in parts.service.export():
        for first in range(0, len(page), PAGE):
            yield [profile.id for profile in page[first : first + PAGE]]
    after = max(0, await parts.log.position() - RECENT)
    deleted: dict[UUID, None] = {}
    try:
        while events := await parts.log.read(after, PAGE * 10):
            for event in events:
                deleted.pop(event.profile_id, None)
                if event.type is EventType.DELETED:
                    deleted[event.profile_id] = None
            after = events[-1].position
    except NotFound:
        print("the log does not reach back: some deleted profiles are left out")
    ids = list(deleted)
    for first in range(0, len(ids), PAGE):
        yield ids[first : first + PAGE]
