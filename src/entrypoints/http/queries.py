"""Query parameters: one that nobody reads, one given twice, or a wrong word, is told."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, get_args

from litestar import Request
from litestar.constants import RESERVED_KWARGS
from litestar.handlers import BaseRouteHandler
from litestar.params import HeaderParameter

from profilecore.errors import FieldError, Invalid


def check_query(request: Request[Any, Any, Any]) -> None:
    """Refuse, as Invalid (`malformed`), parameters that the operation does not take as they are.

    Litestar ignores what it does not know, takes the last of several, and says of a wrong word only
    that it is wrong.
    """
    if not request.scope["query_string"]:
        return
    taken = _parameters(request.route_handler, frozenset(request.path_params))
    errors = []
    given = request.query_params
    for name in dict.fromkeys(given):
        if name not in taken:
            choice = f"allowed: {', '.join(taken)}" if taken else "none is allowed here"
            errors.append(FieldError(name, f"is not a parameter; {choice}"))
        elif len(given.getall(name)) > 1:
            errors.append(FieldError(name, "is given more than once"))
        elif taken[name] and given[name] not in taken[name]:
            errors.append(FieldError(name, f"must be one of {', '.join(taken[name])}"))
    if errors:
        detail = f"Not valid: {'; '.join(f'{e.field} {e.message}' for e in errors)}."
        raise Invalid(detail, code="malformed", errors=errors)


@cache
def _parameters(
    handler: BaseRouteHandler, in_path: frozenset[str]
) -> Mapping[str, tuple[str, ...]]:
    """The operation's query parameters, each with its words, none where any text will do."""
    others = {*RESERVED_KWARGS, *handler.resolve_dependencies(), *in_path}
    found = {}
    for name, field in sorted(handler.parsed_fn_signature.parameters.items()):
        kwarg = field.kwarg_definition
        if name in others or isinstance(kwarg, HeaderParameter):
            continue
        found[name] = _words(field.annotation)
    return found


def _words(kind: Any) -> tuple[str, ...]:
    kinds = [one for one in get_args(kind) or (kind,) if isinstance(one, type)]
    return tuple(str(word) for one in kinds if issubclass(one, StrEnum) for word in one)
