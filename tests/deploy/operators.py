"""What operators make of custom resources: they are not rendered, and others rely on them.

Written down from their documentation; nothing here was seen in a cluster.
"""

from collections.abc import Iterator
from typing import Any, Final

from tests.deploy.rendering import Objects, Pod

# Secrets that somebody else makes: an operator, or whoever runs the cluster.
SECRETS: Final = {
    "rabbitmq-default-user": {"connection_string", "username", "password", "host", "port"},
    "profile-tls": {"tls.crt", "tls.key"},
}


def pods(objects: Objects) -> Iterator[Pod]:
    """All pods there will be, those of operators among them."""
    yield from objects.pods()
    for each in objects.kind("Cluster"):
        name = each["metadata"]["name"]
        inherited = each["spec"].get("inheritedMetadata", {}).get("labels", {})
        ports = {"postgresql": 5432, "metrics": 9187, "status": 8000}
        yield _pod(name, {"cnpg.io/cluster": name, **inherited}, ports)
    for each in objects.kind("RabbitmqCluster"):
        name = each["metadata"]["name"]
        ports = {
            "amqp": 5672,
            "management": 15672,
            "prometheus": 15692,
            "epmd": 4369,
            "cluster-rpc": 25672,
        }
        yield _pod(name, {"app.kubernetes.io/name": name}, ports)
    for each in objects.kind("RedisReplication"):
        yield _pod("redis", {"app": each["metadata"]["name"]}, {"redis": 6379})
    for each in objects.kind("RedisSentinel"):
        yield _pod("redis-sentinel", {"app": each["metadata"]["name"]}, {"sentinel": 26379})


def services(objects: Objects) -> set[str]:
    """The names by which something can be reached."""
    names = {each["metadata"]["name"] for each in objects.kind("Service")}
    for each in objects.kind("Cluster"):
        names |= {f"{each['metadata']['name']}-{role}" for role in ("rw", "ro", "r")}
    names |= {each["metadata"]["name"] for each in objects.kind("RabbitmqCluster")}
    for each in objects.kind("RedisReplication"):
        names |= {f"{each['metadata']['name']}-{role}" for role in ("master", "replica")}
    return names


def _pod(owner: str, labels: dict[str, str], ports: dict[str, int]) -> Pod:
    listed = [{"name": name, "containerPort": port} for name, port in ports.items()]
    spec: dict[str, Any] = {"containers": [{"name": owner, "ports": listed}]}
    return Pod(owner, "operator", labels, spec)
