"""Every change is told to whoever listens, whatever is killed: real servers and a real broker."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from profilecore.adapters.postgres import PostgresAddress
from tests.integration.rabbitmq.ways import BACK_MAX
from tests.support.http import created, path_of
from tests.support.postgres import database, emptied, execute, reachable
from tests.support.postgres import settings as of_database
from tests.support.processes import Server, environment
from tests.support.rabbitmq import SETTLED, RabbitProcess

LISTENER = Path(__file__).parents[3] / "docs" / "examples" / "listen.py"
PATIENCE = 60.0
TAKEN_OVER_MAX = 30.0  # a lease of ten seconds, and what a busy machine adds


@pytest.fixture(scope="module")
def address() -> Iterator[PostgresAddress]:
    with reachable() as postgres, database(postgres) as address:
        yield address


@pytest.fixture
def given(address: PostgresAddress, server: RabbitProcess) -> dict[str, str]:
    """What each server is told."""
    emptied(address)
    uri = f"amqp://guest:guest@127.0.0.1:{server.port}/"
    chosen = {"AUTH_MODE": "none", "SERVER_HOST": "127.0.0.1"}
    return {**of_database(address), **chosen, "QUEUE": "rabbitmq", "QUEUE_URI": uri}


@contextmanager
def serving(folder: Path, given: dict[str, str]) -> Iterator[tuple[Server, httpx.Client]]:
    folder.mkdir()
    with Server(folder, command="serve", **given) as server, server.client() as client:
        yield server, client


class Listener:
    """A queue of one's own behind the exchange, and what came out of it."""

    def __init__(self, server: RabbitProcess, name: str, key: str = "profile.*") -> None:
        self._server = server
        self._name = name
        self.came: list[dict[str, Any]] = []
        with server.channel() as channel:
            channel.exchange_declare("profile.events", "topic", durable=True)
            channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})
            channel.queue_bind(name, "profile.events", key)

    def hear(self) -> None:
        """Take what is there."""
        with self._server.channel() as channel:
            while True:
                method, properties, body = channel.basic_get(self._name, auto_ack=True)
                if method is None:
                    return
                event = json.loads(body)
                assert method.routing_key == properties.type == event["type"]
                assert properties.message_id == str(event["position"])
                self.came.append(event)

    def heard(self, positions: set[int], within: float = PATIENCE) -> None:
        """Return once all of these came."""
        began = time.monotonic()
        while True:
            self.hear()
            missing = positions - {event["position"] for event in self.came}
            if not missing:
                return
            assert time.monotonic() - began < within, f"{len(missing)} of {len(positions)} missing"
            time.sleep(0.1)

    def check_order(self) -> None:
        """Per profile the versions count up, once what is not newer is ignored."""
        newest: dict[str, int] = {}
        for event in self.came:
            known = newest.get(event["profile_id"], 0)
            assert event["version"] <= known + 1, f"{event} came after version {known}"
            newest[event["profile_id"]] = max(known, event["version"])


def logged(address: PostgresAddress) -> set[int]:
    return {position for (position,) in execute(address, "SELECT position FROM events")}


def changes(client: httpx.Client, people: int = 10, updates: int = 3) -> list[dict[str, Any]]:
    """Make some profiles, change each a few times, delete every second one."""
    made = [created(client) for _ in range(people)]
    for number in range(updates):
        for profile in made:
            response = client.put(path_of(profile), json={"bio": str(number)})
            assert response.status_code == 200, response.text
    for profile in made[::2]:
        assert client.delete(path_of(profile)).status_code == 204
    return made


def ready(address: PostgresAddress) -> None:
    """Wait until somebody holds the bookmark: a new one begins at the end of then."""
    began = time.monotonic()
    while not execute(address, "SELECT 1 FROM bookmarks"):
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.05)


