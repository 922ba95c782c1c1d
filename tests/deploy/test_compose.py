"""compose.yaml: what no schema sees. No container engine is here, and so nothing of it was run."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.deploy import composed
from tests.deploy.rendering import Object


def test_it_has_no_fault() -> None:
    file = composed.compose()
    for check in (composed.references, composed.settings, composed.confined):
        assert list(check(file)) == []
    assert list(composed.addresses(file, composed.texts())) == []


def test_all_that_is_promised_is_in_it() -> None:
    services = composed.compose()["services"]
    assert set(services) == {
        *("server-1", "server-2", "worker", "migrate", "nginx", "varnish"),
        *("postgres-primary", "postgres-secondary", "redis", "rabbitmq", "prometheus", "grafana"),
    }
    listening = composed.settings_of(services["server-1"])
    assert {listening.server_port, listening.ops_port} == composed.PORTS["server-1"]


def addresses(file: Object) -> Iterator[str]:
    return composed.addresses(file, composed.texts())


Check = Callable[[Object], Iterator[str]]
BROKEN: Final[dict[str, tuple[Check, Callable[[Object], object], str]]] = {
    "secret": (composed.references, lambda f: f["secrets"].pop("db_owner"), "db_owner"),
    "secret nobody makes": (
        composed.references,
        lambda f: f["secrets"].update(other={"file": "./secrets/other"}),
        "nothing makes the secret other",
    ),
    "volume": (composed.references, lambda f: f["volumes"].pop("images"), "volume images"),
    "file": (
        composed.references,
        lambda f: f["services"]["nginx"].update(volumes=["./nowhere.conf:/a:ro"]),
        "nowhere.conf",
    ),
    "service": (composed.references, lambda f: f["services"].pop("redis"), "waits for redis"),
    "health": (
        composed.references,
        lambda f: f["services"]["redis"].pop("healthcheck"),
        "does not say how it is",
    ),
    "variable": (
        composed.settings,
        lambda f: f["services"]["worker"]["environment"].update(DB_HOSTS="a"),
        "sets DB_HOSTS",
    ),
    "value": (
        composed.settings,
        lambda f: f["services"]["worker"]["environment"].update(AUTH_MODE="some"),
        "AUTH_MODE",
    ),
    "secret not given": (
        composed.settings,
        lambda f: f["services"]["worker"].update(secrets=["db_service"]),
        "is not given",
    ),
    "host": (
        composed.settings,
        lambda f: f["services"]["worker"]["environment"].update(REDIS_ADDRESS="cache:6379"),
        "is told of cache",
    ),
    "grace": (
        composed.settings,
        lambda f: f["services"]["worker"].update(stop_grace_period="20s"),
        "is killed after 20s",
    ),
    "root of a container": (
        composed.confined,
        lambda f: f["services"]["redis"].pop("read_only"),
        "may write to its root",
    ),
    "capabilities": (composed.confined, lambda f: f["services"]["redis"].pop("cap_drop"), "keeps"),
    "privileges": (composed.confined, lambda f: f["services"]["redis"].pop("security_opt"), "gain"),
    "memory": (composed.confined, lambda f: f["services"]["redis"].pop("mem_limit"), "all memory"),
    "version": (
        composed.confined,
        lambda f: f["services"]["redis"].update(image="redis:latest"),
        "has no exact version",
    ),
    "version that moves": (
        composed.confined,
        lambda f: f["services"]["redis"].update(image="${REDIS_IMAGE:-redis:7.2}"),
        "has no exact version",
    ),
    "open port": (
        composed.confined,
        lambda f: f["services"]["redis"].update(ports=["6379:6379"]),
        "is open to others",
    ),
    "root": (composed.confined, lambda f: f["services"]["worker"].pop("user"), "may be root"),
    "volume nobody uses": (
        composed.references,
        lambda f: f["volumes"].update(old={}),
        "nobody uses the volume old",
    ),
    "server that is left out": (
        addresses,
        lambda f: f["services"].update({"server-3": f["services"]["server-1"]}),
        "nginx does not know server-3",
    ),
    "worker that is not scraped": (
        addresses,
        lambda f: f["services"].update({"worker-2": f["services"]["worker"]}),
        "Prometheus does not know worker-2",
    ),
    "address": (addresses, lambda f: f["services"].pop("server-2"), "server-2:8080 is not there"),
    "network": (
        addresses,
        lambda f: f["networks"]["default"]["ipam"]["config"][0].update(subnet="172.31.0.0/24"),
        "lets nobody",
    ),
}


@pytest.mark.parametrize(("check", "breaks", "says"), BROKEN.values(), ids=BROKEN)
def test_a_fault_is_found(check: Check, breaks: Callable[[Object], object], says: str) -> None:
    file = composed.compose()
    breaks(file)
    assert [fault for fault in check(file) if says in fault]
