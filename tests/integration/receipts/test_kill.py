"""kill -9 between an effect and its answer, with many who ask: one effect, and equal answers."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest

from profilecore.adapters.postgres import PostgresAddress
from tests.support.faultpoints import Faultpoints
from tests.support.faulty_once import FAULTY, POINT
from tests.support.once import ALL, Ask, effects, replayed, said
from tests.support.postgres import database, reachable, settings
from tests.support.processes import Server

MANY: Final = 50
ROOT: Final = Path(__file__).parents[3]
STOPPED_WITHIN: Final = 30.0
ENDED_WITHIN: Final = 10.0
every = pytest.mark.parametrize("made", ALL, ids=lambda made: made.__name__)


class Fleet:
    """Servers on one database, of which one at a time can be killed between effect and answer."""

    def __init__(self, folder: Path, stack: ExitStack, number: int, **given: str) -> None:
        self.points = Faultpoints(folder / "armed")
        self._stack = stack
        self._settings = {
            **given,
            **self.points.settings,
            "FAULTS_ROLE": "server",
            "PYTHONPATH": str(ROOT),
            "BLOBS_URL": (folder / "blobs").as_uri(),
            "TASK_CONCURRENCY": "0",
        }
        self._folders = [folder / str(n) for n in range(number)]
        for path in (folder / "blobs", *self._folders):
            path.mkdir()
        self.servers = [self._start(path) for path in self._folders]
        self.client = stack.enter_context(self.servers[0].client())

    def _start(self, folder: Path) -> Server:
        return self._stack.enter_context(Server(folder, program=FAULTY, **self._settings))

    def replace_the_dead(self) -> int:
        """Start those again that were killed, as a supervisor would; give how many there were.

        Connections break a moment before it is known that the process has ended.
        """
        deadline = time.monotonic() + ENDED_WITHIN
        while not (dead := [n for n, server in enumerate(self.servers) if _ended(server)]):
            assert time.monotonic() < deadline, "none has ended"
            time.sleep(0.01)
        for number in dead:
            assert self.servers[number].wait() == -signal.SIGKILL
            self.servers[number] = self._start(self._folders[number])
        self.client = self._stack.enter_context(self.servers[0].client())
        return len(dead)

    async def ask(self, ask: Ask, key: str) -> list[httpx.Response | BaseException]:
        """Many times at once, each server as often as the others."""
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(_some(s, ask, key, self._share)) for s in self.servers]
        return [answer for task in asked for answer in task.result()]

    @property
    def _share(self) -> int:
        return MANY // len(self.servers)


def _ended(server: Server) -> bool:
    return server.process.poll() is not None


async def _some(
    server: Server, ask: Ask, key: str, number: int
) -> Sequence[httpx.Response | BaseException]:
    async with server.async_client() as client:
        asked = (ask.persist(client, key) for _ in range(number))
        return await asyncio.gather(*asked, return_exceptions=True)


@pytest.fixture(scope="module")
def address() -> Iterator[PostgresAddress]:
    with reachable() as server, database(server) as address:
        yield address


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def fleet(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield Fleet(folder, stack, 1)
        else:
            yield Fleet(folder, stack, 2, **settings(request.getfixturevalue("address")))


@every
@pytest.mark.timeout(120)
async def test_killed_between_effect_and_answer(
    fleet: Fleet, made: Callable[[httpx.Client], Ask]
) -> None:
    ask, key = made(fleet.client), f"killed-{made.__name__}"
    before = effects(fleet.client)
    fleet.points.arm("kill", "server", POINT)
    answers = await fleet.ask(ask, key)
    lost = [answer for answer in answers if isinstance(answer, httpx.TransportError)]
    got = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert lost
    assert len(lost) + len(got) == MANY
    assert fleet.replace_the_dead() == 1
    again = [a for a in await fleet.ask(ask, key) if isinstance(a, httpx.Response)]
    assert len(again) == MANY
    assert len({said(answer) for answer in (*got, *again)}) == 1
    assert all(map(replayed, again)), "the effect was there"
    assert all(map(replayed, got)), "whose effect it was never heard of it"
    once = effects(fleet.client)
    other = made(fleet.client)
    started = effects(fleet.client)
    assert other.send(fleet.client, f"other-{made.__name__}").is_success
    after = effects(fleet.client)
    grown = [b - a for a, b in zip(before, once, strict=True)]
    assert grown == [b - a for a, b in zip(started, after, strict=True)], "as much as one has"
    assert grown != [0, 0]


@every
async def test_many_at_once_have_one_effect(
    fleet: Fleet, made: Callable[[httpx.Client], Ask]
) -> None:
    """Wherever they are sent to."""
    ask, key = made(fleet.client), f"many-{made.__name__}"
    answers = [a for a in await fleet.ask(ask, key) if isinstance(a, httpx.Response)]
    assert len(answers) == MANY
    assert len({said(answer) for answer in answers}) == 1, {a.text for a in answers}
    assert answers[0].is_success
    assert [replayed(answer) for answer in answers].count(False) == 1
