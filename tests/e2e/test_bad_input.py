"""Bad input: each a problem document with the right status, and nothing is changed by it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.http import (
    JSON,
    PROFILES,
    assert_no_leak,
    created,
    fields_at_fault,
    path_of,
    person,
    problem,
    snapshot,
)
from tests.support.processes import Server
from tests.support.tasks import SUBMIT, TASKS, path_of_task, reached, submitted

UNKNOWN = "0198c5a0-0000-7000-8000-000000000000"
BATCH = f"{PROFILES}/batch"
IN_AN_HOUR = (datetime.now(UTC) + timedelta(hours=1)).isoformat()


@dataclass(frozen=True)
class Stored:
    """What is there before: one to be changed, one that has an email, one that is deleted."""

    here: dict[str, Any]
    other: dict[str, Any]
    gone: dict[str, Any]
    robbed: dict[str, Any]
    """Deleted, and its email is the other's now."""
    task: dict[str, Any]
    """To be started in an hour."""
    done: dict[str, Any]
    """A task that has ended."""

    def path(self, template: str) -> str:
        """A path with the names of the above in braces."""
        for name in ("here", "gone", "robbed"):
            template = template.replace(f"{{{name}}}", path_of(getattr(self, name)))
        for name in ("task", "done"):
            template = template.replace(f"{{{name}}}", path_of_task(getattr(self, name)))
        return template


@pytest.fixture(scope="module")
def stored(api: httpx.Client) -> Stored:
    here, gone, robbed = created(api), created(api), created(api, email="Robbed@example.com")
    api.delete(path_of(gone))
    api.delete(path_of(robbed))
    other = created(api, email="rObbed@example.com")
    task, done = submitted(api, delay="1h"), reached(api, submitted(api), "succeeded")
    return Stored(here, other, gone, robbed, task, done)


@dataclass(frozen=True)
class Bad:
    """A request, and the problem that it has to get."""

    name: str
    method: str
    path: str
    status: int
    code: str
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    at_fault: list[str] | None = None
    """The fields that are named, where some are."""
    mentions: str = ""


def sent(body: Any) -> bytes:
    return json.dumps(body).encode()


def with_values(**values: Any) -> bytes:
    return sent(person(email="bad@example.com") | values)


