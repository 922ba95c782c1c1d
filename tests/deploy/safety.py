"""Whether pods may run where they are sent, have what they need, and end in good time."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from tests.deploy.configured import SERVICE_IMAGE, command_of, settings_of
from tests.deploy.rendering import Object, Objects, quantity

_VOLUMES: Final = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret"),
}
_IMAGE_KEYS: Final = ("image", "imageName")
_CLOSING: Final = 5.0  # seconds to close what is open, after all waits


def restricted(objects: Objects) -> Iterator[str]:
    """What the level `restricted` of pod security asks for, and a root that is read only."""
    for pod in objects.pods():
        who, spec = pod.owner, pod.spec
        outer = spec.get("securityContext", {})
        for name in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(name):
                yield f"{who} has {name}"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{who} gets a token of the API server"
        for volume in spec.get("volumes", []):
            if not set(volume) - {"name"} <= _VOLUMES:
                yield f"{who} has a volume that is not allowed: {volume['name']}"
        for container in pod.containers:
            context = container.get("securityContext", {})
            if context.get("privileged"):
                yield f"{who} is privileged"
            if context.get("allowPrivilegeEscalation") is not False:
                yield f"{who} may gain privileges"
            if context.get("capabilities", {}).get("drop") != ["ALL"]:
                yield f"{who} keeps capabilities"
            if set(context.get("capabilities", {}).get("add", [])) - {"NET_BIND_SERVICE"}:
                yield f"{who} adds capabilities"
            if not context.get("runAsNonRoot", outer.get("runAsNonRoot")):
                yield f"{who} may be root"
            if not context.get("runAsUser", outer.get("runAsUser")):
                yield f"{who} has no user, or root"
            profile = context.get("seccompProfile", outer.get("seccompProfile", {}))
            if profile.get("type") not in ("RuntimeDefault", "Localhost"):
                yield f"{who} has no seccomp profile"
            if not context.get("readOnlyRootFilesystem"):
                yield f"{who} may write to its root"
            if any("hostPort" in port for port in container.get("ports", [])):
                yield f"{who} has a port of the host"


def resources(objects: Objects) -> Iterator[str]:
    """Each container has requests and limits, none asks for more than it may have."""
    for pod in objects.pods():
        for container in pod.containers:
            given = container.get("resources", {})
            for name in ("cpu", "memory"):
                least, most = (given.get(side, {}).get(name) for side in ("requests", "limits"))
                if least is None or most is None:
                    yield f"{pod.owner} has no request or no limit of {name}"
                elif quantity(least) > quantity(most):
                    yield f"{pod.owner} asks for more {name} than it may have"
        for volume in pod.spec.get("volumes", []):
            if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
                yield f"{pod.owner}: {volume['name']} may fill the disk of its node"


def autoscalers(objects: Objects) -> Iterator[str]:
    """Each has a target, which leaves the number of replicas to it alone."""
    targets: Counter[tuple[str, str]] = Counter()
    for each in objects.kind("HorizontalPodAutoscaler", "ScaledObject"):
        spec, who = each["spec"], each["metadata"]["name"]
        ref = spec["scaleTargetRef"]
        targets[ref["kind"], ref["name"]] += 1
        target = objects.find(ref["kind"], ref["name"])
        if target is None:
            yield f"{who} scales {ref['kind']} {ref['name']}, which is not there"
            continue
        if "replicas" in target["spec"]:
            yield f"{ref['name']} says replicas, which {who} has to say"
        least = spec.get("minReplicas", spec.get("minReplicaCount", 1))
        most = spec.get("maxReplicas", spec.get("maxReplicaCount"))
        if not 1 < least <= most:
            yield f"{who} scales from {least} to {most}"
        for metric in spec.get("metrics", []):
            if metric["type"] == "Resource":
                yield from _has_request(objects, ref["name"], metric["resource"]["name"])
    yield from (
        f"{name[1]} has {count} autoscalers" for name, count in targets.items() if count > 1
    )
    for each in objects.kind("Deployment"):
        name = each["metadata"]["name"]
        if "replicas" not in each["spec"] and ("Deployment", name) not in targets:
            yield f"{name} says no replicas, and nobody else does"


def _has_request(objects: Objects, name: str, resource: str) -> Iterator[str]:
    for container in objects.pod(name).containers:
        if resource not in container.get("resources", {}).get("requests", {}):
            yield f"{name} is scaled by {resource}, of which it requests none"


def budgets(objects: Objects) -> Iterator[str]:
    """What has several pods has a budget, which never keeps a node from being emptied."""
    chosen = [each["spec"] for each in objects.kind("PodDisruptionBudget")]
    for spec in chosen:
        if spec.get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield "a budget keeps pods that are not healthy where they are"
        if "minAvailable" in spec or spec.get("maxUnavailable") in (0, "0%"):
            yield "a budget that a single pod may never leave"
    for name in ("profile-service", "profile-worker", "client"):
        labels = objects.pod(name).labels["app.kubernetes.io/name"]
        if not any(
            spec["selector"]["matchLabels"].get("app.kubernetes.io/name") == labels
            for spec in chosen
        ):
            yield f"{name} has no budget"


def drains(objects: Objects) -> Iterator[str]:
    """A pod is killed only after all that it waits for: preStop, its delay, its time-out."""
    for pod in objects.pods():
        grace = pod.spec.get("terminationGracePeriodSeconds", 30)
        for container in pod.containers:
            if not container["image"].startswith(SERVICE_IMAGE):
                continue
            if command_of(container) not in ("serve", "worker"):
                continue
            settings = settings_of(objects, pod, container)
            waits = _pre_stop(container)
            waits += settings.shutdown_delay.total_seconds()
            waits += settings.shutdown_timeout.total_seconds()
            if command_of(container) == "worker":
                waits += 5.0  # to give back what has not ended
            if grace < waits + _CLOSING:
                yield f"{pod.owner} is killed after {grace} s, and waits for {waits:g} s"
            if command_of(container) == "serve" and not _pre_stop(container):
                yield f"{pod.owner} stops before it is known that it does"


def _pre_stop(container: Object) -> float:
    sleep: Any = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {})
    return float(sleep.get("seconds", 0))


def volumes(objects: Objects, *, nodes: int) -> Iterator[str]:
    """A volume of several pods can be had on several nodes, where there are several."""
    users: Counter[str] = Counter()
    for pod in objects.pods():
        for volume in pod.spec.get("volumes", []):
            if "persistentVolumeClaim" in volume:
                users[volume["persistentVolumeClaim"]["claimName"]] += 1
    for name, count in users.items():
        claim = objects.get("PersistentVolumeClaim", name)
        if nodes > 1 and count > 1 and claim["spec"]["accessModes"] != ["ReadWriteMany"]:
            yield f"{name} is used by {count} pods, and for one node only"


def images(objects: Objects, version: str) -> Iterator[str]:
    """Each image is of an exact version, and ours of that of this project."""
    for owner, image in _images(objects):
        name, _, tag = image.partition("@")[0].rpartition(":")
        if not is_exact(image):
            yield f"{owner}: {image} has no exact version"
        elif name.startswith("profile-") and tag != version:
            yield f"{owner}: {image} is not {version}"
    suffix = version.replace(".", "-")
    for each in objects.kind("Job"):
        if not each["metadata"]["name"].endswith(f"-{suffix}"):
            yield f"Job {each['metadata']['name']} is not named for {version}"


def _images(objects: Objects) -> Iterator[tuple[str, str]]:
    """Those of pods, and those that operators are told of."""

    def named(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (t for k, t in value.items() if k in _IMAGE_KEYS and isinstance(t, str))
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                yield from named(each)

    for each in objects.all:
        for image in named(each.get("spec", {})):
            yield each["metadata"]["name"], image


def is_exact(image: str) -> bool:
    """Whether an image is of one version, as `redis:7.2.14`, or even of one digest."""
    name, _, tag = image.partition("@")[0].rpartition(":")
    # PostgreSQL has two numbers since its version 10, all others have three.
    numbers = 2 if name.endswith(("/postgres", "/postgresql")) else 3
    return bool(name) and re.match(rf"v?\d+(\.\d+){{{numbers - 1}}}(-|$)", tag) is not None
