"""Whether what manifests name exists in the code: variables, ports, paths, commands, hosts."""

import re
from collections.abc import Iterator
from typing import Any, Final

from typer.main import get_command

from profilecore.adapters.rabbitmq.topology import Topology
from profilecore.entrypoints.cli.app import app as cli
from profilecore.entrypoints.http.app import openapi_document
from profilecore.entrypoints.variables import BadSetting
from tests.deploy import operators
from tests.deploy.configured import (
    SERVICE_IMAGE,
    STANDARD,
    TABLE,
    command_of,
    environment_of,
    settings_of,
)
from tests.deploy.rendering import ROOT, Object, Objects, Pod

NGINX: Final = (ROOT / "deploy" / "nginx.conf").read_text()
# The reference, whose tables are compared with the code.
METRICS: Final = set(
    re.findall(r"^\| `(\w+)`", (ROOT / "docs/reference/metrics.md").read_text(), re.MULTILINE)
)


def served() -> set[str]:
    """Every path that the service has."""
    return set(openapi_document()["paths"])


def ours(objects: Objects) -> Iterator[tuple[Pod, Object]]:
    """The containers that run profilecore."""
    for pod in objects.pods():
        for container in pod.containers:
            if container["image"].startswith(SERVICE_IMAGE):
                yield pod, container


def is_known(name: str) -> bool:
    """Whether the service, or what it stands on, reads a variable of that name."""
    secret = name.removesuffix("_FILE")
    return name in TABLE or (secret in TABLE and TABLE[secret].kind.secret) or name in STANDARD


def variables(objects: Objects) -> Iterator[str]:
    """Each variable is one that is read, and all of them together make sense."""
    for pod, container in ours(objects):
        names = environment_of(objects, container)
        yield from (f"{pod.owner} sets {n}, which nobody reads" for n in names if not is_known(n))
        try:
            settings_of(objects, pod, container)
        except (BadSetting, LookupError, StopIteration) as error:
            yield f"{pod.owner}: {error}"


def ports(objects: Objects) -> Iterator[str]:
    """The ports of a container are those that its process listens on."""
    for pod, container in ours(objects):
        if command_of(container) not in ("serve", "worker"):
            continue
        settings = settings_of(objects, pod, container)
        said = {port["name"]: port["containerPort"] for port in container["ports"]}
        if said != {"http": settings.server_port, "ops": settings.ops_port}:
            yield f"{pod.owner} says {said}, and listens elsewhere"
    listens = int(re.findall(r"listen (\d+);", NGINX)[0])
    for container in objects.pod("client").containers:
        if [port["containerPort"] for port in container["ports"]] != [listens]:
            yield f"nginx listens on {listens}"


def paths(objects: Objects) -> Iterator[str]:
    """What probes and Prometheus ask for is there."""
    known = served()
    for pod in objects.pods():
        for container in pod.containers:
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                path = container.get(probe, {}).get("httpGet", {}).get("path")
                if path is None:
                    continue
                if pod.owner == "client":
                    if f"location = {path} {{" not in NGINX:
                        yield f"nginx has no {path}"
                elif path not in known:
                    yield f"{pod.owner}: {probe} asks for {path}, which is not there"
                if probe == "livenessProbe" and path not in ("/health/live", "/nginx/live"):
                    yield f"{pod.owner} is restarted for what others do"
    for each in objects.kind("ServiceMonitor"):
        for endpoint in each["spec"]["endpoints"]:
            if endpoint["path"] not in known:
                yield f"ServiceMonitor asks for {endpoint['path']}, which is not there"


def commands(objects: Objects) -> Iterator[str]:
    """What a container runs is a command."""
    for pod, container in ours(objects):
        group: Any = get_command(cli)
        for word in container.get("args", []):
            group = getattr(group, "commands", {}).get(word)
            if group is None:
                yield f"{pod.owner} runs {container['args']}, which is no command"
                break


def hosts(objects: Objects) -> Iterator[str]:
    """Hosts without a dot are Services."""
    known = operators.services(objects)
    for pod, container in ours(objects):
        settings = settings_of(objects, pod, container)
        named = {host for host, _ in (*settings.db_host, *(settings.db_replica_hosts or ()))}
        named.add(settings.redis_address.partition(":")[0])
        named |= set(re.findall(r"@([\w.-]+)", settings.queue_uri.reveal()))
        for host in sorted(named - known):
            if "." not in host:
                yield f"{pod.owner} is told of {host}, which is no Service"
    upstream = objects.get("ConfigMap", "client-upstream")["data"]["upstream.conf"]
    for host in set(re.findall(r"server ([\w.-]+):", upstream)):
        if host not in known:
            yield f"nginx is told of {host}, which is no Service"


def scaled_by(objects: Objects) -> Iterator[str]:
    """What an autoscaler looks at is there: a metric of ours, a queue of ours."""
    for each in objects.kind("HorizontalPodAutoscaler"):
        for metric in each["spec"]["metrics"]:
            if metric["type"] == "Pods":
                name = metric["pods"]["metric"]["name"]
                if name.replace("_per_second", "_total") not in METRICS:
                    yield f"{each['metadata']['name']} is scaled by {name}, which is no metric"
    for each in objects.kind("ScaledObject"):
        for trigger in each["spec"]["triggers"]:
            told = trigger["metadata"]
            for name in re.findall(r"(\w+)\{", told.get("query", "")):
                if name not in METRICS:
                    yield f"{each['metadata']['name']} is scaled by {name}, which is no metric"
            if trigger["type"] == "rabbitmq" and told["queueName"] not in _lanes(objects):
                yield f"{each['metadata']['name']} looks at {told['queueName']}, which is no queue"


def _lanes(objects: Objects) -> set[str]:
    (settings,) = (
        settings_of(objects, pod, container)
        for pod, container in ours(objects)
        if command_of(container) == "worker"
    )
    return {lane for queue in settings.task_queues for lane in Topology().lanes(queue)}