# Bodies that cannot be read, or have another shape than asked for, for each call that takes one.
BODIES: list[tuple[str, bytes, int, str, list[str]]] = [
    ("no json", b'{"name": ', 400, "malformed", []),
    ("two documents", with_values() + b" {}", 400, "malformed", []),
    ("an empty body", b"", 400, "malformed", ["body"]),
    ("blanks", b"   ", 400, "malformed", []),
    ("text that is no json", b"name=Ada", 400, "malformed", []),
    ("xml", b"<profile/>", 400, "malformed", []),
    ("single quotes", b"{'name': 'Ada'}", 400, "malformed", []),
    ("NaN", b'{"name": NaN}', 400, "malformed", []),
    ("invalid utf-8", b'{"name": "\xff\xfe", "email": "bad@example.com"}', 400, "malformed", []),
    ("utf-16", '{"name": "Ada"}'.encode("utf-16"), 400, "malformed", []),
    ("a byte order mark", b'\xef\xbb\xbf{"bio": ""}', 400, "malformed", []),
    ("a lone surrogate", b'{"name": "\\ud800", "email": "bad@example.com"}', 400, "malformed", []),
    ("a raw NUL", b'{"name": "a\x00b", "email": "bad@example.com"}', 400, "malformed", []),
    ("a raw line end", b'{"name": "a\nb", "email": "bad@example.com"}', 400, "malformed", []),
    ("an array", b"[]", 422, "invalid", ["body"]),
    ("a number", b"17", 422, "invalid", ["body"]),
    ("null", b"null", 422, "invalid", ["body"]),
    ("a string", b'"Ada"', 422, "invalid", ["body"]),
    ("an unknown field", b'{"nom": "Ada"}', 422, "invalid", ["nom"]),
    ("the server's fields", b'{"id": "0198c5a0-0000-7000-8000-000000000000"}', 422, "invalid", []),
    ("deep arrays", b'{"name":' + b"[" * 100_000, 422, "invalid", ["name"]),
    ("deep objects", b'{"x":' * 10_000 + b"1" + b"}" * 10_000, 422, "invalid", ["x"]),
    ("a deep value of an unknown field", b'{"bio":"","x":' + b"[" * 50_000, 422, "invalid", ["x"]),
]
# Values that break a rule. The same for a new profile and for a change.
VALUES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("name of a wrong type", {"name": 17}, ["name"]),
    ("name null", {"name": None}, ["name"]),
    ("name an object", {"name": {"first": "Ada"}}, ["name"]),
    ("name empty", {"name": ""}, ["name"]),
    ("name of blanks", {"name": " \t\u2003"}, ["name"]),
    ("name too long", {"name": "x" * 256}, ["name"]),
    ("name with NUL", {"name": "a\0b"}, ["name"]),
    ("name with a control character", {"name": "a\x1b[31mb"}, ["name"]),
    ("name with a line end", {"name": "a\nb"}, ["name"]),
    ("name with a line separator", {"name": "a\u2028b"}, ["name"]),
    ("name with a C1 control", {"name": "a\x9bb"}, ["name"]),
    ("email of a wrong type", {"email": ["a@example.com"]}, ["email"]),
    ("email empty", {"email": ""}, ["email"]),
    ("email without an at", {"email": "example.com"}, ["email"]),
    ("email without a domain", {"email": "ada@"}, ["email"]),
    ("email with two ats", {"email": "a@b@example.com"}, ["email"]),
    ("email with a blank", {"email": "a b@example.com"}, ["email"]),
    ("email with NUL", {"email": "a\0@example.com"}, ["email"]),
    ("email with a header in it", {"email": "a@example.com\r\nBcc: b@example.com"}, ["email"]),
    ("email too long", {"email": f"a@{'x.' * 130}com"}, ["email"]),
    ("email with a long local part", {"email": f"{'x' * 65}@example.com"}, ["email"]),
    ("bio of a wrong type", {"bio": 1.5}, ["bio"]),
    ("bio too long", {"bio": "x" * 10_001}, ["bio"]),
    ("bio with NUL", {"bio": "a\0b"}, ["bio"]),
    ("bio with an escape character", {"bio": "a\x1bb"}, ["bio"]),
    ("image_urls of a wrong type", {"image_urls": "https://example.com/"}, ["image_urls"]),
    ("image_urls too many", {"image_urls": ["https://example.com/"] * 33}, ["image_urls"]),
    (
        "an image url of a wrong type",
        {"image_urls": ["https://example.com/", 1]},
        ["image_urls[1]"],
    ),
    ("an image url without a scheme", {"image_urls": ["//example.com/a.jpg"]}, ["image_urls[0]"]),
    ("an image url that runs", {"image_urls": ["javascript:alert(1)"]}, ["image_urls[0]"]),
    ("an image url with a blank", {"image_urls": ["https://example.com/a b"]}, ["image_urls[0]"]),
    (
        "an image url too long",
        {"image_urls": [f"https://example.com/{'x' * 2048}"]},
        ["image_urls[0]"],
    ),
    ("many at once", {"name": "", "email": "no", "bio": "\0"}, ["name", "email", "bio"]),
]
PARAMETERS: list[tuple[str, str, list[str] | None]] = [
    ("unknown", "page=2", ["page"]),
    ("in another case", "Limit=2", ["Limit"]),
    ("empty name", "=1", [""]),
    ("limit 0", "limit=0", ["limit"]),
    ("limit 1001", "limit=1001", ["limit"]),
    ("limit negative", "limit=-1", ["limit"]),
    ("limit huge", f"limit={'9' * 400}", ["limit"]),
    ("limit no number", "limit=ten", ["limit"]),
    ("limit a fraction", "limit=1.5", ["limit"]),
    ("limit empty", "limit=", ["limit"]),
    ("limit twice", "limit=1&limit=2", ["limit"]),
    ("sort unknown", "sort=email", ["sort"]),
    ("sort empty", "sort=", ["sort"]),
    ("count unknown", "count=all", ["count"]),
    ("ids no uuid", "ids=1,2", ["ids"]),
    ("ids empty", "ids=", ["ids"]),
    ("ids with an empty one", f"ids={UNKNOWN},", ["ids"]),
    ("ids too many", "ids=" + ",".join([UNKNOWN] * 101), ["ids"]),
    ("q empty", "q=", ["q"]),
    ("q too long", f"q={'x' * 256}", ["q"]),
    ("cursor empty", "cursor=", None),
    ("cursor made up", "cursor=AAAA", None),
    ("cursor no base64", "cursor=%00%ff", None),
    ("cursor not ascii", "cursor=%C3%A9", None),
    ("cursor deep", "cursor=" + "W1tb" * 7_500, None),
]
HISTORY_PARAMETERS = ["cursor=x", "cursor=-1", "cursor=", "limit=0", "limit=1001", "sort=name"]
# What breaks a rule of a task that is submitted, with what has to be said of it.
ORDERS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("type unknown", {"type": "nothing"}, ["type"]),
    ("type empty", {"type": ""}, ["type"]),
    ("type null", {"type": None}, ["type"]),
    ("type with NUL", {"type": "echo\0"}, ["type"]),
    ("type too long", {"type": "e" * 10_000}, ["type"]),
    ("payload null", {"payload": None}, ["payload"]),
    ("payload an array", {"payload": []}, ["payload"]),
    ("payload over 256 KiB", {"payload": {"a": "x" * 262_144}}, ["payload"]),
    ("payload over 256 KiB of UTF-8", {"payload": {"a": "é" * 131_072}}, ["payload"]),
    ("max_attempts 0", {"max_attempts": 0}, ["max_attempts"]),
    ("max_attempts 101", {"max_attempts": 101}, ["max_attempts"]),
    ("max_attempts null", {"max_attempts": None}, ["max_attempts"]),
    ("unique_key empty", {"unique_key": ""}, ["unique_key"]),
    ("unique_key null", {"unique_key": None}, ["unique_key"]),
    ("unique_key a number", {"unique_key": 7}, ["unique_key"]),
    ("unique_key too long", {"unique_key": "x" * 256}, ["unique_key"]),
    ("unique_key with NUL", {"unique_key": "a\0b"}, ["unique_key"]),
    ("many at once", {"priority": -1, "max_attempts": 0}, ["priority", "max_attempts"]),
    ("an unknown field", {"delai": 1}, ["delai"]),
    ("the server's fields", {"status": "succeeded"}, ["status"]),
]
# The same for one that is changed.
TIMES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("delay negative", {"delay": -1}, ["delay"]),
    ("delay tiny and negative", {"delay": -0.001}, ["delay"]),
    ("delay over 30 days", {"delay": 2_592_001}, ["delay"]),
    ("delay huge", {"delay": 10**400}, ["delay"]),
    ("delay null", {"delay": None}, ["delay"]),
    ("delay true", {"delay": True}, ["delay"]),
    ("delay an array", {"delay": [30]}, ["delay"]),
    ("delay text over 30 days", {"delay": "30d1s"}, ["delay"]),
    ("delay text huge", {"delay": f"{'9' * 400}d"}, ["delay"]),
    *(
        (f"delay {text!r}", {"delay": text}, ["delay"])
        for text in ("", "30", "soon", "1.5h", "5m1h", "-5m", "5 m", "NaN", "inf", "1h\n", "٣s")
    ),
    ("run_at in the past", {"run_at": "2020-01-01T00:00:00Z"}, ["run_at"]),
    ("run_at beyond 30 days", {"run_at": "2999-01-01T00:00:00Z"}, ["run_at"]),
    ("run_at at the end of time", {"run_at": "9999-12-31T23:59:59-23:59"}, ["run_at"]),
    ("run_at at its beginning", {"run_at": "0001-01-01T00:00:00+23:59"}, ["run_at"]),
    ("run_at without a zone", {"run_at": "2026-11-26T13:00:00"}, ["run_at"]),
    ("run_at a date", {"run_at": "2026-11-26"}, ["run_at"]),
    ("run_at a number", {"run_at": 1_795_000_000}, ["run_at"]),
    ("run_at text", {"run_at": "tomorrow"}, ["run_at"]),
    ("run_at null", {"run_at": None}, ["run_at"]),
    ("two times", {"run_at": IN_AN_HOUR, "delay": 0}, ["run_at"]),
    ("priority -1", {"priority": -1}, ["priority"]),
    ("priority 10", {"priority": 10}, ["priority"]),
    ("priority huge", {"priority": 10**30}, ["priority"]),
    ("priority a fraction", {"priority": 1.5}, ["priority"]),
    ("priority null", {"priority": None}, ["priority"]),
]
TASK_PARAMETERS: list[tuple[str, str, list[str]]] = [
    ("unknown", "state=dead", ["state"]),
    ("status unknown", "status=pending", ["status"]),
    ("status empty", "status=", ["status"]),
    ("status in capitals", "status=DEAD", ["status"]),
    ("type no word", "type=a%20b", ["type"]),
    ("type with NUL", "type=echo%00", ["type"]),
    ("type empty", "type=", ["type"]),
    ("type too long", f"type={'x' * 101}", ["type"]),
    ("limit 0", "limit=0", ["limit"]),
    ("limit 101", "limit=101", ["limit"]),
    ("limit no number", "limit=ten", ["limit"]),
    ("cursor empty", "cursor=", ["cursor"]),
    ("cursor made up", "cursor=AAAA", ["cursor"]),
    ("cursor of another page", "cursor=AaIX_jJ7cr6XGNcSAH2cfR", ["cursor"]),
    ("cursor with a line end", "cursor=AaIX_jJ7cr6XGNcSAH2cfQ%0A", ["cursor"]),
    ("cursor not ascii", "cursor=%C3%A9", ["cursor"]),
]
WAITS = ["-1", "31", "30.001", "NaN", "inf", "-0.1", "", "ten", "1s", "9" * 400]
FEED_PARAMETERS = ["after=x", "after=-1", "after=", f"after={'9' * 30}", "from=1"]


