"""Whether what names something else names what is there: selectors, ports, references."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.deploy import operators
from tests.deploy.rendering import CONTROLLERS, Object, Objects, Pod, selects

_PORT_NAME: Final = re.compile(r"(?=.*[a-z])[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?")
_PROBES: Final = ("startupProbe", "livenessProbe", "readinessProbe")


def selectors(objects: Objects) -> Iterator[str]:
    """Each selector takes pods, and a controller's takes its own."""
    made = list(operators.pods(objects))
    for each in objects.kind("Deployment", "StatefulSet"):
        template = each["spec"]["template"]["metadata"]["labels"]
        if not selects(each["spec"]["selector"], template):
            yield f"{_name(each)} does not select its own pods"
    for pod in objects.pods():
        for spread in pod.spec.get("topologySpreadConstraints", []):
            if not selects(spread["labelSelector"], pod.labels):
                yield f"{pod.owner} is spread by labels that it has not"
    for each in objects.kind("Service"):
        if not any(selects({"matchLabels": each["spec"]["selector"]}, p.labels) for p in made):
            yield f"{_name(each)} selects no pod"
    for each in objects.kind("PodDisruptionBudget"):
        if not any(selects(each["spec"]["selector"], pod.labels) for pod in made):
            yield f"{_name(each)} selects no pod"
    for each in objects.kind("PodMonitor"):
        if not any(selects(each["spec"]["selector"], pod.labels) for pod in made):
            yield f"{_name(each)} selects no pod"


def ports(objects: Objects) -> Iterator[str]:
    """Ports have names that may be, and each that is spoken of is there."""
    made = list(operators.pods(objects))
    for pod in objects.pods():
        names = [port["name"] for c in pod.containers for port in c.get("ports", [])]
        yield from (f"{pod.owner}: no name of a port: {n}" for n in names if not _is_name(n))
        if len(names) != len(set(names)):
            yield f"{pod.owner} has two ports of one name"
        for container in pod.containers:
            for probe in _PROBES:
                port = container.get(probe, {}).get("httpGet", {}).get("port")
                if port is not None and not _has_port(
                    Pod("", "", {}, {"containers": [container]}), port
                ):
                    yield f"{pod.owner}: {probe} asks port {port}, which is not there"
    for each in objects.kind("Service"):
        for port in each["spec"]["ports"]:
            if not _is_name(port["name"]):
                yield f"{_name(each)}: no name of a port: {port['name']}"
            for pod in made:
                if selects({"matchLabels": each["spec"]["selector"]}, pod.labels):
                    target = port.get("targetPort", port["port"])
                    if not _has_port(pod, target):
                        yield f"{_name(each)} leads to port {target}, which {pod.owner} has not"
    yield from _backends(objects)
    yield from _monitored(objects, made)
    for each in objects.kind("NetworkPolicy"):
        chosen = [pod for pod in made if selects(each["spec"]["podSelector"], pod.labels)]
        for rule in each["spec"].get("ingress", []):
            for port in rule.get("ports", []):
                if chosen and not any(_has_port(pod, port["port"]) for pod in chosen):
                    yield f"{_name(each)} opens {port['port']}, which none of its pods has"


