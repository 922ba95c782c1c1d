"""The handler of `http.callback`, which needs its client only where somebody may be called."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NoReturn, Protocol

from profilecore.errors import Invalid
from profilecore.reach import Allowed
from profilecore.tasks import Context, GiveUp, Handler

TYPE: Final = "http.callback"
TIME_MAX: Final = 30.0
_MARGIN: Final = 5.0  # for the call to end by itself, which says more


class _Calls(Protocol):
    def check(self, payload: Mapping[str, Any]) -> None: ...
    async def run(self, context: Context, payload: Mapping[str, Any]) -> Any: ...


class Closed:
    """Calls nobody, and says what is missing."""

    def __init__(self, missing: str) -> None:
        self._missing = missing

    def check(self, _payload: Mapping[str, Any]) -> NoReturn:
        """Raise Invalid."""
        raise Invalid(self._missing)

    async def run(self, _context: Context, _payload: Mapping[str, Any]) -> NoReturn:
        """Raise GiveUp: calls were made when the task was submitted."""
        raise GiveUp(self._missing)


def callback(
    allowed: Sequence[Allowed],
    secret: str | None,
    headers: Callable[[], Mapping[str, str]] = dict,
) -> Handler:
    """The handler, for hosts that are `allowed`; `secret` is `whsec_` and the key in base64.

    `headers` gives what is sent with each call where the task does not say otherwise.
    """
    calls = _calls(allowed, secret, headers)
    timeout = timedelta(seconds=TIME_MAX + _MARGIN)
    return Handler(type=TYPE, run=calls.run, timeout=timeout, check=calls.check)


def _calls(
    allowed: Sequence[Allowed], secret: str | None, headers: Callable[[], Mapping[str, str]]
) -> _Calls:
    if not allowed:
        return Closed("No host may be called: set CALLBACK_HOSTS to those that may.")
    if secret is None:
        return Closed("Calls have to be signed: set CALLBACK_SECRET.")
    from profilecore.adapters.callback.caller import Callbacks

    return Callbacks(allowed, secret, headers=headers, time_max=TIME_MAX)