def table() -> list[Bad]:
    bad = []
    for name, content, status, code, at_fault in BODIES:
        for method, path in (
            ("POST", PROFILES),
            ("PUT", "{here}"),
            ("PATCH", "{here}"),
            ("POST", BATCH),
        ):
            if path == BATCH and content.startswith(b'{"'):
                continue  # another shape, so that another field is at fault
            bad.append(Bad(name, method, path, status, code, content, JSON, at_fault or None))
    for name, values, at_fault in VALUES:
        bad.append(
            Bad(name, "POST", PROFILES, 422, "invalid", with_values(**values), JSON, at_fault)
        )
        bad += [
            Bad(name, method, "{here}", 422, "invalid", sent(values), JSON, at_fault)
            for method in ("PUT", "PATCH")
        ]
    return [
        *bad,
        *(
            Bad(name, "GET", f"{PROFILES}?{query}", 400, "malformed", at_fault=field_)
            for name, query, field_ in PARAMETERS
        ),
        *(
            Bad(query, "GET", f"{{here}}/events?{query}", 400, "malformed")
            for query in HISTORY_PARAMETERS
        ),
        *(
            Bad(query[:20], "GET", f"/api/v1/events?{query}", 400, "malformed")
            for query in FEED_PARAMETERS
        ),
        *others(),
        *of_tasks(),
    ]


