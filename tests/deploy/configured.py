"""What the processes of a container are told, read as they read it."""

import base64
import tempfile
from pathlib import Path
from typing import Final, get_args

from opentelemetry.sdk import environment_variables

from profilecore.entrypoints.environment import table
from profilecore.entrypoints.settings import Command, Settings
from tests.deploy.rendering import Object, Objects, Pod

SERVICE_IMAGE: Final = "profile-service:"
TABLE: Final = {field.upper(): row for field, row in table(Settings).items()}
# What OpenTelemetry's SDK reads by itself: none of ours.
STANDARD: Final = {name for name in vars(environment_variables) if name.startswith("OTEL_")}
# What deploy/Dockerfile sets.
IMAGE: Final = {
    "DATA_DIR": "/var/lib/profilecore",
    "LOG_FORMAT": "json",
    "SERVER_PORT": "8080",
}


def command_of(container: Object) -> str:
    """The command of profilecore that a container runs."""
    return str((container.get("args") or ["serve"])[0])


def environment_of(objects: Objects, container: Object) -> dict[str, str]:
    """All that a container's environment says, the image's own included."""
    found = dict(IMAGE)
    for source in container.get("envFrom", []):
        found |= objects.get("ConfigMap", source["configMapRef"]["name"])["data"]
    return found | {each["name"]: each["value"] for each in container.get("env", [])}


def settings_of(objects: Objects, pod: Pod, container: Object) -> Settings:
    """The settings that come of it; raises BadSetting, and KeyError for a secret not mounted."""
    env = environment_of(objects, container)
    with tempfile.TemporaryDirectory() as folder:
        for name, path in list(env.items()):
            if name.endswith("_FILE") and name.removesuffix("_FILE") in TABLE and path:
                here = Path(folder, name)
                here.write_text(mounted(objects, pod, container, path))
                env[name] = str(here)
        return Settings.read(as_command(command_of(container)), env)


def as_command(name: str) -> Command:
    """What settings are read for."""
    found: Command = next((each for each in get_args(Command) if each == name), "tool")
    return found


def mounted(objects: Objects, pod: Pod, container: Object, path: str) -> str:
    """What stands in a file that a container sees; LookupError where there is none."""
    folder, _, name = path.rpartition("/")
    mount = next(m for m in container["volumeMounts"] if m["mountPath"] == folder)
    volume = pod.volume(mount["name"]) or {}
    sources = [source["secret"] for source in volume.get("projected", {}).get("sources", [])]
    if "secret" in volume:
        sources.append(volume["secret"])
    for source in sources:
        secret = source.get("name", source.get("secretName"))
        paths = {item["path"]: item["key"] for item in source.get("items", [])}
        key = paths.get(name) if paths else name
        held = objects.find("Secret", secret)
        if held is not None and key in held["data"]:
            return base64.b64decode(held["data"][key]).decode()
        if held is None and key is not None and _made_elsewhere(objects, secret, key):
            return _MADE_UP.get(name, "made up")
    raise LookupError(f"{pod.owner} has nothing at {path}")


_MADE_UP: Final = {
    "queue_uri": "amqp://user:password@rabbitmq:5672/",
    "callback_secret": "whsec_" + base64.b64encode(bytes(32)).decode(),
}


def _made_elsewhere(objects: Objects, secret: str, key: str) -> bool:
    from tests.deploy import operators

    for each in objects.kind("ExternalSecret"):
        if each["spec"]["target"]["name"] == secret:
            return any(row["secretKey"] == key for row in each["spec"]["data"])
    return key in operators.SECRETS.get(secret, ())
