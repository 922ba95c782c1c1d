"""Each object is one that the API server would take, of two versions of Kubernetes."""

from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.deploy.rendering import Object, Objects

VERSIONS: Final = ("1.32", "1.36")
CUSTOM: Final[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("custom.yaml").read_text())


def faults(each: Object, version: str) -> list[str]:
    """What is wrong with an object; a kind that nobody knows is wrong too."""
    kind = f"{each['apiVersion']}/{each['kind']}"
    if kind in CUSTOM["kinds"]:
        schema = {**CUSTOM["kinds"][kind], "definitions": CUSTOM["definitions"]}
        found = Draft202012Validator(schema).iter_errors(each["spec"])
        return [f"{kind} {error.json_path}: {error.message}" for error in found]
    try:
        kubernetes_validate.validate(each, version, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        return [f"{kind} is not known, and not in custom.yaml"]
    except kubernetes_validate.ValidationError as error:
        return [f"{kind}: {error.message}"]
    return []


@pytest.mark.parametrize("version", VERSIONS)
def test_objects_are_what_the_api_server_takes(objects: Objects, version: str) -> None:
    assert [fault for each in objects.all for fault in faults(each, version)] == []


def test_every_schema_of_ours_is_one_and_is_used(everything: dict[str, Objects]) -> None:
    used = {f"{e['apiVersion']}/{e['kind']}" for o in everything.values() for e in o.all}
    for kind, schema in CUSTOM["kinds"].items():
        Draft202012Validator.check_schema(schema)
        assert kind in used


@pytest.mark.parametrize("version", VERSIONS)
def test_wrong_objects_are_refused(objects: Objects, version: str) -> None:
    broken = objects.copy()
    deployment = broken.get("Deployment", "client")
    deployment["spec"]["replicas"] = "three"
    assert faults(deployment, version)
    service = broken.get("Service", "client")
    service["spec"]["sesionAffinity"] = "None"
    assert faults(service, version)
    budget = broken.get("PodDisruptionBudget", "client")
    budget["apiVersion"] = "policy/v1beta1"  # removed in 1.25
    assert faults(budget, version)
    assert faults({"apiVersion": "example.com/v1", "kind": "Widget", "spec": {}}, version)


def test_wrong_custom_resources_are_refused(everything: dict[str, Objects]) -> None:
    broken = everything["ha"].copy()
    cluster = broken.get("Cluster", "postgres")
    cluster["spec"]["instances"] = "three"
    assert faults(cluster, VERSIONS[0])
    scaled = broken.get("ScaledObject", "profile-worker")
    scaled["spec"]["minReplicas"] = 2  # it is minReplicaCount there
    assert faults(scaled, VERSIONS[0])