def test_whoever_listens_sees_every_change_in_order(
    tmp_path: Path, given: dict[str, str], server: RabbitProcess, prefix: str,
    address: PostgresAddress,
) -> None:  # fmt: skip
    everything = Listener(server, f"{prefix}.events")
    deletions = Listener(server, f"{prefix}.deletions", "profile.deleted")
    with serving(tmp_path / "one", given) as (process, client):
        ready(address)
        made = changes(client)
        everything.heard(logged(address))
        everything.check_order()
        gone = [event for event in everything.came if event["type"] == "profile.deleted"]
        assert {event["profile_id"] for event in gone} == {profile["id"] for profile in made[::2]}
        deletions.heard({event["position"] for event in gone})
        assert {event["type"] for event in deletions.came} == {"profile.deleted"}
        (first,) = (e for e in everything.came if e["position"] == min(logged(address)))
        profile = made[0]
        assert first["profile_id"] == profile["id"]
        assert (first["version"], first["actor"]) == (1, None)
        assert first["at"] == profile["created_at"]
        assert first["data"]["email"] == profile["email"]
        published = process_metric(client, "events_published_total")
        assert published >= len(logged(address))
        assert process.stop() == 0


def test_a_server_that_is_killed_is_succeeded(
    tmp_path: Path, given: dict[str, str], server: RabbitProcess, prefix: str,
    address: PostgresAddress,
) -> None:  # fmt: skip
    listener = Listener(server, f"{prefix}.events")
    with serving(tmp_path / "one", given) as (first, client):
        ready(address)
        with serving(tmp_path / "two", given) as (_, other):
            changes(other, people=3)
            listener.heard(logged(address))
            assert process_metric(other, "events_published_total") == 0, "one at a time"
            assert process_metric(client, "events_published_total") > 0
            made = [created(client) for _ in range(5)]
            first.kill()
            for profile in made:
                assert other.put(path_of(profile), json={"bio": "new"}).status_code == 200
            listener.heard(logged(address), within=TAKEN_OVER_MAX)
            assert process_metric(other, "events_published_total") > 0
    listener.check_order()


def test_a_broker_that_is_killed_costs_nobody_an_event(
    tmp_path: Path, given: dict[str, str], address: PostgresAddress
) -> None:
    with RabbitProcess(tmp_path / "rabbitmq") as server:
        given["QUEUE_URI"] = f"amqp://guest:guest@127.0.0.1:{server.port}/"
        listener = Listener(server, "events")
        time.sleep(SETTLED)
        with serving(tmp_path / "one", given) as (process, client):
            ready(address)
            changes(client, people=5)
            server.kill()
            changes(client, people=5)  # nobody who writes notices
            server.start()
            made = changes(client, people=2)
            listener.heard(logged(address), within=PATIENCE + BACK_MAX)
            assert made[-1]["id"] in {event["profile_id"] for event in listener.came}
            assert '"exception"' not in process.errors
        listener.check_order()


def test_the_listener_of_the_how_to(
    tmp_path: Path, given: dict[str, str], server: RabbitProcess, address: PostgresAddress
) -> None:
    """Each version once, though an event comes twice."""
    with serving(tmp_path / "one", given) as (_, client), told(tmp_path, given) as said:
        ready(address)
        bound(server, "search")
        profile = created(client)
        assert client.delete(path_of(profile)).status_code == 204
        wanted = [f"profile.created {profile['id']} 1", f"profile.deleted {profile['id']} 2"]
        began = time.monotonic()
        while said().splitlines() != wanted:
            assert time.monotonic() - began < PATIENCE, said()
            time.sleep(0.1)
        again = {"type": "profile.created", "profile_id": profile["id"], "version": 1}
        with server.channel() as channel:
            channel.basic_publish("profile.events", again["type"], json.dumps(again).encode())
        profile = created(client)
        while (line := f"profile.created {profile['id']} 1") not in said():
            assert time.monotonic() - began < PATIENCE, said()
            time.sleep(0.1)
        assert said().splitlines() == [*wanted, line]


def bound(server: RabbitProcess, queue: str) -> None:
    """Wait until it is: what is published before that is for nobody."""
    began = time.monotonic()
    columns = ("list_bindings", "source_name", "destination_name", "routing_key")
    while f"profile.events\t{queue}\tprofile.*" not in server.control(*columns):
        assert time.monotonic() - began < PATIENCE


@contextmanager
def told(folder: Path, given: dict[str, str]) -> Iterator[Callable[[], str]]:
    """Run the example; give what it has printed so far."""
    output = folder / "listener.txt"
    with output.open("wb") as file:
        command = [sys.executable, str(LISTENER), given["QUEUE_URI"] + "%2F"]
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment())
    try:
        yield output.read_text
    finally:
        process.kill()
        process.wait(10)


def process_metric(client: httpx.Client, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name} "))
    return float(line.split()[1])
