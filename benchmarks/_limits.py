"""What Redis and PostgreSQL themselves do at most, asked by the programs that come with them.

There is one call for one request, as many connections as wrk has, and no pipelining, so that these
are bounds for a service that neither gathers what it asks nor answers from its own memory.
"""

import csv
import io
import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from benchmarks._wrk import Closed, used
from profilecore.adapters.codec import PROFILE
from profilecore.adapters.postgres import PostgresAddress
from tests.support.postgres import BINARIES, Postgres, execute
from tests.support.redis import RedisProcess

GETS_A_SECOND: Final = 50_000  # about; what redis-benchmark takes is a number of them
SAMPLED: Final = 0.1  # of the latencies of pgbench, since to write them down costs it something
SELECT: Final = f"SELECT {PROFILE} FROM profiles WHERE id = :id;"  # noqa: S608
# As a profile is stored, with all its indexes; beside the profiles, which have a log.
LIKE_PROFILES: Final = "CREATE TABLE IF NOT EXISTS limits (LIKE profiles INCLUDING ALL)"
INSERT: Final = """\
INSERT INTO limits (id, name, name_key, email, email_key, bio, image_urls, version,
    created_at, updated_at)
VALUES (gen_random_uuid(), 'Ada Lovelace', 'ada lovelace', 'Ada@example.com',
    gen_random_uuid()::text, repeat('x', 200), '[]', 1, 0, 0);
"""


class Limits(NamedTuple):
    """The servers that the peers have, and one of the profiles that are there."""

    redis: RedisProcess
    postgres: Postgres
    database: PostgresAddress
    profile_id: str
    key: str
    """Of a profile that the plain service has put into its part of Redis."""

    def ask(self, name: str, connections: int, seconds: int, root: Path) -> Closed:
        """Measure one of `LIMITS`."""
        if name == REDIS_GET:
            return self._gets(connections, seconds)
        statement = SELECT
        if name == POSTGRES_INSERT:
            execute(self.database, LIKE_PROFILES)
            statement = INSERT
        return self._statements(statement, connections, seconds, root)

    def versions(self) -> list[str]:
        """Of the servers."""
        with self.redis.client() as client:
            redis = client.info("server")["redis_version"]
        [(postgres,)] = execute(self.database, "SELECT split_part(version(), ' ', 2)")
        return [f"PostgreSQL {postgres}", f"Redis {redis}"]

    def _gets(self, connections: int, seconds: int) -> Closed:
        with self.redis.client(db=1) as client:
            assert client.exists(self.key), "there has to be something to get"
            process = psutil.Process(client.info("server")["process_id"])
        number = GETS_A_SECOND * seconds
        before = used(process)
        done = subprocess.run(
            [
                *("redis-benchmark", "-h", "127.0.0.1", "-p", str(self.redis.port)),
                *("--dbnum", "1", "-c", str(connections), "-n", str(number), "-P", "1"),
                *("--csv", "GET", self.key),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        cpu = (used(process) - before) / number * 1e6
        (found,) = csv.DictReader(io.StringIO(done.stdout))
        return Closed(
            float(found["rps"]), float(found["p50_latency_ms"]), float(found["p99_latency_ms"]), cpu
        )

    def _statements(self, statement: str, connections: int, seconds: int, root: Path) -> Closed:
        script = root / "limit.sql"
        script.write_text(statement)
        at = self.database
        postmaster = self.postgres.processes()[0]
        before = used(postmaster)
        done = subprocess.run(
            [
                *(str(BINARIES / "pgbench"), "--no-vacuum", "--protocol=prepared"),
                *("-h", at.host, "-p", str(at.port), "-U", at.user, "-c", str(connections)),
                *("-T", str(seconds), "-f", str(script), "-D", f"id={self.profile_id}"),
                *("--log", f"--log-prefix={root / 'limit'}", f"--sampling-rate={SAMPLED}"),
                at.name,
            ],
            env={**os.environ, "PGPASSWORD": at.password or ""},
            capture_output=True,
            text=True,
            check=True,
        )
        time.sleep(0.2)  # until the server has seen the last of its processes end
        cpu = used(postmaster) - before
        took = sorted(_logged(root))
        return Closed(
            _number(r"tps = ([\d.]+)", done.stdout),
            took[len(took) // 2],
            took[len(took) * 99 // 100],
            cpu / _number(r"actually processed: (\d+)", done.stdout) * 1e6,
        )


REDIS_GET: Final = "limit: Redis GET"
POSTGRES_SELECT: Final = "limit: PostgreSQL select"
POSTGRES_INSERT: Final = "limit: PostgreSQL insert"
LIMITS: Final = (REDIS_GET, POSTGRES_SELECT, POSTGRES_INSERT)
LIMITED: Final[Mapping[str, str]] = {
    "read, Redis": REDIS_GET,
    "read, PostgreSQL alone": POSTGRES_SELECT,
    "create": POSTGRES_INSERT,
}
"""What of ours is bounded by which."""


def _logged(root: Path) -> list[float]:
    """Milliseconds, one by one."""
    took = []
    for path in root.glob("limit.[0-9]*"):
        took += [int(line.split()[2]) / 1000 for line in path.read_text().splitlines()]
        path.unlink()
    return took


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, text
    return float(found[1])