def of_tasks() -> list[Bad]:
    bad = []
    for name, content, status, code, at_fault in BODIES:
        if content.startswith(b'{"'):
            continue  # another shape, so that another field is at fault
        for method, path in (("POST", SUBMIT), ("PATCH", "{task}")):
            bad.append(Bad(name, method, path, status, code, content, JSON, at_fault or None))
    for name, values, at_fault in (*ORDERS, *TIMES):
        body = sent({"type": "echo"} | values)
        bad.append(Bad(name, "POST", SUBMIT, 422, "invalid", body, JSON, at_fault))
    bad += [
        Bad(name, "PATCH", "{task}", 422, "invalid", sent(values), JSON, at_fault)
        for name, values, at_fault in (*TIMES, ("type", {"type": "echo"}, ["type"]))
    ]
    bad += [
        Bad(name, "GET", f"{TASKS}?{query}", 400, "malformed", at_fault=at_fault)
        for name, query, at_fault in TASK_PARAMETERS
    ]
    bad += [
        Bad(f"wait={wait[:9]}", "GET", f"{{task}}?wait={wait}", 400, "malformed", at_fault=["wait"])
        for wait in WAITS
    ]
    nan = b'{"type": "echo", "delay": NaN}'
    endless = b'{"type": "echo", "delay": 1e999}'
    deep = [b'{"type":"echo","payload":{"a":%b%b}}' % (b"[" * n, b"]" * n) for n in (100, 500, 900)]
    deeper = b'{"type":"echo","payload":{"a":%b%b}}' % (b"[" * 2_000, b"]" * 2_000)
    large = sent({"type": "echo", "payload": {"a": "x" * 1_100_000}})
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    unknown, change = f"{TASKS}/{UNKNOWN}", sent({"priority": 1})
    return [
        *bad,
        *(Bad("deep", "POST", SUBMIT, 422, "invalid", body, JSON, ["payload"]) for body in deep),
        Bad("deeper", "POST", SUBMIT, 422, "invalid", deeper, JSON, ["body"], "at most 100 values"),
        Bad("no type", "POST", SUBMIT, 422, "invalid", b"{}", JSON, ["type"]),
        Bad("NaN", "POST", SUBMIT, 400, "malformed", nan, JSON),
        Bad("endless", "POST", SUBMIT, 422, "invalid", endless, JSON, ["delay"]),
        Bad("1 MB", "POST", SUBMIT, 413, "too_large", large, JSON, mentions="1,048,576 bytes"),
        Bad("1 MB", "PATCH", "{task}", 413, "too_large", large, JSON, mentions="1,048,576 bytes"),
        Bad("form", "POST", SUBMIT, 415, "unsupported_media_type", b"type=echo", form),
        Bad("form", "PATCH", "{task}", 415, "unsupported_media_type", b"priority=1", form),
        Bad("nothing", "PATCH", "{task}", 422, "invalid", b"{}", JSON, ["body"]),
        Bad(
            "query", "POST", f"{SUBMIT}?x=1", 400, "malformed", sent({"type": "echo"}), JSON, ["x"]
        ),
        Bad("query", "PATCH", "{task}?x=1", 400, "malformed", change, JSON, ["x"]),
        Bad("query", "DELETE", "{task}?wait=1", 400, "malformed", None, {}, ["wait"]),
        Bad("query", "POST", "{done}/retry?x=1", 400, "malformed", None, {}, ["x"]),
        Bad("unknown id", "GET", unknown, 404, "not_found"),
        Bad("unknown id", "DELETE", unknown, 404, "not_found"),
        Bad("unknown id", "PATCH", unknown, 404, "not_found", change, JSON),
        Bad("unknown id", "POST", f"{unknown}/retry", 404, "not_found"),
        Bad("no uuid", "GET", f"{TASKS}/17", 404, "not_found"),
        Bad("not dead", "POST", "{task}/retry", 409, "task_state"),
        Bad("ended", "POST", "{done}/retry", 409, "task_state"),
        Bad("ended", "DELETE", "{done}", 409, "task_state"),
        Bad("ended", "PATCH", "{done}", 409, "task_state", change, JSON),
    ]


