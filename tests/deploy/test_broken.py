"""Each check is red where its fault is: a good overlay, broken in one place."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import pytest

from profilecore.entrypoints.version import VERSION
from tests.deploy import names, safety, shapes, unused
from tests.deploy.rendering import Object, Objects

Check = Callable[[Objects], Iterator[str]]


class Sample(NamedTuple):
    """A way to break an overlay, and a part of what the check says then."""

    check: Check
    breaks: Callable[[Objects], None]
    says: str
    overlay: str = "simple"


def spec(objects: Objects, kind: str, name: str) -> Object:
    found: Object = objects.get(kind, name)["spec"]
    return found


def pod(objects: Objects, name: str) -> Object:
    return objects.pod(name).spec


def box(objects: Objects, name: str) -> Object:
    found: Object = objects.pod(name).spec["containers"][0]
    return found


def drop(objects: Objects, kind: str, name: str) -> None:
    objects.all.remove(objects.get(kind, name))


def env(objects: Objects, owner: str, **values: str) -> None:
    container = box(objects, owner)
    container["env"] = [each for each in container.get("env", []) if each["name"] not in values]
    container["env"] += [{"name": name, "value": value} for name, value in values.items()]


def put(where: Object, key: str, value: Any) -> None:
    where[key] = value


def no_probes(objects: Objects) -> None:
    for each in objects.pods():
        for container in each.containers:
            container.pop("readinessProbe", None)
            container.pop("startupProbe", None)


def one_image(objects: Objects) -> Iterator[str]:
    return safety.images(objects, VERSION)


def several_nodes(objects: Objects) -> Iterator[str]:
    return safety.volumes(objects, nodes=3)


NOBODY: Final = {"matchLabels": {"a": "b"}}
NAME: Final = "app.kubernetes.io/name"
SERVER: Final = "profile-service"
SAMPLES: Final = {
    "selector of a deployment": Sample(
        shapes.selectors,
        lambda o: put(spec(o, "Deployment", SERVER)["selector"], "matchLabels", {NAME: "other"}),
        "does not select its own pods",
    ),
    "spread by other labels": Sample(
        shapes.selectors,
        lambda o: put(
            pod(o, SERVER)["topologySpreadConstraints"][0],
            "labelSelector",
            NOBODY,
        ),
        "is spread by labels",
    ),
    "service that selects nothing": Sample(
        shapes.selectors,
        lambda o: put(spec(o, "Service", SERVER), "selector", {NAME: "profile-servcie"}),
        "Service profile-service selects no pod",
    ),
    "budget that selects nothing": Sample(
        shapes.selectors,
        lambda o: put(spec(o, "PodDisruptionBudget", "client"), "selector", NOBODY),
        "PodDisruptionBudget client selects no pod",
    ),
    "monitor that selects nothing": Sample(
        shapes.selectors,
        lambda o: put(spec(o, "PodMonitor", "postgres"), "selector", NOBODY),
        "PodMonitor postgres selects no pod",
        "ha",
    ),
    "name of a port too long": Sample(
        shapes.ports,
        lambda o: put(box(o, SERVER)["ports"][1], "name", "operators-metrics"),
        "no name of a port",
    ),
    "two ports of one name": Sample(
        shapes.ports,
        lambda o: put(box(o, SERVER)["ports"][1], "name", "http"),
        "two ports of one name",
    ),
    "probe of no port": Sample(
        shapes.ports,
        lambda o: put(box(o, SERVER)["livenessProbe"]["httpGet"], "port", "htpp"),
        "livenessProbe asks port htpp",
    ),
    "service to no port": Sample(
        shapes.ports,
        lambda o: put(spec(o, "Service", "redis")["ports"][0], "targetPort", "cache"),
        "leads to port cache",
    ),
    "port of a service with a bad name": Sample(
        shapes.ports,
        lambda o: put(spec(o, "Service", "redis")["ports"][0], "name", "-"),
        "Service redis: no name of a port",
    ),
    "ingress to no service": Sample(
        shapes.ports, lambda o: drop(o, "Service", "client"), "Ingress profilecore leads to client"
    ),
    "route to no port": Sample(
        shapes.ports,
        lambda o: put(
            spec(o, "HTTPRoute", "profilecore")["rules"][0]["backendRefs"][0], "port", 81
        ),
        "HTTPRoute profilecore leads to client:81",
        "ha",
    ),
    "monitor of no service": Sample(
        shapes.ports,
        lambda o: drop(o, "Service", "profile-metrics"),
        "selects no Service",
        "ha",
    ),
    "monitor of no port": Sample(
        shapes.ports,
        lambda o: put(spec(o, "ServiceMonitor", "profilecore")["endpoints"][0], "port", "http"),
        "asks http",
        "ha",
    ),
    "monitor of pods without the port": Sample(
        shapes.ports,
        lambda o: put(spec(o, "PodMonitor", "postgres")["podMetricsEndpoints"][0], "port", "x"),
        "PodMonitor postgres asks x",
        "ha",
    ),
    "policy that opens no port": Sample(
        shapes.ports,
        lambda o: put(spec(o, "NetworkPolicy", "redis")["ingress"][0]["ports"][0], "port", 6380),
        "opens 6380",
    ),
    "config map that is not there": Sample(
        shapes.references,
        lambda o: drop(o, "ConfigMap", "profile-config"),
        "uses ConfigMap profile-config",
    ),
    "key that is not there": Sample(
        shapes.references,
        lambda o: o.get("ConfigMap", "postgres-files")["data"].pop("init.sh"),
        "has no init.sh",
    ),
    "secret that is not there": Sample(
        shapes.references, lambda o: drop(o, "Secret", "redis-secrets"), "uses Secret redis-secrets"
    ),
    "secret that nobody fetches": Sample(
        shapes.references,
        lambda o: drop(o, "ExternalSecret", "postgres-owner"),
        "Cluster postgres uses Secret postgres-owner",
        "ha",
    ),
    "claim that is not there": Sample(
        shapes.references,
        lambda o: drop(o, "PersistentVolumeClaim", "redis-data"),
        "uses PersistentVolumeClaim redis-data",
    ),
    "mount of no volume": Sample(
        shapes.references,
        lambda o: put(box(o, SERVER)["volumeMounts"][0], "name", "secretes"),
        "mounts secretes, which is no volume",
    ),
    "volume of no mount": Sample(
        shapes.references, lambda o: box(o, SERVER)["volumeMounts"].pop(), "mounts tmp nowhere"
    ),
    "set without its service": Sample(
        shapes.references,
        lambda o: put(spec(o, "StatefulSet", "rabbitmq"), "serviceName", "rabbit"),
        "has no Service rabbit",
    ),
    "trigger without its secret": Sample(
        shapes.references,
        lambda o: put(
            spec(o, "TriggerAuthentication", "profile-queue")["secretTargetRef"][0], "key", "uri"
        ),
        "rabbitmq-default-user/uri",
        "ha",
    ),
    "certificate that is not there": Sample(
        shapes.references,
        lambda o: put(spec(o, "Ingress", "profilecore")["tls"][0], "secretName", "tls"),
        "uses Secret tls",
    ),
    "host network": Sample(
        safety.restricted, lambda o: put(pod(o, SERVER), "hostNetwork", True), "has hostNetwork"
    ),
    "service account token": Sample(
        safety.restricted,
        lambda o: pod(o, SERVER).pop("automountServiceAccountToken"),
        "gets a token",
    ),
    "folder of the host": Sample(
        safety.restricted,
        lambda o: put(pod(o, SERVER)["volumes"], -1, {"name": "tmp", "hostPath": {"path": "/"}}),  # type: ignore[arg-type]
        "a volume that is not allowed",
    ),
    "privileged": Sample(
        safety.restricted,
        lambda o: put(box(o, "redis")["securityContext"], "privileged", True),
        "redis is privileged",
    ),
    "privileges": Sample(
        safety.restricted,
        lambda o: box(o, "redis")["securityContext"].pop("allowPrivilegeEscalation"),
        "redis may gain privileges",
    ),
    "capabilities kept": Sample(
        safety.restricted,
        lambda o: box(o, "redis")["securityContext"].pop("capabilities"),
        "redis keeps capabilities",
    ),
    "capabilities added": Sample(
        safety.restricted,
        lambda o: put(box(o, "redis")["securityContext"]["capabilities"], "add", ["SYS_ADMIN"]),
        "redis adds capabilities",
    ),
    "root": Sample(
        safety.restricted,
        lambda o: put(pod(o, "redis")["securityContext"], "runAsUser", 0),
        "redis has no user, or root",
    ),
    "may be root": Sample(
        safety.restricted,
        lambda o: pod(o, "redis")["securityContext"].pop("runAsNonRoot"),
        "redis may be root",
    ),
    "no seccomp": Sample(
        safety.restricted,
        lambda o: pod(o, "redis")["securityContext"].pop("seccompProfile"),
        "redis has no seccomp profile",
    ),
    "root that can be written": Sample(
        safety.restricted,
        lambda o: box(o, "redis")["securityContext"].pop("readOnlyRootFilesystem"),
        "redis may write to its root",
    ),
    "port of the host": Sample(
        safety.restricted,
        lambda o: put(box(o, "redis")["ports"][0], "hostPort", 6379),
        "redis has a port of the host",
    ),
    "no limit": Sample(
        safety.resources,
        lambda o: box(o, SERVER)["resources"]["limits"].pop("memory"),
        "no limit of memory",
    ),
    "request over limit": Sample(
        safety.resources,
        lambda o: put(box(o, SERVER)["resources"]["requests"], "cpu", "2"),
        "asks for more cpu",
    ),
    "folder without a bound": Sample(
        safety.resources,
        lambda o: put(pod(o, "client")["volumes"][1], "emptyDir", {}),
        "may fill the disk",
    ),
    "replicas beside an autoscaler": Sample(
        safety.autoscalers,
        lambda o: put(spec(o, "Deployment", SERVER), "replicas", 3),
        "says replicas",
    ),
    "autoscaler of nothing": Sample(
        safety.autoscalers,
        lambda o: put(
            spec(o, "HorizontalPodAutoscaler", SERVER)["scaleTargetRef"], "name", "profile-servcie"
        ),
        "which is not there",
    ),
    "autoscaler that cannot": Sample(
        safety.autoscalers,
        lambda o: put(spec(o, "HorizontalPodAutoscaler", SERVER), "maxReplicas", 2),
        "scales from 3 to 2",
    ),
    "autoscaler without a request": Sample(
        safety.autoscalers,
        lambda o: box(o, SERVER)["resources"]["requests"].pop("cpu"),
        "of which it requests none",
    ),
    "two autoscalers": Sample(
        safety.autoscalers,
        lambda o: o.all.append(o.get("ScaledObject", "profile-worker")),
        "has 2 autoscalers",
        "ha",
    ),
    "replicas that nobody says": Sample(
        safety.autoscalers,
        lambda o: drop(o, "HorizontalPodAutoscaler", SERVER),
        "says no replicas",
    ),
    "budget that keeps what is broken": Sample(
        safety.budgets,
        lambda o: spec(o, "PodDisruptionBudget", SERVER).pop("unhealthyPodEvictionPolicy"),
        "not healthy",
    ),
    "budget that never gives": Sample(
        safety.budgets,
        lambda o: put(spec(o, "PodDisruptionBudget", "postgres"), "maxUnavailable", 0),
        "may never leave",
    ),
    "no budget": Sample(
        safety.budgets,
        lambda o: drop(o, "PodDisruptionBudget", "profile-worker"),
        "profile-worker has no budget",
    ),
    "killed too early": Sample(
        safety.drains,
        lambda o: put(pod(o, SERVER), "terminationGracePeriodSeconds", 20),
        "is killed after 20 s",
    ),
    "worker killed too early": Sample(
        safety.drains,
        lambda o: env(o, "profile-worker", SHUTDOWN_TIMEOUT="2m"),
        "profile-worker is killed after 45 s",
    ),
    "no preStop": Sample(
        safety.drains, lambda o: box(o, SERVER).pop("lifecycle"), "before it is known"
    ),
    "volume of one node": Sample(several_nodes, lambda o: None, "profile-images is used by 3 pods"),
    "latest": Sample(
        one_image, lambda o: put(box(o, "redis"), "image", "redis:latest"), "has no exact version"
    ),
    "version that moves": Sample(
        one_image, lambda o: put(box(o, "redis"), "image", "redis:7.2"), "has no exact version"
    ),
    "image of an operator": Sample(
        one_image,
        lambda o: put(spec(o, "Cluster", "postgres"), "imageName", "a/postgresql:15"),
        "postgres: a/postgresql:15 has no exact version",
        "ha",
    ),
    "another version": Sample(
        one_image, lambda o: put(box(o, SERVER), "image", "profile-service:9.9.9"), "is not"
    ),
    "job of another version": Sample(
        one_image,
        lambda o: put(o.kind("Job")[0]["metadata"], "name", "profile-migrate"),
        "is not named for",
    ),
    "variable that nobody reads": Sample(
        names.variables, lambda o: env(o, SERVER, DB_HOSTS="a"), "sets DB_HOSTS"
    ),
    "value that cannot be": Sample(
        names.variables, lambda o: env(o, SERVER, TASK_LEASE="soon"), "TASK_LEASE"
    ),
    "secret that is not mounted": Sample(
        names.variables,
        lambda o: env(o, SERVER, DB_PASSWORD_FILE="/run/secrets/profilecore/db_owner"),
        "has nothing at",
    ),
    "port that is not listened on": Sample(
        names.ports, lambda o: env(o, SERVER, OPS_PORT="9100"), "listens elsewhere"
    ),
    "port of nginx": Sample(
        names.ports, lambda o: put(box(o, "client")["ports"][0], "containerPort", 80), "8080"
    ),
    "path that is not there": Sample(
        names.paths,
        lambda o: put(box(o, SERVER)["readinessProbe"]["httpGet"], "path", "/healthz"),
        "asks for /healthz",
    ),
    "path that nginx has not": Sample(
        names.paths,
        lambda o: put(box(o, "client")["livenessProbe"]["httpGet"], "path", "/live"),
        "nginx has no /live",
    ),
    "liveness that others decide": Sample(
        names.paths,
        lambda o: put(box(o, SERVER)["livenessProbe"]["httpGet"], "path", "/health"),
        "is restarted for what others do",
    ),
    "metrics elsewhere": Sample(
        names.paths,
        lambda o: put(spec(o, "ServiceMonitor", "profilecore")["endpoints"][0], "path", "/stats"),
        "asks for /stats",
        "ha",
    ),
    "command that is none": Sample(
        names.commands, lambda o: put(box(o, SERVER), "args", ["server"]), "is no command"
    ),
    "host that is no service": Sample(
        names.hosts, lambda o: env(o, SERVER, DB_HOST="postgres"), "is told of postgres"
    ),
    "host of nginx that is no service": Sample(
        names.hosts,
        lambda o: drop(o, "Service", SERVER),
        "nginx is told of profile-service",
    ),
    "metric that is none": Sample(
        names.scaled_by,
        lambda o: put(
            spec(o, "HorizontalPodAutoscaler", SERVER)["metrics"][1]["pods"]["metric"],
            "name",
            "requests_per_second",
        ),
        "scaled by requests_per_second",
    ),
    "metric of a query that is none": Sample(
        names.scaled_by,
        lambda o: put(
            spec(o, "ScaledObject", "profile-worker")["triggers"][1]["metadata"],
            "query",
            "max(task_oldest_due{})",
        ),
        "scaled by task_oldest_due",
        "ha",
    ),
    "queue that is none": Sample(
        names.scaled_by,
        lambda o: put(
            spec(o, "ScaledObject", "profile-worker")["triggers"][0]["metadata"],
            "queueName",
            "profile.tasks",
        ),
        "looks at profile.tasks",
        "ha",
    ),
    "secret that nobody uses": Sample(
        unused.files,
        lambda o: put(o.get("Secret", "profile-secrets")["data"], "mail_password", "YQ=="),
        "nobody uses mail_password",
    ),
    "config map that nobody uses": Sample(
        unused.files,
        lambda o: o.all.append({**o.get("ConfigMap", "redis-files"), "metadata": {"name": "old"}}),
        "nobody uses ConfigMap old",
    ),
    "claim that nobody uses": Sample(
        unused.files,
        lambda o: put(
            o.get("PersistentVolumeClaim", "redis-data")["metadata"], "name", "redis-date"
        ),
        "nobody uses PersistentVolumeClaim redis-date",
    ),
    "secret that is fetched for nobody": Sample(
        unused.files,
        lambda o: put(
            spec(o, "ExternalSecret", "profile-owner")["target"], "name", "profile-owners"
        ),
        "nobody uses Secret profile-owners",
        "ha",
    ),
    "port that nobody asks for": Sample(
        unused.ports,
        lambda o: box(o, SERVER)["ports"].append({"name": "debug", "containerPort": 5678}),
        "nobody asks for port debug",
    ),
    "service that nobody names": Sample(
        unused.services,
        lambda o: put(o.get("Service", "redis")["metadata"], "name", "redis-old"),
        "nobody names Service redis-old",
    ),
    "path that nobody asks for": Sample(
        unused.paths,
        no_probes,
        "nobody asks for /health/ready",
    ),
    "metrics that nobody scrapes": Sample(
        unused.paths,
        lambda o: put(spec(o, "ServiceMonitor", "profilecore")["endpoints"][0], "path", "/stats"),
        "nobody asks for /metrics",
        "ha",
    ),
    "policy about nobody": Sample(
        unused.policies,
        lambda o: put(spec(o, "NetworkPolicy", "redis"), "podSelector", NOBODY),
        "NetworkPolicy redis is about no pod",
    ),
}


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_a_fault_is_found(everything: dict[str, Objects], sample: Sample) -> None:
    broken = everything[sample.overlay].copy()
    sample.breaks(broken)
    assert [fault for fault in sample.check(broken) if sample.says in fault]
