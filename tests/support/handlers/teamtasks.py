"""Handlers of a team's own, as an installed package brings them: for the tests of tasks.

A process has them where this folder is on its PYTHONPATH (see `tests.support.tasks`).
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from profilecore import Context, GiveUp, Handler


async def _hold(context: Context, payload: Mapping[str, Any]) -> str:
    """Run until it is cancelled, half done."""
    context.progress(0.5)
    await asyncio.sleep(600)
    return "nobody waits for this"


async def _fail(context: Context, payload: Mapping[str, Any]) -> None:
    raise ValueError(f"attempt {context.attempt.number} failed")


async def _give_up(context: Context, payload: Mapping[str, Any]) -> None:
    raise GiveUp("it cannot be done")


async def _say(context: Context, payload: Mapping[str, Any]) -> None:
    context.logger.info("it says %s", payload["text"])


async def _sleep(context: Context, payload: Mapping[str, Any]) -> int:
    """Take so long; the result is the number of the attempt that did."""
    await asyncio.sleep(payload["seconds"])
    return context.attempt.number


hold = Handler(type="test.hold", run=_hold)
fail = Handler(type="test.fail", run=_fail)
give_up = Handler(type="test.give-up", run=_give_up)
say = Handler(type="test.say", run=_say)
sleep = Handler(type="test.sleep", run=_sleep)
