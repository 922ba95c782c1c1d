"""What does a task: the handlers of each type, and what one of them is given."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from profilecore.access import Scope
from profilecore.errors import FieldError, Invalid, ProfilecoreError

TIMEOUT: Final = timedelta(minutes=5)
QUEUE: Final = "default"


class GiveUp(Exception):
    """Raised by a handler whose task cannot succeed: it is dead without further attempts."""


class Stopped(Exception):
    """Raised by a handler that gives way to its cancellation."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which try of which task this is.

    A task may be tried again when its effect was had but not noted, as when its process was
    killed in between. An effect outside is had once if it is keyed by `task_id`.
    """

    task_id: UUID
    number: int
    of: int


class Context:
    """What a running handler knows of its task, and can say. May be used from any thread."""

    def __init__(self, attempt: Attempt, type_: str) -> None:
        self.attempt = attempt
        self.logger = logging.getLogger(f"profilecore.tasks.{type_}")
        self._progress: float | None = None
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether the task shall stop: because it was asked to, or because its time is over.

        A coroutine is cancelled as well; a function in a thread has to look now and then.
        """
        return self._cancelled

    def stop_if_cancelled(self) -> None:
        """Raise Stopped where the task shall stop: for functions in threads."""
        if self.cancelled:
            raise Stopped

    def progress(self, fraction: float) -> None:
        """Show how far it is, from 0 to 1."""
        if not 0 <= fraction <= 1:
            raise ValueError(f"progress is a fraction from 0 to 1, not {fraction}")
        self._progress = fraction

    def progressed(self) -> float | None:
        """What was shown last; None if nothing was."""
        return self._progress

    def cancel(self) -> None:
        """Say that it shall stop."""
        self._cancelled = True


def _anything(payload: Mapping[str, Any]) -> None:
    """Every payload will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """How tasks of one type are done.

    `run` is called with a Context and the payload, and gives the task's result as JSON has it. A
    coroutine function runs in the worker's loop, any other in a thread; with `process` it is a
    function at the top of a module that runs in a process of its own, with an Attempt in place of
    the Context. `check` raises Invalid for a payload that is to be refused when it is submitted.
    `scopes` are what a caller of the API needs to submit one, beside `tasks:write`.
    """

    type: str
    run: Callable[..., Any]
    timeout: timedelta = TIMEOUT
    queue: str = QUEUE
    process: bool = False
    check: Callable[[Mapping[str, Any]], None] = _anything
    scopes: Sequence[Scope] = ()


class Handlers:
    """The types of tasks that there are, and the handler of each."""

    def __init__(self, handlers: Iterable[Handler]) -> None:
        self._by_type: dict[str, Handler] = {}
        for handler in handlers:
            if handler.type in self._by_type:
                raise ProfilecoreError(f"Two handlers are there for tasks of type {handler.type}.")
            self._by_type[handler.type] = handler

    def __contains__(self, type_: str) -> bool:
        return type_ in self._by_type

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._by_type))

    def __getitem__(self, type_: str) -> Handler:
        return self._by_type[type_]

    def queue_of(self, type_: str) -> str:
        """The queue that tasks of a type go to; the default one where nobody knows the type."""
        return self._by_type[type_].queue if type_ in self._by_type else QUEUE

    def check(self, type_: str, payload: Mapping[str, Any]) -> None:
        """Refuse, as Invalid, a type that is not known, or a payload that its handler refuses."""
        if type_ not in self._by_type:
            known = ", ".join(self)
            raise Invalid.field("type", f"is not known; the types are: {known}")
        try:
            self._by_type[type_].check(payload)
        except Invalid as error:
            named = [FieldError(f"payload.{e.field}", e.message) for e in error.errors]
            detail = f"Not valid: {', '.join(e.field for e in named)}." if named else error.detail
            raise Invalid(detail, errors=named) from error
