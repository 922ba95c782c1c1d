"""The System rows of the API page: health, metrics, documentation."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from profilecore.entrypoints.http.examples import EXAMPLES
from tests.support.http import PROFILES, TIME, created, path_of, problem
from tests.support.processes import Server, run, serving
from tests.support.tasks import submitted

SEED_METRICS = [
    "cache_hits_total",
    "cache_misses_total",
    "cache_evictions_total",
    "cache_errors_total",
    "cache_size",
    "cache_operation_latency_seconds",
    "cache_hit_ratio",
]


def test_health(api: httpx.Client) -> None:
    """GET /health → 200 {"status", "components", "resources", "version", "timestamp"}."""
    response = api.get("/health")
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["status", "components", "resources", "version", "timestamp"]
    assert body["status"] == "healthy"
    assert list(body["components"]) == ["database", "cache", "queue", "blobs"]
    for component in body["components"].values():
        assert list(component) == ["status", "latency_ms", "detail"]
        assert component["status"] == "healthy"
        assert component["latency_ms"] >= 0
    details = {name: component["detail"] for name, component in body["components"].items()}
    assert details == {
        "database": "sqlite",
        "cache": "memory",
        "queue": "embedded",
        "blobs": "file",
    }
    names = ["rss_bytes", "cpu_percent", "open_files", "loop_lag_ms", "disk_free_bytes"]
    assert list(body["resources"]) == names
    for name in ("rss_bytes", "open_files", "disk_free_bytes"):
        assert body["resources"][name] > 0
    assert body["version"] in run_version()
    assert TIME.fullmatch(body["timestamp"])


def run_version() -> str:
    return run(Path.cwd(), "--version").stdout


def test_live(api: httpx.Client) -> None:
    """GET /health/live → 200: the process answers."""
    response = api.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


def test_ready(api: httpx.Client) -> None:
    """GET /health/ready → 200 once started."""
    response = api.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "detail": ""})


def test_without_a_database(tmp_path_factory: pytest.TempPathFactory) -> None:
    """GET /health is 503 "unhealthy", and /health/ready 503, where the database does not answer.

    Live goes on, a read is a 503 with Retry-After, and nothing of the inside is told.
    """
    with serving(tmp_path_factory.mktemp("broken")) as (server, client):
        profile = created(client)
        for file in (server.database, Path(f"{server.database}-wal")):
            with file.open("r+b") as stream:
                stream.write(b"\0" * file.stat().st_size)
        client.put(path_of(profile), json={"bio": "moves readers on from what they remember"})
        response = client.get("/health")
        assert response.status_code == 503
        body = response.json()
        assert body["status"] == "unhealthy"
        assert body["components"]["database"]["status"] == "unhealthy"
        assert body["components"]["database"]["detail"].startswith("The ")
        ready = client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["status"] == "not ready"
        assert ready.json()["detail"].startswith("database: ")
        assert client.get("/health/live").status_code == 200
        refused = client.get(f"{PROFILES}/0198c5a0-0000-7000-8000-000000000000")
        problem(refused, 503, "unavailable")
        assert int(refused.headers["retry-after"]) >= 1


def metrics(api: httpx.Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = api.get("/metrics").text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics(api: httpx.Client) -> None:
    """GET /metrics Prometheus text: every name of the seed's, well formed."""
    created(api)
    response = api.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    names = {name for name, _ in metrics(api)}
    for name in SEED_METRICS:
        assert name in names or f"{name}_bucket" in names, name
    for name in ("process_resident_memory_bytes", "process_loop_lag_seconds", "python_info"):
        assert name in names


def test_metrics_count_the_cache(api: httpx.Client) -> None:
    """GET /metrics: hits, misses, size and evictions are exact."""
    first = created(api)
    for _ in range(10):
        created(api)  # the first one has to make room
    before = metrics(api)
    api.get(path_of(first))
    api.get(path_of(first))
    after = metrics(api)

    def grown(name: str, **labels: str) -> float:
        key = name, tuple(sorted(labels.items()))
        return after[key] - before[key]

    assert (grown("cache_misses_total"), grown("cache_hits_total")) == (1, 1)
    assert grown("cache_evictions_total", cache="memory", reason="capacity") == 1
    assert grown("cache_evictions_total", cache="memory", reason="expired") == 0
    assert after["cache_size", (("cache", "memory"),)] == 10
    assert 10 * 500 < after["cache_memory_bytes", (("cache", "memory"),)] < 10 * 5_000
    assert grown("cache_errors_total") == 0
    asked = after["cache_hits_total", ()] + after["cache_misses_total", ()]
    assert after["cache_hit_ratio", ()] == pytest.approx(after["cache_hits_total", ()] / asked)


