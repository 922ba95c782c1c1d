"""Items of batches."""

from typing import Any
from uuid import UUID

from profilecore.batch import Item
from profilecore.identifiers import new_id


def create(**values: Any) -> Item:
    return Item("create", None, {"name": "New", "email": f"{new_id().hex}@x.de"} | values, None)


def update(id_: UUID, expected: int | None = None, **values: Any) -> Item:
    return Item("update", id_, values, expected)


def delete(id_: UUID, expected: int | None = None) -> Item:
    return Item("delete", id_, {}, expected)
