"""How much one caller may ask for: what is counted of a request, and what its answer says of it."""

from collections.abc import Mapping
from math import ceil
from typing import Final

from litestar.handlers import BaseRouteHandler

from profilecore.access import Caller
from profilecore.entrypoints.http.addresses import Addresses
from profilecore.entrypoints.http.asgi import AsgiScope, Head
from profilecore.entrypoints.http.problems import TooMany
from profilecore.entrypoints.policy import Budget
from profilecore.entrypoints.telemetry import LimitMetrics
from profilecore.limits import Rate, Verdict
from profilecore.ports import Limiter

HEADERS: Final = "limit_headers"
"""Where the scope of a request has what every answer to it says of its budget."""


class Limits:
    """Lets as many requests of one caller through as their budgets allow.

    A caller is counted by their credential, and where there is none by their address. Whoever
    shows no credential that is good is counted by their address, in a budget of its own.
    """

    def __init__(
        self,
        limiter: Limiter,
        rates: Mapping[Budget, Rate],
        addresses: Addresses,
        metrics: LimitMetrics,
    ) -> None:
        self._limiter = limiter
        self._rates = rates
        self._addresses = addresses
        self._metrics = metrics

    async def admit(self, scope: AsgiScope, budget: Budget, caller: Caller) -> None:
        """Take one from the caller's budget; TooMany where nothing is left."""
        rate = self._rates.get(budget)
        if rate is None:
            return
        verdict = await self._take(budget, rate, caller.key or self._addresses.of(scope))
        _say(scope, budget, rate, verdict)
        if not verdict.allowed:
            raise self._refusal(budget, rate, verdict)

    def address(self, scope: Head) -> str:
        """What is counted of a request by its address."""
        return self._addresses.of(scope)

    async def failed(self, address: str) -> Verdict | None:
        """Note that a credential from there was not good; None where that is not counted."""
        rate = self._rates.get(Budget.FAILURES)
        return None if rate is None else await self._take(Budget.FAILURES, rate, address)

    def refuse_failures(self, scope: AsgiScope, wait: float) -> TooMany:
        """What is told to whoever has shown too many credentials that were not good."""
        budget, verdict = Budget.FAILURES, Verdict(False, 0, wait)
        _say(scope, budget, self._rates[budget], verdict)
        return self._refusal(budget, self._rates[budget], verdict)

    async def _take(self, budget: Budget, rate: Rate, who: str) -> Verdict:
        return await self._limiter.take(f"{budget}:{who}", rate)

    def _refusal(self, budget: Budget, rate: Rate, verdict: Verdict) -> TooMany:
        self._metrics.limited(budget)
        wait = _whole(verdict.wait)
        told = f"{rate.count} in {rate.period} s, of which {rate.burst} at once"
        detail = f"These are too many {budget}: {told}. Try again in {wait} s."
        return TooMany(detail, retry_after=wait)


def budget_of(handler: BaseRouteHandler) -> Budget:
    """What an operation is counted as: `budget=` beside its route, or what its method says."""
    said: Budget | None = handler.opt.get("budget")
    if said is not None:
        return said
    methods = getattr(handler, "http_methods", ())
    return Budget.READS if "GET" in methods else Budget.WRITES


def _say(scope: AsgiScope, budget: Budget, rate: Rate, verdict: Verdict) -> None:
    scope[HEADERS] = headers(budget, rate, verdict)


def headers(budget: Budget, rate: Rate, verdict: Verdict) -> list[tuple[bytes, bytes]]:
    """RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11).

    `t` is the time within which no more than `r` can be used: until there is one more.
    """
    policy = f'"{budget}";q={rate.count};w={rate.period}'
    if rate.burst != rate.count:
        policy += f";profilecore-burst={rate.burst}"
    limit = f'"{budget}";r={verdict.remaining};t={_whole(verdict.wait)}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", limit.encode())]


def _whole(seconds: float) -> int:
    return max(1, ceil(seconds))
