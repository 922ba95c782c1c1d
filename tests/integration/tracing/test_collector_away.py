"""A collector that is away, slow or refuses costs traces, and nothing else."""

import time
from pathlib import Path

import pytest

from tests.support.collector import Collector
from tests.support.http import PROFILES, created
from tests.support.ports import free_port
from tests.support.processes import serving

SAYS = "traces are not sent: "


def asked(folder: Path, **given: str) -> tuple[float, str]:
    """Ask for more than a queue takes; give the seconds that the end took, and the log."""
    with serving(folder, **given) as (server, client):
        path = f"{PROFILES}/{created(client)['id']}"
        for _ in range(300):
            assert client.get(path).status_code == 200
        time.sleep(0.5)
        began = time.monotonic()
        assert server.stop() == 0
        return time.monotonic() - began, server.errors


SMALL = {"OTEL_BSP_MAX_QUEUE_SIZE": "64", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "32"}


def test_where_nobody_listens(tmp_path: Path, collector: Collector) -> None:
    nobody = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    seconds, log = asked(tmp_path, **collector.settings | nobody | SMALL)
    assert 1 <= log.count(SAYS) <= 2  # once, and perhaps at the end
    assert seconds < 10


def test_where_it_does_not_answer(tmp_path: Path, collector: Collector) -> None:
    collector.instead = "/slow"
    seconds, log = asked(tmp_path, **collector.settings | SMALL)
    assert "could not be sent within 2 s" in log
    assert seconds < 10


@pytest.mark.parametrize("status", ["401", "503"])
def test_where_it_refuses(tmp_path: Path, collector: Collector, status: str) -> None:
    collector.instead = f"/{status}"
    seconds, log = asked(tmp_path, **collector.settings | SMALL)
    assert 1 <= log.count(SAYS) <= 2
    assert "Traceback" not in log
    assert seconds < 10


def test_what_waits_is_sent_before_the_end(tmp_path: Path, collector: Collector) -> None:
    late = {"OTEL_BSP_SCHEDULE_DELAY": "60000"}
    with serving(tmp_path, **collector.settings | late) as (server, client):
        created(client)
        assert not collector.spans
        assert server.stop() == 0
    assert "POST /api/v1/profiles" in {span.name for span in collector.spans}


def test_headers_go_to_the_collector_and_nowhere_else(tmp_path: Path, collector: Collector) -> None:
    (tmp_path / "headers").write_text("Authorization=Bearer%20s3cr3t,X-Team=profiles\n")
    given = collector.settings | {"OTEL_EXPORTER_OTLP_HEADERS_FILE": str(tmp_path / "headers")}
    with serving(tmp_path, **given, OTEL_EXPORTER_OTLP_COMPRESSION="gzip") as (server, client):
        created(client)
        collector.named("POST /api/v1/profiles")
        server.stop()
    headers = {name.lower(): value for name, value in collector.calls[0].headers.items()}
    assert headers["authorization"] == "Bearer s3cr3t"
    assert headers["x-team"] == "profiles"
    assert "s3cr3t" not in server.errors + server.output
