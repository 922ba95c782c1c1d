"""What no schema sees: that the parts fit together. Each check was seen red: see test_broken.py."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from profilecore.entrypoints.version import VERSION
from tests.deploy import names, safety, shapes, unused
from tests.deploy.rendering import ROOT, Objects, render

CHECKS: Final[tuple[Callable[[Objects], Iterator[str]], ...]] = (
    *(shapes.selectors, shapes.ports, shapes.references),
    *(safety.restricted, safety.resources, safety.autoscalers, safety.budgets, safety.drains),
    *(names.variables, names.ports, names.paths, names.commands, names.hosts, names.scaled_by),
    *(unused.files, unused.ports, unused.services, unused.paths, unused.policies),
)


@pytest.mark.parametrize(
    "check", CHECKS, ids=lambda c: f"{c.__module__.rpartition('.')[2]}.{c.__name__}"
)
def test_an_overlay_has_no_fault(
    objects: Objects, check: Callable[[Objects], Iterator[str]]
) -> None:
    assert list(check(objects)) == []


def test_images_and_jobs_are_of_this_version(objects: Objects) -> None:
    assert list(safety.images(objects, VERSION)) == []


def test_images_are_pinned_by_digest_as_the_documentation_says(tree: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "deploy-with-kubernetes.md").read_text()
    ((place, text),) = re.findall(r":caption: (k8s/\S+)\n\n([^`]*)\n```\n", page)
    (tree / place).parent.mkdir()
    (tree / place).write_text(text)
    images = {c["image"] for pod in render(tree, "pinned").pods() for c in pod.containers}
    assert len(images) == 5
    assert [image for image in images if not re.search(r"@sha256:0{63}[1-5]$", image)] == []


def test_volumes_can_be_had_where_pods_are(objects: Objects, overlay: str) -> None:
    nodes = 1 if overlay == "simple" else 3
    assert list(safety.volumes(objects, nodes=nodes)) == []


def test_what_the_seed_promises_is_there(everything: dict[str, Objects]) -> None:
    (server,) = everything["simple"].pod("profile-service").containers
    assert server["resources"] == {
        "requests": {"memory": "256Mi", "cpu": "200m"},
        "limits": {"memory": "512Mi", "cpu": "500m"},
    }
    scaler = everything["simple"].get("HorizontalPodAutoscaler", "profile-service")
    assert scaler["spec"]["minReplicas"] == 3
    kinds = {metric["type"] for metric in scaler["spec"]["metrics"]}
    assert kinds == {"Resource", "Pods"}


def test_engines_of_the_ha_overlay_survive_a_node(everything: dict[str, Objects]) -> None:
    ha = everything["ha"]
    cluster = ha.get("Cluster", "postgres")["spec"]
    assert (cluster["instances"], cluster["postgresql"]["synchronous"]["number"]) == (3, 1)
    assert cluster["affinity"]["podAntiAffinityType"] == "required"
    assert ha.get("RabbitmqCluster", "rabbitmq")["spec"]["replicas"] == 3
    assert ha.get("RedisSentinel", "redis-sentinel")["spec"]["clusterSize"] == 3
    assert ha.kind("PersistentVolumeClaim") == []
    assert not [e for e in ha.all if "profilecore.io/engine" in e["metadata"].get("labels", {})]