def others() -> list[Bad]:
    huge = b'{"bio": "' + b"x" * 10_000_000 + b'"}'
    number = b'{"name": 1' + b"0" * 5_000 + b', "email": "bad@example.com"}'
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}
    stale = JSON | {"If-Match": '"v9"'}
    weak = JSON | {"If-Match": 'W/"v1"'}
    change = sent({"bio": "changed"})
    thousand_and_one = [sent({"delete": [UNKNOWN] * 1_001}), sent({"create": [person()] * 1_001})]
    mixed = sent({"create": [person()] * 500, "delete": [UNKNOWN] * 501})
    no_query = "none is allowed here"
    return [
        Bad("name and email missing", "POST", PROFILES, 422, "invalid", b"{}", JSON),
        Bad("a huge number", "POST", PROFILES, 422, "invalid", number, JSON, ["name"]),
        Bad("an endless number", "PUT", "{here}", 422, "invalid", b'{"bio": 1e999}', JSON, ["bio"]),
        Bad("10 MB", "POST", PROFILES, 413, "too_large", huge, JSON, mentions="262,144 bytes"),
        Bad("10 MB", "PUT", "{here}", 413, "too_large", huge, JSON, mentions="262,144 bytes"),
        Bad("10 MB", "PATCH", "{here}", 413, "too_large", huge, JSON, mentions="262,144 bytes"),
        Bad(
            "17 MB",
            "POST",
            BATCH,
            413,
            "too_large",
            b" " * 17_000_000,
            JSON,
            mentions="16,777,216 bytes",
        ),
        Bad("form", "POST", PROFILES, 415, "unsupported_media_type", b"name=Ada", form),
        *(
            Bad(
                "packed",
                "POST",
                path,
                415,
                "unsupported_media_type",
                b"\x1f\x8b",
                kind | {"Content-Encoding": "gzip"},
                mentions="encoded as gzip; send it without Content-Encoding",
            )
            for path, kind in ((PROFILES, JSON), ("{here}/images", multipart))
        ),
        Bad(
            "patch as text",
            "PATCH",
            "{here}",
            415,
            "unsupported_media_type",
            change,
            {"Content-Type": "text/json"},
            mentions="application/json or application/merge-patch+json.",
        ),
        Bad(
            "text",
            "PUT",
            "{here}",
            415,
            "unsupported_media_type",
            change,
            {"Content-Type": "text/json"},
        ),
        Bad("multipart", "POST", BATCH, 415, "unsupported_media_type", b"--x--", multipart),
        *(Bad("1,001 items", "POST", BATCH, 422, "invalid", b, JSON) for b in thousand_and_one),
        Bad("1,001 items in all", "POST", BATCH, 422, "invalid", mixed, JSON, mentions="1001"),
        Bad("batch id", "POST", BATCH, 422, "invalid", b'{"delete": ["x"]}', JSON, ["delete[0]"]),
        Bad("batch list", "POST", BATCH, 422, "invalid", b'{"create": {}}', JSON, ["create"]),
        Bad(
            "batch version",
            "POST",
            BATCH,
            422,
            "invalid",
            sent({"delete": [{"id": UNKNOWN, "version": 0}]}),
            JSON,
        ),
        Bad(
            "batch atomic",
            "POST",
            f"{BATCH}?atomic=perhaps",
            400,
            "malformed",
            b"{}",
            JSON,
            ["atomic"],
        ),
        Bad(
            "batch query",
            "POST",
            f"{BATCH}?atomc=true",
            400,
            "malformed",
            b"{}",
            JSON,
            ["atomc"],
            "allowed: atomic",
        ),
        Bad(
            "query on POST",
            "POST",
            f"{PROFILES}?x=1",
            400,
            "malformed",
            sent(person()),
            JSON,
            ["x"],
            no_query,
        ),
        Bad("query on PUT", "PUT", "{here}?x=1", 400, "malformed", change, JSON, ["x"], no_query),
        Bad("query on DELETE", "DELETE", "{here}?x=1", 400, "malformed", None, {}, ["x"], no_query),
        Bad("query on restore", "POST", "{gone}/restore?x=1", 400, "malformed", None, {}, ["x"]),
        Bad("query on export", "GET", f"{PROFILES}/export?x=1", 400, "malformed", None, {}, ["x"]),
        Bad(
            "unknown parameter",
            "GET",
            f"{PROFILES}?page=2",
            400,
            "malformed",
            mentions="count, cursor, email, ids, limit, q, sort",
        ),
        Bad("stale If-Match", "PUT", "{here}", 412, "stale_version", change, stale),
        Bad("stale If-Match", "PATCH", "{here}", 412, "stale_version", change, stale),
        Bad("stale If-Match", "DELETE", "{here}", 412, "stale_version", None, stale),
        Bad("stale If-Match", "POST", "{gone}/restore", 412, "stale_version", None, stale),
        Bad("weak If-Match", "PUT", "{here}", 412, "stale_version", change, weak),
        Bad("bad token", "GET", "{here}", 400, "malformed", None, {"X-Consistency-Token": "x"}),
        Bad("deleted", "GET", "{gone}", 404, "not_found"),
        Bad("deleted", "PUT", "{gone}", 404, "not_found", change, JSON),
        Bad("deleted", "PATCH", "{gone}", 404, "not_found", change, JSON),
        Bad("deleted", "DELETE", "{gone}", 404, "not_found"),
        Bad("not deleted", "POST", "{here}/restore", 409, "not_deleted"),
        Bad("restore conflict", "POST", "{robbed}/restore", 409, "email_taken"),
        Bad(
            "email taken",
            "POST",
            PROFILES,
            409,
            "email_taken",
            with_values(email="ROBBED@example.com"),
            JSON,
        ),
        Bad(
            "email taken",
            "PUT",
            "{here}",
            409,
            "email_taken",
            sent({"email": "ROBBED@EXAMPLE.com"}),
            JSON,
        ),
        Bad(
            "email taken",
            "PATCH",
            "{here}",
            409,
            "email_taken",
            sent({"email": "robbed@example.com"}),
            JSON,
        ),
        Bad("unknown path", "GET", "/api/v1/nothing", 404, "not_found"),
        Bad("unknown path", "GET", "/api/v2/profiles", 404, "not_found"),
        Bad("unknown path", "POST", "/", 405, "method_not_allowed"),
        Bad("no uuid", "GET", f"{PROFILES}/17", 404, "not_found"),
        Bad("no uuid", "PUT", f"{PROFILES}/17", 404, "not_found", change, JSON),
        Bad("odd path", "GET", f"{PROFILES}/%00%ff%F0%9F%98%80", 404, "not_found"),
        Bad("path upwards", "GET", "/docs/assets/..%2f..%2fsettings.py", 404, "not_found"),
        Bad("path upwards", "GET", "/docs/assets/%2e%2e/app.py", 404, "not_found"),
    ]


