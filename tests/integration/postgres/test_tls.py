"""TLS to PostgreSQL: what the settings ask for is what is spoken, or nothing is."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from profilecore.adapters.postgres import PostgresAddress, PostgresDatabase
from profilecore.errors import Unavailable
from tests.support.certificates import certificate
from tests.support.postgres import Postgres, database, settings, using
from tests.support.processes import run

SPOKEN = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.fixture(scope="module")
def secured() -> Iterator[PostgresAddress]:
    """A migrated database on a server that speaks TLS, as `localhost`."""
    server = Postgres()
    try:
        path = certificate(server.folder, "localhost")
        key = path.with_suffix(".key")
        key.chmod(0o600)
        for file in (path, key):
            shutil.chown(file, server.folder.owner(), server.folder.group())
        server.start("-c", "ssl=on", "-c", f"ssl_cert_file={path}", "-c", f"ssl_key_file={key}")
        with database(server.address, dropped=False) as address:
            yield replace(address, host="localhost", sslmode="verify-full", ca_file=str(path))
    finally:
        server.close()


async def spoken(address: PostgresAddress) -> bool:
    async with using(address) as opened:
        ((ssl,),) = await opened.fetch(SPOKEN, ())
        return bool(ssl)


async def test_a_certificate_that_is_right_is_taken(secured: PostgresAddress) -> None:
    assert await spoken(secured)
    assert await spoken(replace(secured, sslmode=None, ca_file=None)), "preferred by itself"
    assert not await spoken(replace(secured, sslmode="disable"))


async def test_another_certificate_or_name_is_refused(
    secured: PostgresAddress, tmp_path: Path
) -> None:
    strange = replace(secured, ca_file=str(certificate(tmp_path, "elsewhere")))
    for address, reason in (
        (strange, "certificate verify failed"),
        (replace(secured, host="127.0.0.1"), "does not match host name"),
    ):
        with pytest.raises(Unavailable, match=reason):
            await PostgresDatabase(address, connect_timeout=0.1).open()
    assert await spoken(replace(secured, host="127.0.0.1", sslmode="verify-ca"))


def test_the_settings_say_so(secured: PostgresAddress, tmp_path: Path) -> None:
    given = {**settings(secured), "DB_SSLMODE": "verify-full", "DB_CA_FILE": secured.ca_file or ""}
    assert run(tmp_path, "migrate", "check", **given).returncode == 0
    strange = str(certificate(tmp_path, "elsewhere"))
    ended = run(tmp_path, "migrate", "check", **{**given, "DB_CA_FILE": strange})
    assert ended.returncode == 3
    assert "certificate verify failed" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
