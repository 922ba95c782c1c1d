"""What a service of one process tells a collector, and its log."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.collector import Collector
from tests.support.http import PROFILES, created
from tests.support.processes import Server, serving
from tests.support.tasks import HANDLERS, TASKS, reached, submitted

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{PARENT}-01"
READ = "GET /api/v1/profiles/{profile_id}"
ATTRIBUTES = {
    *("http.request.method", "http.route", "http.response.status_code", "error.type"),
    *("db.system.name", "db.operation.name", "db.collection.name"),
    *("messaging.system", "messaging.operation.name", "messaging.operation.type"),
    *("messaging.destination.name", "profilecore.task.type", "profilecore.task.attempt"),
}
AN_ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")


def lines(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.errors.splitlines()]


def test_a_request_is_a_span_and_what_it_asks_of_the_store_another(
    tmp_path: Path, collector: Collector
) -> None:
    with serving(tmp_path, **collector.settings) as (_, client):
        created(client)
        request, write = collector.named("POST /api/v1/profiles", "write profiles")
    assert (request.service, request.kind, request.parent) == ("profilecore", SERVER, "")
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/v1/profiles",
        "http.response.status_code": 201,
    }
    assert (write.trace, write.parent, write.kind) == (request.trace, request.id, CLIENT)
    assert write.attributes == {
        "db.system.name": "sqlite",
        "db.operation.name": "write",
        "db.collection.name": "profiles",
    }
    assert 0 < write.seconds <= request.seconds < 30


@pytest.mark.parametrize("query", ["", "?"], ids=["short path", "long path"])
def test_a_read_joins_the_trace_of_its_client(
    tmp_path: Path, collector: Collector, query: str
) -> None:
    """By the path that Litestar takes no part in, and by the other one."""
    headers = {"traceparent": SAMPLED, "tracestate": "vendor=1"}
    with serving(tmp_path, LOG_FORMAT="json", **collector.settings) as (server, client):
        path = f"{PROFILES}/{created(client)['id']}"
        got = client.get(f"{path}{query}", headers={**headers, "Accept": "application/json"})
        assert got.status_code == 200
        (span,) = collector.named(READ)
        server.stop()
    assert (span.trace, span.parent, span.state) == (TRACE, PARENT, "vendor=1")
    (line,) = [line for line in lines(server) if line["message"].startswith("GET")]
    assert line["trace_id"] == TRACE


def test_a_trace_that_is_not_sampled_goes_on_so(tmp_path: Path, collector: Collector) -> None:
    """Nothing is sent of it, and the log has its id all the same."""
    with serving(tmp_path, LOG_FORMAT="json", **collector.settings) as (server, client):
        path = f"{PROFILES}/{created(client)['id']}"
        client.get(path, headers={"traceparent": f"{SAMPLED[:-1]}0"})
        client.delete(path, headers={"traceparent": SAMPLED})
        collector.named("DELETE /api/v1/profiles/{profile_id}")
        server.stop()
    assert READ not in {span.name for span in collector.spans}
    said = [line["trace_id"] for line in lines(server) if "path" in line and path in line["path"]]
    assert said == [TRACE, TRACE]


def test_a_sampler_is_chosen_by_the_standard_variable(tmp_path: Path, collector: Collector) -> None:
    given = collector.settings | {"OTEL_TRACES_SAMPLER": "always_off"}
    with serving(tmp_path, LOG_FORMAT="json", **given) as (server, client):
        created(client)
        assert server.stop() == 0
    assert collector.spans == []
    assert any(line["trace_id"] for line in lines(server))


def test_the_sdk_can_be_disabled(tmp_path: Path, collector: Collector) -> None:
    with serving(tmp_path, **collector.settings, OTEL_SDK_DISABLED="true") as (server, client):
        created(client)
        assert server.stop() == 0
    assert collector.spans == []


def test_what_ends_in_an_error_says_so_by_a_word(tmp_path: Path, collector: Collector) -> None:
    """A refusal is no error of ours; a task that fails is, and its message stays here."""
    with serving(tmp_path, **collector.settings, **HANDLERS) as (_, client):
        client.get("/nothing/like/this")
        client.request("PROPFIND", PROFILES)
        reached(client, submitted(client, "test.fail", max_attempts=1), "dead")
        missing, brewed, failed = collector.named("GET", "HTTP", "process test.fail")
    assert missing.attributes == {"http.request.method": "GET", "http.response.status_code": 404}
    assert brewed.attributes["http.request.method"] == "_OTHER"
    assert not missing.failed
    assert not brewed.failed
    assert failed.failed
    assert failed.attributes["error.type"].isidentifier()


def test_a_task_is_in_the_trace_of_the_request_that_it_came_from(
    tmp_path: Path, collector: Collector
) -> None:
    with serving(tmp_path, LOG_FORMAT="json", **collector.settings, **HANDLERS) as (server, client):
        reached(client, submitted(client, "test.say", payload={"text": "so"}), "succeeded")
        request, add, send, process = collector.named(
            "POST /api/v1/tasks/delayed", "add tasks", "send default", "process test.say"
        )
        server.stop()
    assert {span.trace for span in (request, add, send, process)} == {request.trace}
    assert (add.parent, send.parent, process.parent) == (request.id, request.id, send.id)
    assert (send.kind, process.kind) == (PRODUCER, CONSUMER)
    assert process.attributes["profilecore.task.attempt"] == 1
    said = [line for line in lines(server) if line["logger"].startswith("profilecore.tasks.test")]
    assert said
    assert {line["trace_id"] for line in said} == {request.trace}


def test_a_wait_for_a_task_looks_at_it_at_its_begin_and_end(
    tmp_path: Path, collector: Collector
) -> None:
    """What is looked at in between is for all who wait, and in nobody's trace."""
    with serving(tmp_path, **collector.settings, **HANDLERS) as (_, client):
        task = submitted(client, "test.sleep", payload={"seconds": 1})
        path = f"{TASKS}/{task['id']}"
        client.get(path, params={"wait": 10}, headers={"traceparent": SAMPLED})
        collector.named("GET /api/v1/tasks/{task_id}")
        spans = collector.of(TRACE)
    assert len([span for span in spans if span.name == "get tasks"]) <= 4


def test_no_span_says_whom_it_was_about(tmp_path: Path, collector: Collector) -> None:
    """No id, name or address, nor what a client has made up; and probes are not traced."""
    with serving(tmp_path, **collector.settings) as (_, client):
        made = created(client, name="Ada Lovelace", email="ada@example.com")
        path = f"{PROFILES}/{made['id']}"
        client.get(path, headers={"User-Agent": "made-up", "X-Request-ID": "made-up"})
        client.get(f"{path}/made-up/{made['id']}", params={"email": "ada@example.com"})
        client.get(PROFILES, params={"email": "ada@example.com"})
        client.patch(path, json={"name": "Ada Byron"}, headers={"Idempotency-Key": "made-up"})
        client.get(f"{path}/events")
        client.get("/health/ready")
        client.get("/metrics")
        client.delete(path)
        submitted(client, payload={"about": "Ada Lovelace"}, unique_key="made-up")
        collector.named("DELETE /api/v1/profiles/{profile_id}", "process echo")
    for span in collector.spans:
        assert span.attributes.keys() <= ATTRIBUTES, span
        text = f"{span.name} {span.attributes} {span.state}"
        assert not AN_ID.search(text), span
        assert not re.search("ada|lovelace|byron|made-up|health|metrics", text.lower()), span