@pytest.mark.parametrize("bad", table(), ids=lambda bad: f"{bad.method}-{bad.path[:24]}-{bad.name}")
def test_bad_input(server: Server, api: httpx.Client, stored: Stored, bad: Bad) -> None:
    """Bad input gets a clear problem document and changes nothing."""
    path = stored.path(bad.path)
    before = snapshot(server)
    response = api.request(bad.method, path, content=bad.content, headers=bad.headers)
    document = problem(response, bad.status, bad.code)
    if bad.at_fault is not None:
        assert fields_at_fault(document) == bad.at_fault
    assert bad.mentions in document["detail"]
    assert snapshot(server) == before


def tampered(cursor: str) -> str:
    middle = len(cursor) // 2
    return cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]


@pytest.mark.parametrize("change", [tampered, lambda c: c[:-2], lambda c: c + "=", lambda c: c * 2])
def test_a_cursor_that_was_tampered_with(
    api: httpx.Client, stored: Stored, change: Callable[[str], str]
) -> None:
    """A cursor is ours as it is, or it is refused."""
    link = api.get(PROFILES, params={"limit": 1}).links["next"]["url"]
    cursor = httpx.URL(link).params["cursor"]
    response = api.get(PROFILES, params={"cursor": change(cursor)})
    if response.status_code != 200 or change is not tampered:  # a changed letter may be a place too
        assert "cursor" in problem(response, 400, "malformed")["detail"]


