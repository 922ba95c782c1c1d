"""Tasks that greet people: one in each of the three ways to run."""

import asyncio
import hashlib
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from profilecore import Attempt, Context, GiveUp, Handler, Invalid


def check(payload: Mapping[str, Any]) -> None:
    """Refuse, when it is submitted, what could not be done."""
    if not isinstance(payload.get("name"), str) or not payload["name"]:
        raise Invalid.field("name", "must be a text that is not empty")


async def greet(context: Context, payload: Mapping[str, Any]) -> dict[str, str]:
    """Greet in some languages: a coroutine, which waits without holding anybody up."""
    greetings = {"en": "Hello", "de": "Hallo", "fr": "Bonjour"}
    said = {}
    for done, (language, word) in enumerate(greetings.items(), start=1):
        await asyncio.sleep(0.01)
        said[language] = f"{word}, {payload['name']}!"
        context.progress(done / len(greetings))
    context.logger.info("greeted in %d languages", len(said))
    return said


def print_card(context: Context, payload: Mapping[str, Any]) -> dict[str, int]:
    """Print a card: a function, which runs in a thread and looks whether it shall stop."""
    if not payload["name"].isprintable():
        raise GiveUp("a name with control characters can never be printed")
    for page in range(1, payload.get("pages", 1) + 1):
        context.stop_if_cancelled()
        time.sleep(0.01)
        context.progress(page / payload.get("pages", 1))
    return {"pages": payload.get("pages", 1)}


def engrave(attempt: Attempt, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Engrave a name: it computes for long, so it runs in a process that can be killed."""
    digest = hashlib.pbkdf2_hmac("sha256", payload["name"].encode(), b"plate", 100_000)
    return {"pattern": digest.hex(), "attempt": attempt.number}


HANDLERS = [
    Handler(type="greetings.greet", run=greet, check=check),
    Handler(type="greetings.print", run=print_card, check=check, queue="printers"),
    Handler(
        type="greetings.engrave",
        run=engrave,
        check=check,
        process=True,
        timeout=timedelta(minutes=1),
    ),
]
