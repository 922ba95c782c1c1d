"""The other way round: whether what is there is used by somebody."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from tests.deploy import operators
from tests.deploy.names import NGINX, served
from tests.deploy.rendering import Object, Objects, Pod, selects
from tests.deploy.shapes import used_by

# Who asks for what operators look at, beside manifests: `nox -s test_api`.
BY_HAND: Final = {"/health"}


def files(objects: Objects) -> Iterator[str]:
    """Each key of a Secret or a ConfigMap is mounted and named, and each claim is mounted."""
    used: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    whole: set[tuple[str, str]] = set()
    for pod in objects.pods():
        for kind, name, keys in used_by(pod):
            used[kind, name] |= set(keys)
            if not keys:
                whole.add((kind, name))
    told = set(_strings([each["spec"] for each in objects.all if _is_of_an_operator(each)]))
    said = "\n".join(_strings([each for each in objects.all if each["kind"] != "Secret"]))
    for kind, name, held in _held(objects):
        if name in told:
            continue
        if (kind, name) not in used:
            yield f"nobody uses {kind} {name}"
            continue
        for key in sorted(held - used[kind, name]):
            # What is mounted as a whole is used by whoever names a file in it.
            if (kind, name) not in whole or (kind == "Secret" and f"/{key}" not in said):
                yield f"nobody uses {key} of {kind} {name}"


def _held(objects: Objects) -> Iterator[tuple[str, str, set[str]]]:
    for each in objects.kind("Secret", "ConfigMap", "PersistentVolumeClaim"):
        yield each["kind"], each["metadata"]["name"], {*each.get("data", {})}
    for each in objects.kind("ExternalSecret"):
        keys = {row["secretKey"] for row in each["spec"]["data"]}
        yield "Secret", each["spec"]["target"]["name"], keys


def ports(objects: Objects) -> Iterator[str]:
    """Each port of a container is led to by a Service, asked by a probe, or scraped."""
    for pod in objects.pods():
        for container in pod.containers:
            asked = set(_asked(objects, pod, container))
            for port in container.get("ports", []):
                if not asked & {port["name"], port["containerPort"]}:
                    yield f"nobody asks for port {port['name']} of {pod.owner}"


def _asked(objects: Objects, pod: Pod, container: Object) -> Iterator[Any]:
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        yield container.get(probe, {}).get("httpGet", {}).get("port")
    for each in objects.kind("Service"):
        if selects({"matchLabels": each["spec"]["selector"]}, pod.labels):
            yield from (port.get("targetPort", port["port"]) for port in each["spec"]["ports"])
    for each in objects.kind("NetworkPolicy"):
        if selects(each["spec"]["podSelector"], pod.labels):
            for rule in each["spec"].get("ingress", []):
                yield from (port["port"] for port in rule.get("ports", []))


def services(objects: Objects) -> Iterator[str]:
    """Each Service is named by somebody."""
    texts = set(_strings([each for each in objects.all if each["kind"] != "Service"]))
    words = {word for text in texts for word in re.findall(r"[a-z][a-z0-9-]*", text)}
    words |= set(_strings([pod.spec for pod in operators.pods(objects)]))
    for each in objects.kind("Service"):
        monitored = any(
            selects(monitor["spec"]["selector"], each["metadata"].get("labels", {}))
            for monitor in objects.kind("ServiceMonitor")
        )
        if not monitored and each["metadata"]["name"] not in words:
            yield f"nobody names Service {each['metadata']['name']}"


def paths(objects: Objects) -> Iterator[str]:
    """What is served for operators is asked for, and what nginx speaks of is served."""
    asked = set(BY_HAND)
    for pod in objects.pods():
        for container in pod.containers:
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                asked.add(container.get(probe, {}).get("httpGet", {}).get("path", ""))
    for each in objects.kind("ServiceMonitor"):
        asked |= {endpoint["path"] for endpoint in each["spec"]["endpoints"]}
    scraped = {"/metrics"} if not objects.kind("ServiceMonitor") else set()
    known = served()
    for path in sorted(known - asked - scraped):
        if path.startswith(("/health", "/metrics")):
            yield f"nobody asks for {path}"
    for path in re.findall(r"location = (\S+) \{", NGINX):
        if path not in known and not path.startswith("/nginx/"):
            yield f"nginx speaks of {path}, which is not there"
    for folder in re.findall(r"location (/\w+/) \{", NGINX):
        if not any(path.startswith(folder) for path in known) and folder != "/assets/":
            yield f"nginx speaks of {folder}, which is not there"


def policies(objects: Objects) -> Iterator[str]:
    """Each network policy is about pods that there are."""
    made = list(operators.pods(objects))
    for each in objects.kind("NetworkPolicy"):
        if not any(selects(each["spec"]["podSelector"], pod.labels) for pod in made):
            yield f"NetworkPolicy {each['metadata']['name']} is about no pod"


def _is_of_an_operator(each: Object) -> bool:
    group = each["apiVersion"].partition("/")[0]
    own = "." not in group or group.endswith(".k8s.io")
    return not own and each["kind"] != "ExternalSecret"


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
