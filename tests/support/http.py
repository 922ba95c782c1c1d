"""What requests hold and what answers must be."""

import re
import socket
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any

import httpx

from tests.support.processes import Server

PROFILES = "/api/v1/profiles"
JSON = {"Content-Type": "application/json"}
FIELDS = [
    *("id", "name", "email", "bio", "image_urls", "images"),
    *("owner", "version", "created_at", "updated_at"),
]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

_LEAKS = (
    "Traceback",
    'File "',
    '.py", line',
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    "sqlite",
    "litestar",
)
_MEMBERS = ["type", "title", "status", "detail", "instance", "code", "request_id"]
_numbers = count(1)


def person(**fields: Any) -> dict[str, Any]:
    """The body of a new profile, with an email of its own."""
    number = next(_numbers)
    return {"name": f"Person {number}", "email": f"person{number}@example.com"} | fields


def created(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    """A profile as the answer to its making shows it."""
    response = client.post(PROFILES, json=person(**fields))
    assert response.status_code == 201, response.text
    profile: dict[str, Any] = response.json()
    return profile


def path_of(profile: dict[str, Any]) -> str:
    return f"{PROFILES}/{profile['id']}"


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document that an answer has to be; all that every one of them promises."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert list(document)[: len(_MEMBERS)] == _MEMBERS
    assert set(document) - set(_MEMBERS) <= {"errors", "version"}
    assert document["type"] == f"urn:profilecore:problem:{code}"
    assert document["code"] == code
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == response.headers["x-request-id"] != ""
    for error in document.get("errors", []):
        assert list(error) == ["field", "message"]
        assert error["message"]
    assert_no_leak(response.text)
    return document


def assert_no_leak(text: str) -> None:
    """Nothing of the inside: no stack trace, no SQL, no name of a host."""
    for leak in _LEAKS:
        assert leak not in text
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", text)


def fields_at_fault(document: dict[str, Any]) -> list[str]:
    return [error["field"] for error in document.get("errors", [])]


def snapshot(server: Server) -> tuple[str, list[Any], list[Any]]:
    """All there is: the export and the tasks, the rows with their tombstones, and the log."""
    with server.client() as client:
        export = client.get(f"{PROFILES}/export").text
        export += client.get("/api/v1/tasks", params={"limit": 100}).text
    with sqlite3.connect(f"{server.database.as_uri()}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT * FROM profiles ORDER BY id").fetchall()
        events = connection.execute("SELECT * FROM events ORDER BY position").fetchall()
    connection.close()
    return export, rows, events


def place(profile: dict[str, Any], sort: str) -> tuple[Any, str]:
    """What a list is sorted by."""
    field = sort.removeprefix("-")
    value = profile[field]
    return value.casefold() if field == "name" else datetime.fromisoformat(value), profile["id"]


def walked(client: httpx.Client, **params: Any) -> Iterator[list[dict[str, Any]]]:
    """The pages of a list, following its links."""
    response = client.get(PROFILES, params=params)
    while True:
        assert response.status_code == 200, response.text
        yield response.json()
        link = response.links.get("next")
        if link is None:
            return
        response = client.get(link["url"])
