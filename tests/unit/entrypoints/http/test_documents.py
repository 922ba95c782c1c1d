"""The types that requests are read into, and what the documentation says of them."""

import re
from typing import Any
from uuid import UUID

import msgspec
import pytest

from profilecore import order, rules
from profilecore.batch import ITEMS_MAX
from profilecore.entrypoints.http import openapi_document
from profilecore.entrypoints.http.bodies import (
    Batch,
    BatchUpdate,
    NewProfile,
    ProfileChanges,
    ProfilePatch,
    given,
)
from profilecore.entrypoints.http.examples import EXAMPLES
from profilecore.entrypoints.http.methods import allow
from profilecore.entrypoints.http.task_bodies import NewTask, TaskChanges

ID = UUID("0198c5a0-0000-7000-8000-000000000000")
TYPES: dict[str, type] = {
    "createProfile": NewProfile,
    "updateProfile": ProfileChanges,
    "patchProfile": ProfilePatch,
    "batchProfiles": Batch,
    "submitTask": NewTask,
    "rescheduleTask": TaskChanges,
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document()


def test_given_is_what_was_given() -> None:
    assert given(ProfileChanges()) == {}
    assert given(ProfileChanges(bio="", name="A")) == {"name": "A", "bio": ""}
    assert given(BatchUpdate(id=ID, version=2)) == {"id": ID, "version": 2}


def test_null_clears() -> None:
    patch = ProfilePatch(bio=None, image_urls=None, name="A")
    assert patch.values() == {"name": "A", "bio": "", "image_urls": []}
    assert ProfilePatch().values() == {}


def test_every_writable_field_can_be_written() -> None:
    for kind in (NewProfile, ProfileChanges, ProfilePatch):
        assert kind.__struct_fields__ == rules.WRITABLE
    assert BatchUpdate.__struct_fields__ == ("id", "version", *rules.WRITABLE)


@pytest.mark.parametrize("operation_id", sorted(EXAMPLES))
def test_examples_are_of_the_right_type(operation_id: str) -> None:
    msgspec.convert(EXAMPLES[operation_id], TYPES[operation_id])


def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    operations = [o for path in document["paths"].values() for o in path.values()]
    bodies = {
        o["operationId"]: o["requestBody"]["content"] for o in operations if "requestBody" in o
    }
    with_body = {name for name, content in bodies.items() if "multipart/form-data" not in content}
    assert with_body == set(EXAMPLES)


def test_limits_are_those_of_the_rules(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    new = schemas["NewProfile"]
    assert new["additionalProperties"] is False
    assert new["required"] == ["name", "email"]
    properties = new["properties"]
    assert properties["name"]["maxLength"] == rules.NAME_MAX
    assert properties["email"]["maxLength"] == rules.EMAIL_MAX
    assert properties["bio"]["maxLength"] == rules.BIO_MAX
    assert properties["image_urls"]["maxItems"] == rules.IMAGE_URLS_MAX
    assert properties["image_urls"]["items"]["maxLength"] == rules.URL_MAX
    text, nothing = properties["owner"]["anyOf"]
    assert (text["minLength"], text["maxLength"]) == (1, rules.OWNER_MAX)
    assert nothing == {"type": "null"}
    for part in ("create", "update", "delete"):
        assert schemas["Batch"]["properties"][part]["maxItems"] == ITEMS_MAX


def test_limits_of_tasks_are_those_of_an_order(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    new = schemas["NewTask"]
    assert new["additionalProperties"] is False
    assert new["required"] == ["type"]
    properties = new["properties"]
    assert properties["type"]["maxLength"] == order.TYPE_MAX
    seconds, text = properties["delay"]["anyOf"]
    assert (seconds["minimum"], seconds["maximum"]) == (0, order.DELAY_MAX.total_seconds())
    assert text["type"] == "string"
    assert properties["priority"]["maximum"] == order.PRIORITY_MAX
    assert properties["max_attempts"]["maximum"] == order.ATTEMPTS_MAX
    assert properties["max_attempts"]["default"] == order.ATTEMPTS
    assert properties["unique_key"]["maxLength"] == order.KEY_MAX
    for name in ("NewTask", "TaskChanges"):
        assert schemas[name]["not"] == {"required": ["delay", "run_at"]}
    assert schemas["TaskChanges"]["minProperties"] == 1


def test_no_answer_without_a_body_has_one(document: dict[str, Any]) -> None:
    for path in document["paths"].values():
        for operation in path.values():
            assert "content" not in operation["responses"].get("204", {})


def test_no_parameter_is_null(document: dict[str, Any]) -> None:
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                assert "null" not in str(parameter["schema"])


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    named = re.findall(r"#/components/schemas/(\w+)", str(document))
    assert set(named) <= document["components"]["schemas"].keys()


def test_the_document_is_the_same_each_time(document: dict[str, Any]) -> None:
    assert openapi_document() == document


def test_allow() -> None:
    assert allow(["POST", "OPTIONS"]) == "OPTIONS, POST"
    assert allow(["GET", "OPTIONS"]) == "GET, HEAD, OPTIONS"
