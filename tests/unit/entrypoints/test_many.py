"""The metrics of several processes as one text."""

import asyncio
import contextlib
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.parser import text_string_to_metric_families

from profilecore.entrypoints.many import Exposition, Member, merged
from profilecore.entrypoints.many import metrics as module


def member(folder: Path, number: int, of: int = 2) -> Member:
    return Member(number=number, of=of, listeners=(), line=0, folder=str(folder))


def registry(amount: int) -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("seen", "How many.", registry=made).inc(amount)
    took = Histogram("took", "How long.", ["what"], buckets=(1.0,), registry=made)
    took.labels('a "word", and } more').observe(amount)
    return made


def values(text: bytes, name: str) -> dict[str, float]:
    return {
        sample.labels.get("member", ""): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name == name
    }


def test_each_series_says_whose_it_is() -> None:
    text = merged({"1": "# HELP a A.\n# TYPE a counter\na 1.0\n", "2": 'a{b="c"} 2.0\n'})
    assert text == '# HELP a A.\n# TYPE a counter\na{member="1"} 1.0\n'
    both = "# HELP a A.\n# TYPE a counter\n"
    assert merged({"1": f"{both}a 1.0\n", "2": f'{both}a{{b="c"}} 2.0\n'}) == (
        f'{both}a{{member="1"}} 1.0\na{{member="2",b="c"}} 2.0\n'
    )


async def test_whichever_is_asked_tells_of_all(tmp_path: Path) -> None:
    one = Exposition(registry(3), member(tmp_path, 1))
    two = Exposition(registry(4), member(tmp_path, 2))
    async with one.shared(), two.shared():
        for asked in (one, two):
            text = await asked.text()
            assert values(text, "seen_total") == {"1": 3.0, "2": 4.0}
            assert values(text, "took_sum") == {"1": 3.0, "2": 4.0}
            assert text.count(b"# TYPE took histogram") == 1


async def test_one_that_is_alone_names_nobody() -> None:
    assert values(await Exposition(registry(3), None).text(), "seen_total") == {"": 3.0}


async def test_one_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    one = Exposition(registry(3), member(tmp_path, 1))
    assert values(await one.text(), "seen_total") == {"1": 3.0}


async def test_one_that_says_nothing_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_MAX", 0.05)
    ended = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    server = await asyncio.start_unix_server(silent, tmp_path / "2.sock")
    one = Exposition(registry(3), member(tmp_path, 1))
    async with asyncio.timeout(10):
        assert values(await one.text(), "seen_total") == {"1": 3.0}
    ended.set()
    server.close()
    await server.wait_closed()


async def test_one_that_was_killed_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "1.sock").touch()
    one = Exposition(registry(3), member(tmp_path, 1))
    async with one.shared():
        two = Exposition(registry(4), member(tmp_path, 2))
        assert values(await two.text(), "seen_total") == {"1": 3.0, "2": 4.0}


async def test_who_gives_up_is_no_error(tmp_path: Path) -> None:
    one = Exposition(registry(3), member(tmp_path, 1))
    async with one.shared():
        for _ in range(5):
            _, writer = await asyncio.open_unix_connection(tmp_path / "1.sock")
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        two = Exposition(registry(4), member(tmp_path, 2))
        assert values(await two.text(), "seen_total") == {"1": 3.0, "2": 4.0}


def test_what_a_parent_tells_is_what_a_member_hears() -> None:
    told = Member(number=2, of=3, listeners=(5, 6), line=7, folder="/somewhere")
    assert Member.of_environment(told.environment()) == told
    assert told.others() == [1, 3]
    assert Member.of_environment({}) is None
