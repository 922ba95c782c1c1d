"""The real service under a mixed load, seen by a real Prometheus through rules and dashboards."""

import math
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.monitoring.expressions import expressions, families, selectors
from tests.support.dashboards import queries
from tests.support.http import created, path_of
from tests.support.pictures import encoded, scene
from tests.support.processes import Server
from tests.support.prometheus import PrometheusProcess
from tests.support.rabbitmq import RabbitProcess
from tests.support.redis import RedisProcess
from tests.support.replication import replicated
from tests.support.tasks import HANDLERS, dead, read, submitted
from tests.support.uploads import upload

LOAD: Final = 20.0
SETTLE_MAX: Final = 30.0
PAUSE: Final = 0.02  # between two rounds: enough to be seen, and little enough for others
TOKEN: Final = "X-Consistency-Token"
NOT_HERE: Final = {
    # Nothing failed, no certificate file is set, and nobody looks from outside.
    'http_requests_total{job="profilecore",route!~"/health.*|/metrics",status=~"5.."}',
    "certificate_expires_timestamp_seconds",
    "probe_ssl_earliest_cert_expiry",
}


@dataclass(frozen=True)
class Fleet:
    """Two servers and a worker, and the Prometheus that looks at them."""

    servers: list[Server]
    worker: Server
    prometheus: PrometheusProcess


def given(folder: Path, rabbit: RabbitProcess, redis: RedisProcess) -> dict[str, str]:
    return {
        "AUTH_MODE": "none",
        "SERVER_HOST": "127.0.0.1",
        "CACHE": "redis",
        "REDIS_ADDRESS": redis.address,
        "QUEUE": "rabbitmq",
        "QUEUE_URI": f"amqp://guest:guest@127.0.0.1:{rabbit.port}/",
        "DATA_DIR": str(folder / "data"),
        "IMAGE_PROCESSES": "1",
        **HANDLERS,
    }


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    with ExitStack() as stack:
        redis = stack.enter_context(RedisProcess(folder / "redis", "--maxmemory", "100mb"))
        rabbit = stack.enter_context(RabbitProcess(folder / "rabbitmq"))
        pair = stack.enter_context(replicated())
        settings = given(folder, rabbit, redis) | pair.settings()

        def started(name: str, command: str) -> Server:
            (folder / name).mkdir()
            server = Server(folder / name, command=command, **settings)
            return stack.enter_context(server)

        servers = [started(name, "serve") for name in ("one", "two")]
        worker = started("worker", "worker")
        prometheus = stack.enter_context(
            PrometheusProcess(
                folder / "prometheus", [server.port for server in servers], [worker.port]
            )
        )
        load(servers)
        yield Fleet(servers, worker, prometheus)


def load(servers: list[Server]) -> None:
    """Use all there is for some seconds; each server by a client of its own."""
    with ThreadPoolExecutor() as pool:
        used = [pool.submit(use, server) for server in servers]
    for use_of_one in used:
        use_of_one.result()


def use(server: Server) -> None:
    """As a client of replicas does: it sends the token of its last write with each read."""
    with server.client() as client:

        def remember(response: httpx.Response) -> None:
            token = response.headers.get(TOKEN)
            if token is not None:
                client.headers[TOKEN] = token

        client.event_hooks = {"response": [remember]}
        rounds(client)


def rounds(client: httpx.Client) -> None:
    until = time.monotonic() + LOAD
    picture = encoded(scene())
    number = 0
    while time.monotonic() < until:
        profile = created(client)
        for _ in range(5):
            done(client.get(path_of(profile)), 200)
        done(client.put(path_of(profile), json={"bio": str(number)}), 200)
        done(client.get(path_of(profile)), 200)
        done(client.get("/api/v1/profiles", params={"limit": 10}), 200)
        done(client.get(f"{path_of(profile)[:-12]}000000000000"), 404)
        if number % 20 == 0:
            done(upload(client, profile, picture), 201)
            later = submitted(client, delay="1h")
            done(client.delete(f"/api/v1/tasks/{later['id']}"), 200)
        if number % 5 == 0:
            assert read(client, submitted(client), wait=30)["status"] == "succeeded"
            done(client.delete(path_of(profile)), 204)
        number += 1
        time.sleep(PAUSE)


def done(response: httpx.Response, status: int) -> None:
    assert response.status_code == status, response.text


def rows(prometheus: PrometheusProcess, expression: str) -> list[Any]:
    """What can be drawn: a row whose value is not a number is none."""
    return [row for row in prometheus.asked(expression) if not math.isnan(row[1])]


def test_every_process_is_scraped(fleet: Fleet) -> None:
    targets = [t for t in fleet.prometheus.targets() if t["labels"]["job"] == "profilecore"]
    assert [t["health"] for t in targets] == ["up"] * 3
    assert sorted(t["labels"]["component"] for t in targets) == ["server", "server", "worker"]


@pytest.mark.parametrize(("board", "panel", "query"), queries(), ids=lambda value: value[:40])
def test_every_query_of_a_dashboard_returns_data(
    fleet: Fleet, board: str, panel: str, query: str
) -> None:
    assert rows(fleet.prometheus, query), f"{board}, {panel}: {query}"


def test_every_series_that_a_rule_asks_for_is_there(fleet: Fleet) -> None:
    """So that a rule is silent because all is well, and not because it has a wrong label."""
    asked = {str(selector): selector.name for e in expressions() for selector in selectors(e)}
    missing = {
        text
        for text, name in asked.items()
        if not NOT_HERE & {text, name} and not fleet.prometheus.asked(instance_of_any(text))
    }
    assert not missing


def instance_of_any(selector: str) -> str:
    return selector.replace("$instance", ".*")


def test_what_is_exported_is_what_the_rules_are_compared_with(fleet: Fleet) -> None:
    exported = set()
    for server in (fleet.servers[0], fleet.worker):
        with server.client() as client:
            exported |= exported_by(client.get("/metrics").text)
    assert exported == families()


def exported_by(text: str) -> set[str]:
    """The metrics of a page, those that only say when others began left out."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE))
    return {name for name in kinds if not name.endswith("_created")}


def test_no_rule_fails(fleet: Fleet) -> None:
    assert fleet.prometheus.faults() == []


def test_alerts_are_silent_until_something_is_wrong(fleet: Fleet) -> None:
    """A task that fails for the last time is told of, and nothing else."""
    assert firing(fleet.prometheus) == set()
    with fleet.servers[0].client() as client:
        lost = dead(client)
    assert lost["error"]
    deadline = time.monotonic() + SETTLE_MAX
    while firing(fleet.prometheus) != {("TasksDead", "ticket")}:
        assert time.monotonic() < deadline, fleet.prometheus.alerts()
        time.sleep(0.2)


def firing(prometheus: PrometheusProcess) -> set[tuple[str, str]]:
    return {
        (alert["labels"]["alertname"], alert["labels"]["severity"])
        for alert in prometheus.alerts()
        if alert["state"] == "firing"
    }
