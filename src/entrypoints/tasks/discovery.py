"""Finds the handlers that installed packages bring, by their entry points."""

import inspect
import pickle
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from profilecore.entrypoints.variables import BadSetting
from profilecore.order import TYPE
from profilecore.tasks import Handler

GROUP: Final = "profilecore.tasks"


class BadPackage(BadSetting):
    """An installed package whose handlers cannot be used; the text is one line that names it."""

    code = "bad_package"


def discovered(taken: Iterable[str]) -> list[Handler]:
    """The handlers of all entry points in the group; BadPackage for one that cannot be used.

    An entry point is a Handler, several, or a function that gives either. `taken` are the types
    that come with the service, which no package may have as well.
    """
    brought_by = dict.fromkeys(taken, "the service itself")
    found: list[Handler] = []
    for entry in sorted(entry_points(group=GROUP), key=_name):
        name = _name(entry)
        for handler in _handlers(entry, name):
            if handler.type in brought_by:
                other = brought_by[handler.type]
                raise BadPackage(name, f"brings tasks of type {handler.type}, and so does {other}.")
            brought_by[handler.type] = name
            found.append(handler)
    return found


def _name(entry: EntryPoint) -> str:
    distribution = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "a package"
    return f"{distribution} (entry point {entry.name} = {entry.value})"


def _handlers(entry: EntryPoint, name: str) -> list[Handler]:
    try:
        loaded: Any = entry.load()
        made = loaded() if callable(loaded) and not isinstance(loaded, Handler) else loaded
        handlers = [made] if isinstance(made, Handler) else list(made)
    except (Exception, SystemExit) as error:  # whatever its modules do
        problem = f"cannot be loaded: {type(error).__name__}: {error}".splitlines()[0]
        raise BadPackage(name, f"{problem.rstrip('.')}.") from error
    for handler in handlers:
        wrong = _wrong_with(handler)
        if wrong is not None:
            raise BadPackage(name, wrong)
    return handlers


def _wrong_with(handler: object) -> str | None:
    if not isinstance(handler, Handler):
        return f"gives {handler!r:.80}, and not a Handler, several, or a function that gives them."
    if not TYPE.fullmatch(handler.type):
        return f"has the type {handler.type!r:.80}, and one is a word such as mail.send."
    if handler.process and not _is_for_a_process(handler):
        return (
            f"runs {handler.type} in a process, and that takes a function at the top of a module,"
            " not a coroutine."
        )
    return None


def _is_for_a_process(handler: Handler) -> bool:
    try:
        pickle.dumps(handler.run)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return not inspect.iscoroutinefunction(handler.run)
