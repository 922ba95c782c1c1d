"""What may be ordered."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilecore.errors import Invalid
from profilecore.order import (
    CLOCKS_DIFFER,
    DELAY_MAX,
    DEPTH_MAX,
    PAYLOAD_MAX,
    Order,
    delay_of,
    within_reach,
)
from profilecore.testing.samples import AT, SECOND

TICK = timedelta(microseconds=1)


def at_fault(error: Invalid) -> list[str]:
    assert error.code == "invalid"
    return [fault.field for fault in error.errors]


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (0, 0),
        (-0.0, 0),
        (30, 30),
        (0.25, 0.25),
        (2_592_000, 2_592_000),
        ("0s", 0),
        ("90s", 90),
        ("1.5s", 1.5),
        ("0.000001s", 0.000001),
        ("5m", 300),
        ("1h30m", 5_400),
        ("1d1h1m1s", 90_061),
        ("30d", 2_592_000),
    ],
)
def test_delays_that_can_be_read(asked: float | str, seconds: float) -> None:
    assert delay_of(asked) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "asked",
    [
        *(-1, -1e-9, 2_592_001, 2_592_000.001, 10**400, -(10**400), 1e308),
        *(math.nan, math.inf, -math.inf),
        *(
            "",
            " ",
            "30",
            "s",
            "-5s",
            "+5s",
            "5 s",
            " 5s",
            "5s ",
            "5s\n",
            "5S",
            "1.5m",
            "1m1h",
            "5s5s",
        ),
        *("1e3s", ".5s", "5.s", "0x5s", "1_0s", "nan", "inf", "NaNs", "30d1s", "0.0000001s"),
        *("\u0665s", "\uff15m", "²s", "1\u00a0s", "1\0s", "9999999999s", "9" * 5_000 + "s", "PT5M"),
    ],
)
def test_delays_that_cannot(asked: float | str) -> None:
    with pytest.raises(Invalid) as refused:
        delay_of(asked)
    assert at_fault(refused.value) == ["delay"]
    assert "such as 90s" in refused.value.errors[0].message


@given(st.floats() | st.integers() | st.text() | st.from_regex(r"[0-9.]+[dhms]{1,2}"))
def test_a_delay_is_read_or_refused(asked: float | str) -> None:
    try:
        delay = delay_of(asked)
    except Invalid:
        return
    assert timedelta(0) <= delay <= DELAY_MAX


@given(st.integers(0, 2_592_000))
def test_a_delay_in_words_is_the_one_in_seconds(seconds: int) -> None:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    assert delay_of(f"{hours}h{minutes}m{rest}s") == delay_of(seconds)


@pytest.mark.parametrize(
    "asked",
    [
        {"type": "a" * 100},
        {"type": "http.callback"},
        {"type": "0-_."},
        {"delay": DELAY_MAX},
        {"priority": 9},
        {"max_attempts": 1},
        {"max_attempts": 100},
        {"unique_key": "k" * 255},
        {"unique_key": "ü 李 \U0001f600"},
        {"payload": {"text": "x" * (PAYLOAD_MAX - len('{"text":""}'))}},
    ],
    ids=str,
)
def test_what_is_allowed(asked: dict[str, Any]) -> None:
    Order(**{"type": "echo"} | asked)


def deep(levels: int) -> dict[str, Any]:
    nested: Any = "x"
    for _ in range(levels):
        nested = {"n": nested}
    return {"n": nested}


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({"type": ""}, ["type"]),
        ({"type": "a" * 101}, ["type"]),
        ({"type": "Echo"}, ["type"]),
        ({"type": ".a"}, ["type"]),
        ({"type": "a\n"}, ["type"]),
        ({"type": "ü"}, ["type"]),
        ({"delay": -TICK}, ["delay"]),
        ({"delay": DELAY_MAX + TICK}, ["delay"]),
        ({"priority": -1}, ["priority"]),
        ({"priority": 10}, ["priority"]),
        ({"max_attempts": 0}, ["max_attempts"]),
        ({"max_attempts": 101}, ["max_attempts"]),
        ({"unique_key": ""}, ["unique_key"]),
        ({"unique_key": "k" * 256}, ["unique_key"]),
        ({"unique_key": "a\0"}, ["unique_key"]),
        ({"unique_key": "\ud800"}, ["unique_key"]),
        ({"run_at": AT, "delay": SECOND}, ["run_at"]),
        ({"run_at": AT.replace(tzinfo=None)}, ["run_at"]),
        ({"payload": {"text": "x" * (PAYLOAD_MAX - len('{"text":""}') + 1)}}, ["payload"]),
        ({"payload": {"text": "ü" * (PAYLOAD_MAX // 2)}}, ["payload"]),
        ({"payload": {"n": math.nan}}, ["payload"]),
        ({"payload": {"n": math.inf}}, ["payload"]),
        ({"payload": {"n": {1, 2}}}, ["payload"]),
        ({"payload": {"n": b"x"}}, ["payload"]),
        ({"payload": {"n": "\ud800"}}, ["payload"]),
        ({"payload": {"\udfff": 1}}, ["payload"]),
        ({"payload": {"n": 10**5_000}}, ["payload"]),
        ({"payload": deep(DEPTH_MAX)}, ["payload"]),
        ({"payload": deep(100_000)}, ["payload"]),
        ({"payload": [1]}, ["payload"]),
        ({"payload": "text"}, ["payload"]),
        ({"payload": None}, ["payload"]),
        ({"type": "", "priority": 10, "max_attempts": 0}, ["type", "priority", "max_attempts"]),
    ],
)
def test_what_is_not_names_every_field_at_fault(asked: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        Order(**{"type": "echo"} | asked)
    assert at_fault(refused.value) == fields
    assert all(field in refused.value.detail for field in fields)


def test_the_deepest_payload_is_kept() -> None:
    assert Order(type="echo", payload=deep(DEPTH_MAX - 2)).payload == deep(DEPTH_MAX - 2)


def test_a_payload_is_the_orders_own_and_plain() -> None:
    """Whatever becomes of what it was made of; and it is what each store gives back."""
    inner = [1]
    given: dict[Any, Any] = {"list": inner, 1: (2, 3)}
    order = Order(type="echo", payload=given)
    inner.append(2)
    given["more"] = True
    assert order.payload == {"list": [1], "1": [2, 3]}


def test_when_it_is_due() -> None:
    assert Order(type="echo").task(AT).run_at == AT
    assert Order(type="echo", delay=SECOND).task(AT).run_at == AT + SECOND
    made = Order(type="echo", run_at=AT + SECOND).task(AT)
    assert (made.run_at, made.due_at, made.created_at) == (AT + SECOND, AT + SECOND, AT)


@pytest.mark.parametrize("by", [-CLOCKS_DIFFER, timedelta(0), DELAY_MAX])
def test_a_time_within_reach(by: timedelta) -> None:
    zone = timezone(timedelta(hours=9))
    found = within_reach((AT + by).astimezone(zone), AT)
    assert (found, found.tzinfo) == (AT + by, UTC)


@pytest.mark.parametrize(
    "run_at",
    [
        AT - CLOCKS_DIFFER - TICK,
        AT + DELAY_MAX + TICK,
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
        AT.replace(tzinfo=None),
    ],
)
def test_a_time_out_of_reach_is_told_what_is(run_at: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        within_reach(run_at, AT)
    assert at_fault(refused.value) == ["run_at"]
    assert "30 days" in refused.value.errors[0].message
