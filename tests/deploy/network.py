"""A small evaluator of network policies: may this pod call that one, on this port?"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.deploy import operators
from tests.deploy.rendering import Object, Objects, Pod, selects

HERE = "profilecore"


@dataclass(frozen=True)
class Peer:
    """A pod, of this namespace or another one; or an address outside, which has no labels."""

    namespace: str | None
    labels: Mapping[str, str]
    address: str = "10.1.2.3"
    ports: Mapping[str, int] | None = None


def outside(address: str) -> Peer:
    """What is no pod."""
    return Peer(None, {}, address)


class Network:
    """The policies of one overlay."""

    def __init__(self, objects: Objects) -> None:
        self._policies = [each["spec"] for each in objects.kind("NetworkPolicy")]
        self._pods = {pod.owner: pod for pod in operators.pods(objects)}

    def peer(self, owner: str) -> Peer:
        """A pod of this namespace."""
        pod = self._pods[owner]
        return Peer(HERE, pod.labels, ports=_ports(pod))

    def allows(self, source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
        """Both sides have to let it through, as far as they are in this namespace."""
        way = (port, protocol)
        return self._lets(source, "Egress", "to", target, way, target) and self._lets(
            target, "Ingress", "from", source, way, target
        )

    def _lets(
        self,
        who: Peer,
        direction: str,
        word: str,
        other: Peer,
        way: tuple[int, str],
        target: Peer,
    ) -> bool:
        if who.namespace != HERE:
            return True
        chosen = [
            policy
            for policy in self._policies
            if direction in policy["policyTypes"] and selects(policy["podSelector"], who.labels)
        ]
        if not chosen:
            return True
        rules = [rule for policy in chosen for rule in policy.get(direction.lower(), [])]
        return any(_peer(rule, word, other) and _port(rule, way, target) for rule in rules)


def _peer(rule: Object, word: str, other: Peer) -> bool:
    listed = rule.get(word)
    if not listed:
        return True  # no list is everybody
    return any(_matches(each, other) for each in listed)


def _matches(each: Object, other: Peer) -> bool:
    if "ipBlock" in each:
        address = ipaddress.ip_address(other.address)
        block = each["ipBlock"]
        return address in ipaddress.ip_network(block["cidr"]) and not any(
            address in ipaddress.ip_network(cidr) for cidr in block.get("except", [])
        )
    if other.namespace is None:
        return False
    names = {"kubernetes.io/metadata.name": other.namespace}
    if "namespaceSelector" in each:
        if not selects(each["namespaceSelector"], names):
            return False
    elif other.namespace != HERE:
        return False
    return selects(each.get("podSelector", {}), other.labels)


def _port(rule: Object, way: tuple[int, str], target: Peer) -> bool:
    listed = rule.get("ports")
    if not listed:
        return True
    number, protocol = way
    for each in listed:
        port: Any = each.get("port", number)
        if isinstance(port, str):
            port = (target.ports or {}).get(port)
        if port == number and each.get("protocol", "TCP") == protocol:
            return True
    return False


def _ports(pod: Pod) -> dict[str, int]:
    return {
        port["name"]: port["containerPort"]
        for container in pod.spec["containers"]
        for port in container.get("ports", [])
    }
