"""Who may call which operation: declared beside each route, checked before anything is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from profilecore.access import ANYBODY, Caller, Scope, unauthenticated
from profilecore.entrypoints.http.asgi import AsgiScope, Head, fields
from profilecore.entrypoints.http.guesses import Guesses
from profilecore.entrypoints.http.limits import Limits, budget_of
from profilecore.entrypoints.http.neighbours import must_be_local
from profilecore.entrypoints.policy import Budget, Policy
from profilecore.errors import NotFound
from profilecore.ports import Authenticator
from profilecore.service import ProfileService

T = TypeVar("T")

OPTION: Final = "access"
"""The argument of a route that holds its rule."""
_CALLER: Final = "caller"
_SCHEME: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call an operation: whoever has `scope`, or anybody where that is None.

    With `owner` also a caller without it may, for the profiles that they own. What is for
    `operators` has a port of its own where one is set, and asks for no scope there.
    """

    scope: Scope | None
    owner: bool = False
    operators: bool = False


PUBLIC: Final = Access(None)
OPERATORS: Final = Access(Scope.OPS, operators=True)


def needs(scope: Scope, *, or_owner: bool = False) -> Access:
    """Those with a scope, and the owner of the profile if so said."""
    return Access(scope, owner=or_owner)


READ: Final = needs(Scope.PROFILES_READ, or_owner=True)
READ_ALL: Final = needs(Scope.PROFILES_READ)
WRITE: Final = needs(Scope.PROFILES_WRITE, or_owner=True)
ERASE: Final = needs(Scope.PROFILES_ERASE)
TASKS_READ: Final = needs(Scope.TASKS_READ)
TASKS_WRITE: Final = needs(Scope.TASKS_WRITE)


class Guard:
    """Lets a request through to its operation, or not; leaves its caller in the scope.

    Without an authenticator nobody is asked who they are, and everybody on this machine may do
    everything. What asks for a scope is counted, but for what is for operators.
    """

    def __init__(self, authenticator: Authenticator | None, limits: Limits, policy: Policy) -> None:
        self._guesses = None if authenticator is None else Guesses(authenticator, limits)
        self._limits = limits
        self._policy = policy

    async def __call__(
        self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
    ) -> None:
        scope = cast("AsgiScope", connection.scope)
        scope[_CALLER] = await self.admit(scope, access_of(handler), budget_of(handler))

    async def admit(self, scope: AsgiScope, access: Access, budget: Budget) -> Caller:
        """Who calls, and may call, what asks for `access`; Denied, NotFound or TooMany."""
        if self._on_its_port(scope, access) or access.scope is None:
            return ANYBODY
        if self._guesses is None:
            must_be_local(scope)
            caller = ANYBODY
        else:
            caller = await self._guesses.authenticate(scope, _credential(scope))
        if not access.operators:
            await self._limits.admit(scope, budget, caller)
        if not (access.owner and caller.subject is not None):
            caller.require(access.scope)
        return caller

    def _on_its_port(self, scope: Head, access: Access) -> bool:
        """Whether this came in by the port for operators, and may."""
        if self._policy.ops_port is None:
            return False
        came_in_by = (scope["server"] or ("", None))[1]
        is_ops = came_in_by == self._policy.ops_port
        if access.operators != is_ops and access.scope is not None:
            raise NotFound("There is nothing at this path on this port.")
        return is_ops


def access_of(handler: BaseRouteHandler) -> Access:
    """What was declared for an operation; KeyError where nothing was."""
    if getattr(handler, "http_methods", None) == {"OPTIONS"}:
        return PUBLIC  # Litestar makes these: they tell which methods there are
    found: Access = handler.opt[OPTION]
    return found


def declared(app: Litestar) -> Iterator[tuple[HTTPRouteHandler, str, Access]]:
    """Every operation with its path and who may call it. LookupError for one without a rule."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            try:
                yield handler, route.path_format, access_of(handler)
            except KeyError:
                detail = f"Nobody said who may call {handler} at {route.path}"
                raise LookupError(f"{detail}: give its route `access=`.") from None


def caller_of(request: Request[Any, Any, Any]) -> Caller:
    """Who makes this request; the guard has let them through."""
    found: Caller = request.scope.get(_CALLER, ANYBODY)  # type: ignore[assignment]
    return found


def owned(values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
    """What a caller wants written; Denied where it makes a profile somebody else's."""
    if values.get("owner", caller.subject) != caller.subject:
        caller.require(Scope.OPS)
    return values


def within_reach(service: ProfileService, caller: Caller, access: Access) -> ProfileService:
    """The service as its caller has it: without the scope, their own profiles are all there are."""
    if access.scope is None or access.scope in caller.scopes or caller.subject is None:
        return service
    return service.within(caller.subject)


def _credential(scope: Head) -> str:
    shown = fields(scope, b"authorization")
    if not shown:
        raise unauthenticated("Say who you are: send Authorization: Bearer, and your token.")
    if len(shown) > 1 or not shown[0].lower().startswith(_SCHEME):
        raise unauthenticated("Authorization takes one credential: Bearer, and your token.")
    return shown[0][len(_SCHEME) :].strip()
