"""Every edge that is needed is open, and those that nobody needs are shut."""

from typing import Final

import pytest

from tests.deploy.network import Network, Peer, outside
from tests.deploy.rendering import Objects

DNS: Final = Peer("kube-system", {"k8s-app": "kube-dns"})
EDGE: Final = Peer("ingress", {"app": "gateway"})
PROMETHEUS: Final = Peer("monitoring", {"app.kubernetes.io/name": "prometheus"})
SOMEBODY: Final = Peer("elsewhere", {"app.kubernetes.io/name": "profile-service"})
INTERNET: Final = outside("93.184.216.34")
METADATA: Final = outside("169.254.169.254")

SERVICE: Final = ("profile-service", "profile-worker", "profile-upkeep")
POSTGRES: Final = {"simple": ("postgres-primary", "postgres-secondary"), "ha": ("postgres",)}
OURS: Final = (*SERVICE, "client", "profile-migrate-0-1-0")


def test_what_is_needed_is_open(everything: dict[str, Objects], overlay: str) -> None:
    network = Network(everything[overlay])
    server, worker, client = (
        network.peer(name) for name in ("profile-service", "profile-worker", "client")
    )
    needed = [(EDGE, client, 8080), (client, server, 8080)]
    needed += [(PROMETHEUS, server, 8081), (PROMETHEUS, worker, 8081)]
    needed += [(server, INTERNET, 443), (worker, INTERNET, 443)]
    for name in SERVICE:
        mine = network.peer(name)
        needed += [(mine, network.peer("redis"), 6379), (mine, network.peer("rabbitmq"), 5672)]
        needed += [(mine, network.peer(each), 5432) for each in POSTGRES[overlay]]
    migrate = network.peer("profile-migrate-0-1-0")
    for name in POSTGRES[overlay]:
        needed.append((migrate, network.peer(name), 5432))
        needed += [(network.peer(name), network.peer(each), 5432) for each in POSTGRES[overlay]]
    assert [edge for edge in needed if not network.allows(*edge)] == []
    for name in OURS:
        assert network.allows(network.peer(name), DNS, 53, "UDP")
        assert network.allows(network.peer(name), DNS, 53, "TCP")


def test_what_nobody_needs_is_shut(everything: dict[str, Objects], overlay: str) -> None:
    network = Network(everything[overlay])
    server, worker, client = (
        network.peer(name) for name in ("profile-service", "profile-worker", "client")
    )
    redis, rabbitmq = network.peer("redis"), network.peer("rabbitmq")
    forbidden = [
        *((client, target, port) for target, port in ((redis, 6379), (rabbitmq, 5672))),
        *((client, network.peer(name), 5432) for name in POSTGRES[overlay]),
        *((EDGE, server, 8080), (SOMEBODY, server, 8080), (EDGE, server, 8081)),
        *((client, server, 8081), (SOMEBODY, redis, 6379), (SOMEBODY, rabbitmq, 5672)),
        *((PROMETHEUS, server, 8080), (server, worker, 8080), (worker, server, 8080)),
        *((server, METADATA, 443), (server, METADATA, 80), (server, INTERNET, 80)),
        *((client, INTERNET, 443), (redis, INTERNET, 443), (redis, rabbitmq, 5672)),
        *((network.peer("profile-migrate-0-1-0"), redis, 6379), (redis, server, 8080)),
        *((SOMEBODY, network.peer(name), 5432) for name in POSTGRES[overlay]),
        *((network.peer("profile-upkeep"), INTERNET, 443),),
    ]
    assert [edge for edge in forbidden if network.allows(*edge)] == []


def test_nodes_of_engines_reach_one_another(everything: dict[str, Objects]) -> None:
    network = Network(everything["ha"])
    rabbitmq, redis, sentinel = map(network.peer, ("rabbitmq", "redis", "redis-sentinel"))
    postgres = network.peer("postgres")
    api = outside("10.0.0.1")
    needed = [
        *((rabbitmq, rabbitmq, 25672), (rabbitmq, rabbitmq, 4369), (rabbitmq, api, 443)),
        *((redis, redis, 6379), (sentinel, redis, 6379), (sentinel, sentinel, 26379)),
        *((postgres, postgres, 8000), (postgres, api, 6443)),
        (Peer("cnpg-system", {}), postgres, 8000),
        (Peer("keda", {}), rabbitmq, 5672),
        (PROMETHEUS, postgres, 9187),
        (PROMETHEUS, rabbitmq, 15692),
    ]
    assert [edge for edge in needed if not network.allows(*edge)] == []
    traces = Peer("tracing", {"app": "collector"})
    assert network.allows(network.peer("profile-service"), traces, 4318)
    assert not network.allows(network.peer("client"), traces, 4318)


@pytest.mark.parametrize(
    ("policy", "source", "target", "port"),
    [
        ("client", "client", "profile-service", 8080),
        ("profile-service", "client", "profile-service", 8080),
        ("profile-engines", "profile-service", "postgres-primary", 5432),
        ("postgres", "profile-worker", "postgres-secondary", 5432),
        ("redis", "profile-service", "redis", 6379),
        ("rabbitmq", "profile-worker", "rabbitmq", 5672),
        ("profile-migrate", "profile-migrate-0-1-0", "postgres-primary", 5432),
    ],
)
def test_without_a_policy_its_edge_is_shut(
    everything: dict[str, Objects], policy: str, source: str, target: str, port: int
) -> None:
    broken = everything["simple"].copy()
    broken.all.remove(broken.get("NetworkPolicy", policy))
    network = Network(broken)
    assert not network.allows(network.peer(source), network.peer(target), port)


def test_without_the_default_all_is_open(everything: dict[str, Objects]) -> None:
    broken = everything["simple"].copy()
    broken.all.remove(broken.get("NetworkPolicy", "default-deny"))
    broken.all.remove(broken.get("NetworkPolicy", "names"))
    network = Network(broken)
    assert network.allows(SOMEBODY, network.peer("profile-upkeep"), 22)
    assert network.allows(network.peer("redis"), INTERNET, 443)
