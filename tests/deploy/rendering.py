"""Rendered manifests, and how to find one's way in them."""

import copy
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from deploy import make_secrets

ROOT: Final = Path(__file__).parents[2]
OVERLAYS: Final = ("simple", "ha")
CONTROLLERS: Final = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")

Object = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """What a controller makes pods of."""

    owner: str
    kind: str
    labels: Mapping[str, str]
    spec: Object

    @property
    def containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    def volume(self, name: str) -> Object | None:
        return next((v for v in self.spec.get("volumes", []) if v["name"] == name), None)


class Objects:
    """All objects of one overlay."""

    def __init__(self, found: list[Object]) -> None:
        self.all = found

    def kind(self, *kinds: str) -> list[Object]:
        return [each for each in self.all if each["kind"] in kinds]

    def find(self, kind: str, name: str) -> Object | None:
        """By its name, with or without the hash that a generator has put behind it."""
        names = {each["metadata"]["name"]: each for each in self.kind(kind)}
        return names.get(name)

    def get(self, kind: str, name: str) -> Object:
        """One that has to be there; a generated one by the name that it was given."""
        (found,) = (
            each
            for each in self.kind(kind)
            if each["metadata"]["name"] == name
            or each["metadata"]["name"].rpartition("-")[0] == name
        )
        return found

    def pods(self) -> Iterator[Pod]:
        for each in self.kind(*CONTROLLERS):
            spec = each["spec"]
            if each["kind"] == "CronJob":
                spec = spec["jobTemplate"]["spec"]
            template = spec["template"]
            labels = template["metadata"].get("labels", {})
            yield Pod(each["metadata"]["name"], each["kind"], labels, template["spec"])

    def pod(self, owner: str) -> Pod:
        (found,) = (pod for pod in self.pods() if pod.owner == owner)
        return found

    def copy(self) -> "Objects":
        """One that may be broken."""
        return Objects(copy.deepcopy(self.all))


def copied(folder: Path) -> Path:
    """A copy of what is rendered, with secrets."""
    ignored = shutil.ignore_patterns("__pycache__", "secrets")
    for name in ("deploy", "k8s"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    secrets = folder / "deploy" / "secrets"
    secrets.mkdir()
    shutil.copy(ROOT / "deploy" / "secrets" / "kustomization.yaml", secrets)
    make_secrets.write(secrets)
    return folder


def render(tree: Path, overlay: str) -> Objects:
    """Build an overlay; kustomize says what is wrong where it cannot."""
    done = subprocess.run(
        ["kubectl", "kustomize", str(tree / "k8s" / "overlays" / overlay)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, f"kustomize warns: {done.stderr}"
    return Objects([each for each in yaml.safe_load_all(done.stdout) if each])


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes these labels; one that is empty takes all."""
    if any(labels.get(name) != value for name, value in selector.get("matchLabels", {}).items()):
        return False
    for each in selector.get("matchExpressions", []):
        key, operator, values = each["key"], each["operator"], each.get("values", [])
        good = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[operator]
        if not good:
            return False
    return True


def quantity(text: str | int | float) -> float:
    """What `500m`, `256Mi` or `2` stands for."""
    units = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 1e3, "M": 1e6}
    units["G"] = 1e9
    name = str(text)
    for unit in sorted(units, key=len, reverse=True):
        if name.endswith(unit):
            return float(name.removesuffix(unit)) * units[unit]
    return float(name)