def test_a_cursor_of_another_sort(api: httpx.Client, stored: Stored) -> None:
    """A cursor belongs to its sort."""
    cursor = httpx.URL(api.get(PROFILES, params={"limit": 1}).links["next"]["url"]).params["cursor"]
    response = api.get(PROFILES, params={"cursor": cursor, "sort": "name"})
    assert "sort=-created_at" in problem(response, 400, "malformed")["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", PROFILES, {"GET", "POST"}),
        ("PUT", PROFILES, {"GET", "POST"}),
        ("POST", "{here}", {"GET", "PUT", "PATCH", "DELETE"}),
        ("GET", BATCH, {"POST"}),
        ("GET", "{here}/restore", {"POST"}),
        ("POST", f"{PROFILES}/export", {"GET"}),
        ("POST", "/health", {"GET"}),
        ("DELETE", "/metrics", {"GET"}),
        ("PATCH", "/openapi.json", {"GET"}),
        ("POST", TASKS, {"GET"}),
        ("GET", SUBMIT, {"POST"}),
        ("PUT", "{task}", {"GET", "PATCH", "DELETE"}),
        ("GET", "{done}/retry", {"POST"}),
        ("TRACE", PROFILES, {"GET", "POST"}),
    ],
)
def test_wrong_method(
    server: Server, api: httpx.Client, stored: Stored, method: str, path: str, allowed: set[str]
) -> None:
    """405 has Allow, with what is allowed."""
    before = snapshot(server)
    response = api.request(method, stored.path(path))
    document = problem(response, 405, "method_not_allowed")
    assert document["detail"].startswith(f"{method} is not allowed here; allowed: ")
    named = set(response.headers["allow"].split(", "))
    assert named - {"OPTIONS", "HEAD"} == allowed
    assert snapshot(server) == before


@pytest.mark.parametrize("path", [PROFILES, "{here}", BATCH, "{task}", "/health"])
def test_options(api: httpx.Client, stored: Stored, path: str) -> None:
    """OPTIONS says what is allowed, the same as a 405 does."""
    where = stored.path(path)
    response = api.options(where)
    assert response.status_code == 204
    refused = api.request("TRACE", where)
    assert set(response.headers["allow"].split(", ")) == set(refused.headers["allow"].split(", "))


def test_an_unknown_method_is_a_problem_too(api: httpx.Client) -> None:
    """What is no HTTP at all gets a problem document as well."""
    response = api.request("BREW", PROFILES)
    problem(response, 400, "malformed")


def test_no_server_error_was_logged(server: Server, api: httpx.Client, stored: Stored) -> None:
    """After all of the above: not one answer of 500, and no trace of an exception in the log."""
    lines = [json.loads(line) for line in server.errors.splitlines()]
    assert not [line for line in lines if line["level"] == "error" or "exception" in line]
    assert_no_leak(api.get("/nowhere").text)