def test_metrics_count_requests(api: httpx.Client) -> None:
    """GET /metrics: each request once, by method, template of its route, and status."""
    profile = created(api)
    missing = f"{PROFILES}/0198c5a0-0000-7000-8000-000000000000"
    template = f"{PROFILES}/{{profile_id}}"
    before = metrics(api)
    asked = [
        ("GET", path_of(profile), template, 200),
        ("GET", path_of(profile), template, 200),
        ("GET", missing, template, 404),
        ("HEAD", path_of(profile), template, 200),
        ("PUT", path_of(profile), template, 400),
        ("GET", f"{path_of(profile)}/events", f"{template}/events", 200),
        ("GET", "/nowhere", "unmatched", 404),
        ("GET", f"/{profile['id']}", "unmatched", 404),
        ("DELETE", PROFILES, "unmatched", 405),
    ]
    for method, path, _, status in asked:
        assert api.request(method, path).status_code == status
    after = metrics(api)
    for key in {(method, route, status) for method, _, route, status in asked}:
        method, route, code = key
        labels = (("method", method), ("route", route), ("status", str(code)))
        wanted = sum((m, r, s) == key for m, _, r, s in asked)
        name = "http_requests_total"
        assert after[name, labels] - before.get((name, labels), 0) == wanted, key
    durations = [key for key in after if key[0] == "http_request_duration_seconds_count"]
    assert {dict(labels)["route"] for _, labels in durations} >= {template, "unmatched"}
    assert after["http_requests_in_flight", ()] == 1, "the one that asks"


def test_no_id_is_a_label(api: httpx.Client) -> None:
    """GET /metrics: labels are closed sets; no id, email, query or made-up method in any."""
    profile = created(api)
    api.get(path_of(profile), headers={"X-Request-ID": "label-of-mine"})
    api.get(PROFILES, params={"email": profile["email"]})
    api.get("/some/path/of/mine")
    text = api.get("/metrics").text
    for secret in (profile["id"], profile["email"], "label-of-mine", "/some/path", "?"):
        assert secret not in "".join(re.findall(r"\{.*\}", text))
    methods = {dict(labels).get("method") for _, labels in metrics(api)} - {None}
    assert methods <= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}


class Links(HTMLParser):
    """What a page asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def test_docs(api: httpx.Client) -> None:
    """GET /docs: the page and every asset come from this host, and no other is named."""
    page = api.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "//" not in page.text
    links = Links()
    links.feed(page.text)
    assert len(links.found) >= 4
    for link in links.found:
        assert link.startswith("/")
        asset = api.get(link)
        assert asset.status_code == 200, link
        assert asset.content
    kinds = {link.rpartition(".")[2] for link in links.found}
    assert {"css", "js", "png"} <= kinds
    script = api.get("/docs/assets/docs.js").text
    assert '"/openapi.json"' in script
    assert "http" not in script


def test_assets_have_their_types(api: httpx.Client) -> None:
    """GET /docs: with nosniff a script runs only under its own media type."""
    for name, kind in (("docs.js", "javascript"), ("swagger-ui.css", "text/css")):
        response = api.get(f"/docs/assets/{name}")
        assert kind in response.headers["content-type"]
        assert response.headers["x-content-type-options"] == "nosniff"


def test_openapi(api: httpx.Client) -> None:
    """GET /openapi.json: OpenAPI 3.1, every operation named, every problem documented."""
    response = api.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    assert document["openapi"].startswith("3.1")
    operations = {
        operation["operationId"]: operation
        for path in document["paths"].values()
        for operation in path.values()
    }
    assert set(operations) == {
        *("createProfile", "readProfile", "updateProfile", "patchProfile", "deleteProfile"),
        *("restoreProfile", "listProfiles", "exportProfiles", "batchProfiles", "readHistory"),
        *("exportPerson", "erasePerson"),
        *("submitTask", "readTask", "listTasks", "cancelTask", "rescheduleTask", "retryTask"),
        *("uploadImage", "listImages", "deleteImage", "avatar", "readMedia"),
        *("followEvents", "health", "live", "ready", "metrics"),
    }
    for operation in operations.values():
        assert operation["summary"]
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and operation["tags"] != ["System"]:
                assert list(answer["content"]) == ["application/problem+json"]


def test_openapi_refers_to_what_is_there(api: httpx.Client) -> None:
    """GET /openapi.json: every $ref has its schema, and every schema is used."""
    document = api.get("/openapi.json").json()
    wanted = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert wanted == set(document["components"]["schemas"])


def test_the_command_line_prints_the_same_document(api: httpx.Client, server: Server) -> None:
    """GET /openapi.json is what `profilecore openapi` prints."""
    printed = run(server.folder, "openapi")
    assert printed.returncode == 0
    assert json.loads(printed.stdout) == api.get("/openapi.json").json()


@pytest.mark.parametrize("operation_id", sorted(EXAMPLES))
def test_examples_are_accepted(api: httpx.Client, operation_id: str) -> None:
    """GET /openapi.json: each example in it works as it stands."""
    document = api.get("/openapi.json").json()
    path, method, operation = next(
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation["operationId"] == operation_id
    )
    profile, task = created(api), submitted(api, delay="1h")
    for media_type, content in operation["requestBody"]["content"].items():
        example: Any = content["example"]
        assert example == EXAMPLES[operation_id]
        response = api.request(
            method,
            path.replace("{profile_id}", profile["id"]).replace("{task_id}", task["id"]),
            content=json.dumps(example),
            headers={"Content-Type": media_type},
        )
        assert response.is_success, response.text
        items = response.json() if operation_id == "batchProfiles" else []
        assert all(item["status"] < 300 for item in items)


def test_an_upgrade_is_not_taken(api: httpx.Client) -> None:
    """A request that offers to go on as something else is answered as it is."""
    for offer in ("h2c", "websocket"):
        headers = {"Connection": "Upgrade", "Upgrade": offer}
        assert api.get("/health/live", headers=headers).status_code == 200
