"""Who was refused rests, and how soon it goes on."""

import asyncio
from collections.abc import Callable

from profilecore.entrypoints.resting import IN_A_TURN, TURNS_MAX, Resting


class Connection(asyncio.Transport):
    """Knows whether it is read from."""

    def __init__(self) -> None:
        super().__init__()
        self.read = True
        self.closing = False

    def pause_reading(self) -> None:
        self.read = False

    def resume_reading(self) -> None:
        assert not self.closing
        self.read = True

    def is_closing(self) -> bool:
        return self.closing


class House:
    """So much room, and so many connections that were refused."""

    def __init__(self, number: int, room: int = 0) -> None:
        self.room = room
        self._calls: list[Callable[[], None]] = []
        resting = Resting(lambda: self.room, self._calls.append)
        self.connections = [Connection() for _ in range(number)]
        for connection in self.connections:
            resting.add(connection)

    def turn(self) -> int:
        """Let a turn pass; give how many are read from then."""
        (call,) = self._calls
        self._calls.clear()
        call()
        return sum(connection.read for connection in self.connections)

    @property
    def is_over(self) -> bool:
        return not self._calls


def test_nobody_refused_is_read_from_before_a_turn() -> None:
    assert not any(connection.read for connection in House(3).connections)


def test_some_go_on_in_each_turn_those_first_that_rest_longest() -> None:
    house = House(IN_A_TURN * 3)
    for turn in range(1, 4):
        assert house.turn() == IN_A_TURN * turn
        assert all(connection.read for connection in house.connections[: IN_A_TURN * turn])
    assert house.is_over


def test_all_go_on_that_there_is_room_for() -> None:
    house = House(IN_A_TURN * 20, room=IN_A_TURN * 12)
    assert house.turn() == IN_A_TURN * 12


def test_room_below_nothing_is_none() -> None:
    assert House(IN_A_TURN * 2, room=-5).turn() == IN_A_TURN


def test_however_many_rest_none_rests_for_long() -> None:
    number = IN_A_TURN * TURNS_MAX * 3
    house = House(number)
    assert [house.turn() for _ in range(TURNS_MAX)][-2:] == [IN_A_TURN * (TURNS_MAX - 1), number]


def test_one_that_is_gone_is_left_alone() -> None:
    house = House(2)
    house.connections[0].closing = True
    assert house.turn() == 1
    assert house.is_over
