"""When certificates end, as a metric, and what happens where a file cannot be read."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from profilecore.entrypoints.telemetry import Certificates
from tests.support.certificates import certificate
from tests.support.inside import inside

NAME = "certificate_expires_timestamp_seconds"


def ends(path: Path) -> float:
    """As openssl tells it."""
    command = ["openssl", "x509", "-enddate", "-noout", "-in", str(path)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    text = shown.strip().removeprefix("notAfter=").removesuffix(" GMT")
    return datetime.strptime(text, "%b %d %H:%M:%S %Y").replace(tzinfo=UTC).timestamp()


def test_the_first_of_a_file_counts(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    sooner, later = (certificate(tmp_path, name) for name in ("a.example", "b.example"))
    command = ["openssl", "req", "-x509", "-key", str(later.with_suffix(".key")), "-days", "9"]
    subprocess.run([*command, "-subj", "/CN=b", "-out", str(later)], check=True)
    both = tmp_path / "both.pem"
    both.write_text(later.read_text() + sooner.read_text())
    Certificates(registry, {"DB_CA_FILE": both, "REDIS_CA_FILE": later})
    assert registry.get_sample_value(NAME, {"setting": "DB_CA_FILE"}) == ends(sooner)
    assert registry.get_sample_value(NAME, {"setting": "REDIS_CA_FILE"}) == ends(later)
    both.write_text(later.read_text())
    assert registry.get_sample_value(NAME, {"setting": "DB_CA_FILE"}) == ends(later)


@pytest.mark.parametrize("text", [None, "", "-----BEGIN CERTIFICATE-----\nno\n", "\0"])
def test_a_file_that_cannot_be_read_has_no_value(tmp_path: Path, text: str | None) -> None:
    registry, path = CollectorRegistry(), tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    Certificates(registry, {"DB_CA_FILE": path})
    assert registry.get_sample_value(NAME, {"setting": "DB_CA_FILE"}) is None
    assert [family.name for family in registry.collect()] == [NAME]


async def test_only_the_files_of_what_is_used_are_looked_at(tmp_path: Path) -> None:
    ca = str(certificate(tmp_path, "redis.example"))
    async with inside(tmp_path, REDIS_CA_FILE=ca) as app:
        assert app.metric(NAME, setting="REDIS_CA_FILE") == 0
    given = {"CACHE": "redis", "REDIS_ADDRESS": "127.0.0.1:1", "REDIS_CA_FILE": ca}
    async with inside(tmp_path, change=lambda parts: parts, **given) as app:
        assert app.metric(NAME, setting="REDIS_CA_FILE") == ends(tmp_path / "redis.example.pem")