def _backends(objects: Objects) -> Iterator[str]:
    named: list[tuple[str, str, Any]] = []
    for each in objects.kind("Ingress"):
        for rule in each["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                port = service["port"].get("name", service["port"].get("number"))
                named.append((_name(each), service["name"], port))
    for each in objects.kind("HTTPRoute"):
        for rule in each["spec"]["rules"]:
            named += [(_name(each), ref["name"], ref["port"]) for ref in rule["backendRefs"]]
    for who, name, port in named:
        service = objects.find("Service", name)
        known = [] if service is None else service["spec"]["ports"]
        if not any(port in (each["name"], each["port"]) for each in known):
            yield f"{who} leads to {name}:{port}, which is not there"


def _monitored(objects: Objects, made: list[Pod]) -> Iterator[str]:
    for each in objects.kind("ServiceMonitor"):
        services = [
            service
            for service in objects.kind("Service")
            if selects(each["spec"]["selector"], service["metadata"].get("labels", {}))
        ]
        if not services:
            yield f"{_name(each)} selects no Service"
        for endpoint in each["spec"]["endpoints"]:
            for service in services:
                if endpoint["port"] not in [port["name"] for port in service["spec"]["ports"]]:
                    yield f"{_name(each)} asks {endpoint['port']}, which {_name(service)} has not"
    for each in objects.kind("PodMonitor"):
        for endpoint in each["spec"]["podMetricsEndpoints"]:
            for pod in made:
                chosen = selects(each["spec"]["selector"], pod.labels)
                if chosen and not _has_port(pod, endpoint["port"]):
                    yield f"{_name(each)} asks {endpoint['port']}, which {pod.owner} has not"


def references(objects: Objects) -> Iterator[str]:
    """ConfigMaps, Secrets with their keys, claims, volumes, targets: each is there."""
    for pod in objects.pods():
        for kind, name, keys in used_by(pod):
            held = _held(objects, kind, name)
            if held is None:
                yield f"{pod.owner} uses {kind} {name}, which is not there"
            else:
                missing = sorted(set(keys) - held)
                yield from (f"{pod.owner}: {kind} {name} has no {key}" for key in missing)
        names = {volume["name"] for volume in pod.spec.get("volumes", [])}
        owner = next(o for o in objects.kind(*CONTROLLERS) if o["metadata"]["name"] == pod.owner)
        claims = owner["spec"].get("volumeClaimTemplates", [])
        names |= {claim["metadata"]["name"] for claim in claims}
        mounted = {m["name"] for c in pod.containers for m in c.get("volumeMounts", [])}
        yield from (f"{pod.owner} mounts {name}, which is no volume" for name in mounted - names)
        yield from (f"{pod.owner} mounts {name} nowhere" for name in names - mounted)
    for each in objects.kind("StatefulSet"):
        if objects.find("Service", each["spec"]["serviceName"]) is None:
            yield f"{_name(each)} has no Service {each['spec']['serviceName']}"
    for each in objects.kind("TriggerAuthentication"):
        for ref in each["spec"]["secretTargetRef"]:
            held = _held(objects, "Secret", ref["name"])
            if held is None or ref["key"] not in held:
                yield f"{_name(each)} uses {ref['name']}/{ref['key']}, which is not there"
    for each in objects.kind("Ingress"):
        for tls in each["spec"].get("tls", []):
            if _held(objects, "Secret", tls["secretName"]) is None:
                yield f"{_name(each)} uses Secret {tls['secretName']}, which is not there"
    for each in objects.all:
        if each["apiVersion"].partition("/")[0].count(".") and each["kind"] != "NetworkPolicy":
            for name in _secret_names(each.get("spec", {})):
                if _held(objects, "Secret", name) is None:
                    yield f"{_name(each)} uses Secret {name}, which is not there"


def _secret_names(value: Any, key: str = "") -> Iterator[str]:
    """Names of Secrets in a custom resource, by the names of what holds them."""
    wanted = ("secret", "passwordSecret", "redisSecret", "secretKeyRef", "accessKeyId")
    if isinstance(value, dict):
        if key in (*wanted, "secretAccessKey") and isinstance(value.get("name"), str):
            yield value["name"]
        for inner, each in value.items():
            yield from _secret_names(each, inner)
    elif isinstance(value, list):
        for each in value:
            yield from _secret_names(each)


def used_by(pod: Pod) -> Iterator[tuple[str, str, list[str]]]:
    """What a pod reads or mounts: its kind, its name, and the keys, of which none means all."""
    for container in pod.containers:
        for source in container.get("envFrom", []):
            yield "ConfigMap", source["configMapRef"]["name"], []
        for mount in container.get("volumeMounts", []):
            volume = pod.volume(mount["name"]) or {}
            keys = [mount["subPath"]] if "subPath" in mount else []
            if "configMap" in volume:
                yield "ConfigMap", volume["configMap"]["name"], keys
            if "secret" in volume:
                listed = [item["key"] for item in volume["secret"].get("items", [])]
                yield "Secret", volume["secret"]["secretName"], keys + listed
            for source in volume.get("projected", {}).get("sources", []):
                listed = [item["key"] for item in source["secret"].get("items", [])]
                yield "Secret", source["secret"]["name"], listed
            if "persistentVolumeClaim" in volume:
                yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"], []


def _held(objects: Objects, kind: str, name: str) -> set[str] | None:
    """The keys of what a name stands for, also where an operator makes it; None for nothing."""
    found = objects.find(kind, name)
    if found is not None:
        return {*found.get("data", {}), *found.get("binaryData", {})}
    if kind == "Secret":
        for each in objects.kind("ExternalSecret"):
            if each["spec"]["target"]["name"] == name:
                template = each["spec"]["target"].get("template", {}).get("data", {})
                return set(template) or {row["secretKey"] for row in each["spec"]["data"]}
        return operators.SECRETS.get(name)
    return None


def _has_port(pod: Pod, port: Any) -> bool:
    listed = [each for c in pod.spec["containers"] for each in c.get("ports", [])]
    return any(port in (each["name"], each["containerPort"]) for each in listed)


def _is_name(name: str) -> bool:
    return bool(_PORT_NAME.fullmatch(name)) and "--" not in name


def _name(each: Mapping[str, Any] | Object) -> str:
    return f"{each['kind']} {each['metadata']['name']}"
