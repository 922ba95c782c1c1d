"""Which server is asked: the choice alone, by a clock of its own."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from profilecore.adapters.postgres import PostgresAddress
from profilecore.adapters.postgres.servers import LAG_MAX, LOST, Server, Servers, Standing


@dataclass
class Node:
    """A server without connections."""

    name: str
    load: int = 0
    address: PostgresAddress = field(init=False)

    def __post_init__(self) -> None:
        self.address = PostgresAddress(host=self.name, port=1, user="u", password=None, name="n")


class Group:
    """A primary and two replicas, each of which may become the primary."""

    def __init__(self) -> None:
        self.now = 100.0
        self.turns: list[tuple[str, str]] = []
        one, two, three = (self._server(name) for name in ("one", "two", "three"))
        self.one, self.two, self.three = one, two, three
        self.servers = Servers(
            (one, two, three),
            turned=lambda where, what: self.turns.append((where.partition(" ")[0], what)),
            clock=lambda: self.now,
        )
        self.say(one, 10, writable=True)
        self.say(two, 10)
        self.say(three, 10)

    def say(
        self, server: Server, position: int, *, writable: bool = False, timeline: int = 0
    ) -> None:
        self.servers.note(server, Standing(writable, timeline, position))

    def _server(self, name: str) -> Server:
        node: Any = Node(name)
        return Server(node, candidate=True, reader=True)


@pytest.fixture
def group() -> Group:
    return Group()


def test_the_least_busy_of_those_that_have_it_reads(group: Group) -> None:
    node: Any = group.two.node
    node.load = 3
    assert group.servers.reader(10) is group.three
    group.say(group.three, 9)
    assert group.servers.reader(10) is group.two
    assert group.servers.reader(0) is group.three


def test_one_that_was_in_step_is_hoped_for_once(group: Group) -> None:
    group.say(group.three, 12)
    assert group.servers.reader(13) is group.three, "the furthest"
    assert not group.servers.saw(group.three, 12, 13)
    assert group.servers.reader(13) is group.two
    assert not group.servers.saw(group.two, 11, 13)
    assert group.servers.reader(13) is None
    assert group.servers.saw(group.two, 13, 13)
    assert group.servers.reader(13) is group.two


def test_one_that_lags_leaves_and_comes_back(group: Group) -> None:
    for position in range(11, 16):
        group.now += 0.5
        group.say(group.one, position, writable=True)
        group.say(group.two, position - 1)  # always a little behind, and so in step
        group.say(group.three, 10)
    assert group.servers.reader(5) is group.two
    assert group.servers.lag(group.three) > LAG_MAX
    assert group.servers.role(group.three) == "replica"
    group.servers.note(group.two, LOST)
    assert group.servers.reader(5) is None, "what lags is not asked, whatever it has"
    group.say(group.three, 15)
    assert group.servers.reader(15) is group.three


def test_one_that_does_not_answer_is_lost(group: Group) -> None:
    group.servers.note(group.two, LOST)
    group.servers.note(group.two, LOST)
    assert group.servers.role(group.two) == "lost"
    assert group.servers.reader(10) is group.three
    assert not group.servers.saw(group.two, 3, 10)
    assert group.two.standing is LOST, "an answer that comes late does not bring it back"
    group.say(group.two, 10)
    assert [turn for turn in group.turns if turn[0] == "two"] == [
        ("two", "answers"),
        ("two", "does not answer"),
        ("two", "answers"),
    ]


def test_the_last_that_was_promoted_is_the_primary(group: Group) -> None:
    group.servers.note(group.one, LOST)
    assert group.servers.primary is group.one, "as long as there is no other"
    group.say(group.three, 10, writable=True, timeline=1)
    assert group.servers.primary is group.three
    group.say(group.one, 12, writable=True)
    assert group.servers.primary is group.three, "the old one does not know that it is over"
    assert group.turns[-2:] == [("three", "is the primary now"), ("one", "answers")]
    group.say(group.two, 10, writable=True, timeline=2)
    assert group.servers.primary is group.two


def test_a_reader_that_is_no_candidate_is_never_written_to(group: Group) -> None:
    group.three.candidate = False
    group.servers.note(group.one, LOST)
    group.say(group.three, 10, writable=True, timeline=7)
    assert group.servers.primary is group.one


def test_one_that_is_no_reader_is_not_read_from(group: Group) -> None:
    group.two.reader = group.three.reader = False
    assert group.servers.reader(0) is None
