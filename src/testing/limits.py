"""What every adapter of the Limiter port does."""

import asyncio

from profilecore.limits import Rate
from profilecore.ports import Limiter

SLOW = Rate(1, 3_600, 3)
QUICK = Rate(2, 1, 1)


class LimiterContract:
    """Subclass it with a fixture `limiter`, whose budgets are full."""

    async def test_as_many_as_may_come_at_once_and_no_more(self, limiter: Limiter) -> None:
        found = [await limiter.take("a", SLOW) for _ in range(5)]
        assert [verdict.allowed for verdict in found] == [True, True, True, False, False]
        assert [verdict.remaining for verdict in found] == [2, 1, 0, 0, 0]
        assert all(3_500 < verdict.wait <= 3_600 for verdict in found)

    async def test_each_key_has_a_budget_of_its_own(self, limiter: Limiter) -> None:
        for key in ("a", "b", "", "ключ" * 1_000):
            assert [(await limiter.take(key, SLOW)).allowed for _ in range(4)][2:] == [True, False]

    async def test_of_many_at_once_as_many_pass_as_may(self, limiter: Limiter) -> None:
        rate = Rate(1, 3_600, 100)
        found = await asyncio.gather(*(limiter.take("a", rate) for _ in range(1_200)))
        assert sum(verdict.allowed for verdict in found) == 100
        assert sorted(v.remaining for v in found if v.allowed) == list(range(100))

    async def test_many_at_once_have_each_their_own_answer(self, limiter: Limiter) -> None:
        rates = [Rate(1, 3_600, 1 + number % 7) for number in range(300)]
        found = await asyncio.gather(*(limiter.take(f"{n}", r) for n, r in enumerate(rates)))
        assert [verdict.remaining for verdict in found] == [rate.burst - 1 for rate in rates]

    async def test_who_waits_as_told_passes(self, limiter: Limiter) -> None:
        while (verdict := await limiter.take("a", QUICK)).allowed:
            assert verdict.remaining == 0
        assert 0 < verdict.wait <= 0.5
        await asyncio.sleep(verdict.wait + 0.001)
        assert (await limiter.take("a", QUICK)).allowed

    async def test_one_who_gives_up_stops_nobody_else(self, limiter: Limiter) -> None:
        asking = [asyncio.create_task(limiter.take("a", SLOW)) for _ in range(3)]
        await asyncio.sleep(0)
        asking[0].cancel()
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert not any(isinstance(verdict, Exception) for verdict in found)
        assert [verdict.allowed for verdict in found[1:]] == [True, True]  # type: ignore[union-attr]
