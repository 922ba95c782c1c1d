"""Two processes with their own ways to Redis, cut and healed at random: nothing old is read."""

import asyncio
import random
import time

import pytest

from profilecore.adapters.memory import MemoryStore
from profilecore.profile import Absence, Profile
from profilecore.service import ProfileService, Source
from tests.integration.redis.stack import TRUST, Stack
from tests.support.campaign import Campaign, campaign, rounds
from tests.support.redis import RedisProcess

AT_ONCE = 10
STEPS = 12
PAUSE_MAX = 0.15
HICCUP = 0.1  # that the whole process may stand still between an answer and the look at it


class Schedule:
    """A profile that is written and read through two processes while their ways break."""

    def __init__(
        self, server: RedisProcess, name: str, rng: random.Random, campaign: Campaign
    ) -> None:
        self._server = server
        self._prefix = name
        self._rng = rng
        self._campaign = campaign
        self._store = MemoryStore()
        self._acknowledged: list[tuple[float, int]] = []
        self._stacks: list[Stack] = []
        self.faults: list[str] = []
        self.steps: list[str] = []
        self.sources: list[Source] = []

    async def run(self) -> None:
        async with self._stack() as one, self._stack() as other:
            self._stacks = [one, other]
            written = await one.service.create({"name": "A", "email": "a@x.de"}, actor=None)
            self._id = written.profile.id
            self._note(written.profile.version)
            readers = [asyncio.create_task(self._keep_reading(s)) for s in self._stacks]
            try:
                await self._play()
            finally:
                for task in readers:
                    task.cancel()
                await asyncio.gather(*readers, return_exceptions=True)
            await self._check_rest()
        self._campaign.passed(stale=len(self.faults))
        assert self.faults == []

    async def _play(self) -> None:
        for _ in range(STEPS):
            await asyncio.sleep(self._rng.random() * PAUSE_MAX)
            await self._step()
        for stack in self._stacks:
            stack.proxy.heal()
            stack.profiles.dies = False
        for stack in self._stacks:
            await stack.until(active=False, seconds=15)

    async def _step(self) -> None:
        stack = self._rng.choice(self._stacks)
        way = self._rng.choice(
            ["write"] * 5 + ["cut", "cut", "hush", "slow", "reset", "heal"] * 2 + ["die", "forget"]
        )
        self.steps.append(f"{way} {self._stacks.index(stack)}")
        self._campaign.injected(way)
        if way == "write":
            await self._write(stack.service)
        elif way == "die":
            # Killed after the commit: nothing of what comes next is done, and nobody is told.
            stack.profiles.dies = True
            dying = asyncio.create_task(self._write(stack.service))
            await asyncio.sleep(0.02)
            dying.cancel()
            await asyncio.wait({dying}, timeout=5)
            assert dying.done(), "it was cancelled"
            stack.profiles.dies = False
        elif way == "forget":
            with self._server.client() as client:
                client.delete(f"{self._prefix}:state")
        elif way == "slow":
            stack.proxy.delay = 0.1
        elif way == "reset":
            stack.proxy.resetting = True
        else:
            {"cut": stack.proxy.cut, "hush": stack.proxy.hush, "heal": stack.proxy.heal}[way]()

    async def _write(self, service: ProfileService) -> None:
        try:
            if self._rng.random() < 0.25:
                written = await service.remove(self._id, expected=None, actor=None)
            else:
                values = {"bio": str(self._rng.random())}
                written = await service.update(self._id, values, expected=None, actor=None)
        except Exception:
            written = await service.restore(self._id, expected=None, actor=None)
        self._note(written.profile.version)

    def _note(self, version: int) -> None:
        self._acknowledged.append((time.monotonic(), version))

    async def _keep_reading(self, stack: Stack) -> None:
        while True:
            began = time.monotonic()
            reading = await stack.read(self._id)
            if reading is not None:
                self.sources.append(reading.source)
                cached = reading.source is Source.CACHE
                self._check(reading.profile, time.monotonic() - HICCUP if cached else began)
            await asyncio.sleep(self._rng.random() * 0.01)

    def _check(self, profile: Profile, now: float) -> None:
        owed = max((v for at, v in self._acknowledged if now - at > TRUST), default=0)
        if profile.version < owed:
            self.faults.append(f"version {profile.version}, {owed} was acknowledged; {self.steps}")

    async def _check_rest(self) -> None:
        truth = self._store.rows[self._id]
        expected = Absence(self._id, truth.version) if truth.deleted_at else truth
        for stack in self._stacks:
            await stack.feed.advance()
            found = (await stack.redis.get([self._id])).get(self._id)
            if found not in (None, expected):
                self.faults.append(f"at rest {found}, not {expected}; {self.steps}")

    def _stack(self) -> Stack:
        return Stack(self._store, self._server.port, self._prefix)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
async def test_no_process_gives_what_is_old(server: RedisProcess) -> None:
    """Never older than the time of trust; once healed, never; deleted ones stay away."""
    with campaign("cut off, in one process", rounds(40, 1_000)) as run:
        rngs = iter([random.Random(run.dice.random()) for _ in range(run.number)])
        schedules: list[Schedule] = []

        async def work() -> None:
            for rng in rngs:
                schedules.append(Schedule(server, f"s{len(schedules)}", rng, run))
                await schedules[-1].run()

        async with asyncio.TaskGroup() as workers:
            for _ in range(AT_ONCE):
                workers.create_task(work())
        hits = sum(schedule.sources.count(Source.CACHE) for schedule in schedules)
        assert hits > run.number, "the caches were in use"
