"""Whether what compose.yaml names is there, and whether its containers are confined."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from deploy import make_secrets
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.variables import BadSetting
from tests.deploy.configured import IMAGE, as_command
from tests.deploy.names import is_known
from tests.deploy.rendering import ROOT, Object
from tests.deploy.safety import is_exact

DEPLOY: Final = ROOT / "deploy"
SECONDS: Final = re.compile(r"(\d+)s")
PORTS: Final = {
    "postgres-primary": {5432},
    "postgres-secondary": {5432},
    "redis": {6379},
    "rabbitmq": {5672},
    "varnish": {6081},
    "nginx": {8080},
    "server-1": {8080, 8081},
    "server-2": {8080, 8081},
    "worker": {8080, 8081},
}


def compose() -> Object:
    """The file, its anchors resolved."""
    found: Object = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def references(file: Object) -> Iterator[str]:
    """Secrets, volumes, files, services that are waited for: each is there, and is used."""
    made = make_secrets.contents()
    for name, service in file["services"].items():
        for secret in service.get("secrets", []):
            if _source(secret) not in file["secrets"]:
                yield f"{name} uses secret {_source(secret)}, which is not there"
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("."):
                if not (DEPLOY / source).exists() and source != "./grafana/dashboards":
                    yield f"{name} mounts {source}, which is not there"
            elif source not in file["volumes"]:
                yield f"{name} mounts volume {source}, which is not there"
        for other, how in service.get("depends_on", {}).items():
            if other not in file["services"]:
                yield f"{name} waits for {other}, which is not there"
            elif how["condition"] == "service_healthy" and not _tells(file["services"][other]):
                yield f"{name} waits for {other}, which does not say how it is"
    for name in file["secrets"]:
        if name not in made:
            yield f"nothing makes the secret {name}"
        if not any(
            name == _source(s) for e in file["services"].values() for s in e.get("secrets", [])
        ):
            yield f"nobody uses the secret {name}"
    mounted = {v.partition(":")[0] for e in file["services"].values() for v in e.get("volumes", [])}
    for name in file["volumes"]:
        if name not in mounted:
            yield f"nobody uses the volume {name}"


def settings(file: Object) -> Iterator[str]:
    """What processes of the service are told makes sense, and leads to what is there."""
    for name, service in _ours(file):
        env = {**IMAGE, **service["environment"]}
        yield from (f"{name} sets {key}, which nobody reads" for key in env if not is_known(key))
        try:
            read = settings_of(service)
        except (BadSetting, LookupError) as error:
            yield f"{name}: {error}"
            continue
        hosts = {host for host, _ in (*read.db_host, *(read.db_replica_hosts or ()))}
        hosts.add(read.redis_address.partition(":")[0])
        hosts |= set(re.findall(r"@([\w.-]+):", read.queue_uri.reveal()))
        hosts -= {"localhost"}  # of what it does not use
        for host in hosts - set(file["services"]):
            yield f"{name} is told of {host}, which is no service"
        waits = read.shutdown_delay.total_seconds() + read.shutdown_timeout.total_seconds()
        grace = SECONDS.fullmatch(service.get("stop_grace_period", "10s"))
        if service["command"][0] in ("serve", "worker") and (
            grace is None or int(grace[1]) < waits + 10
        ):
            yield f"{name} is killed after {service.get('stop_grace_period')}"


def settings_of(service: Object) -> Settings:
    """As the process reads them; raises BadSetting, and LookupError for a secret not given."""
    made = make_secrets.contents()
    env = {**IMAGE, **service["environment"]}
    with tempfile.TemporaryDirectory() as folder:
        for key, path in list(env.items()):
            if key.endswith("_FILE"):
                secret = Path(path).name
                if secret not in map(_source, service["secrets"]):
                    raise LookupError(f"{secret} is not given")
                env[key] = f"{folder}/{key}"
                Path(env[key]).write_text(made[secret])
        return Settings.read(as_command(service["command"][0]), env)


def confined(file: Object) -> Iterator[str]:
    """Nothing may write to its root, gain privileges, or take all memory; ours are not root."""
    for name, service in file["services"].items():
        if service.get("read_only") is not True:
            yield f"{name} may write to its root"
        if service.get("cap_drop") != ["ALL"]:
            yield f"{name} keeps capabilities"
        if "no-new-privileges:true" not in service.get("security_opt", []):
            yield f"{name} may gain privileges"
        if "mem_limit" not in service:
            yield f"{name} may take all memory"
        if not is_exact(re.sub(r"\$\{\w+:-(.*)\}", r"\1", service["image"])):
            yield f"{name} has no exact version"
        for port in service.get("ports", []):
            if name != "nginx" and not port.startswith("127.0.0.1:"):
                yield f"{name} is open to others: {port}"
    for name, service in _ours(file):
        if service.get("user", "").partition(":")[0] in ("", "0", "root"):
            yield f"{name} may be root"


def addresses(file: Object, texts: dict[str, str]) -> Iterator[str]:
    """What nginx, Varnish and Prometheus call is there, on that port, and nobody is left out."""
    found = {
        "nginx": re.findall(r"server ([\w-]+):(\d+)", texts["upstream.conf"]),
        "Varnish": re.findall(
            r'\.host = "([\w.-]+)";\s+\.port = "(\d+)"', texts["varnish/compose.vcl"]
        ),
        "Prometheus": re.findall(r"\b(server-\d|worker):(\d+)", texts["prometheus/prometheus.yml"]),
    }
    for host, port in [address for listed in found.values() for address in listed]:
        if host not in file["services"] or int(port) not in PORTS[host]:
            yield f"{host}:{port} is not there"
    for name, service in _ours(file):
        for who, listed in found.items():
            asks = {"serve": True, "worker": who == "Prometheus"}.get(service["command"][0], False)
            if asks and name not in {host for host, _ in listed}:
                yield f"{who} does not know {name}"
    (subnet,) = (each["subnet"] for each in file["networks"]["default"]["ipam"]["config"])
    if (
        f'"{subnet.partition("/")[0]}"/{subnet.partition("/")[2]};'
        not in texts["varnish/compose.vcl"]
    ):
        yield f"Varnish lets nobody of {subnet} purge"


def texts() -> dict[str, str]:
    """The files that hold addresses."""
    names = ("upstream.conf", "varnish/compose.vcl", "prometheus/prometheus.yml")
    return {name: (DEPLOY / name).read_text() for name in names}


def _ours(file: Object) -> Iterator[tuple[str, Object]]:
    for name, service in file["services"].items():
        if "profile-service" in service["image"]:
            yield name, service


def _source(secret: Any) -> str:
    return str(secret["source"] if isinstance(secret, dict) else secret)


def _tells(service: Object) -> bool:
    return "healthcheck" in service or "profile-service" in service["image"]
