"""100,000 profiles imported into PostgreSQL, beside COPY of the same rows into equal tables.

COPY takes rows that are made already and looks at nothing, so it is what the disk and the indexes
cost. Import reads JSON, checks each row, looks for its id and its email, and gives it a position.

Limits: 5,000 rows/s, and at most 5 times as long as COPY of both tables, index for index. Rows that
are there already, which a repeated import skips, are shown for comparison.
"""

import sys
import time
from pathlib import Path

import psycopg

from benchmarks._measuring import Measured, folder, measured, table, verdict
from profilecore.adapters.postgres import PostgresAddress
from tests.support.postgres import database, execute, reachable, settings

COUNT = 100_000
ROWS_PER_SECOND = 5_000
TIMES_COPY = 5.0
TABLES = ("profiles", "events")


def copied(address: PostgresAddress) -> float:
    """Seconds that COPY takes to fill equal tables, committed as one."""
    rows: dict[str, bytes] = {}
    with psycopg.connect(address.conninfo(), autocommit=True) as connection:
        for name in TABLES:
            connection.execute(f"CREATE TABLE {name}_copy (LIKE {name} INCLUDING ALL)".encode())
            with connection.cursor().copy(f"COPY {name} TO STDOUT (FORMAT binary)".encode()) as out:
                rows[name] = b"".join(out)
        connection.execute("CHECKPOINT")
        began = time.perf_counter()
        with connection.transaction():
            for name, data in rows.items():
                into = f"COPY {name}_copy FROM STDIN (FORMAT binary)".encode()
                with connection.cursor().copy(into) as copy:
                    copy.write(data)
        return time.perf_counter() - began


def imported(address: PostgresAddress, root: Path) -> Measured:
    execute(address, "CHECKPOINT")
    return measured(root, "import", "all.ndjson", **settings(address))


def main() -> int:
    missed = []
    with folder() as root, reachable() as server, database(server) as address:
        made = measured(root, "seed", "--count", str(COUNT), "--out", "all.ndjson")
        assert made.code == 0, made.output
        first = imported(address, root)
        again = imported(address, root)
        ((stored, events),) = execute(
            address, "SELECT (SELECT count(*) FROM profiles), (SELECT max(position) FROM events)"
        )
        if (first.code, again.code, stored, events) != (0, 0, COUNT, COUNT):
            missed.append(f"{stored} stored, {events} events: {first.output[-500:]}")
        limit = copied(address)
    rows = [
        (name, f"{seconds:.2f}", f"{COUNT / seconds:,.0f}", f"{seconds / limit:.1f}")
        for name, seconds in (
            ("COPY", limit),
            ("import", first.seconds),
            ("import again", again.seconds),
        )
    ]
    table(("what", "seconds", "rows/s", "times COPY"), rows)
    if COUNT / first.seconds < ROWS_PER_SECOND:
        missed.append(f"{COUNT / first.seconds:,.0f} rows/s; {ROWS_PER_SECOND:,} are the least")
    if first.seconds / limit > TIMES_COPY:
        missed.append(f"{first.seconds / limit:.1f} times COPY, and {TIMES_COPY} are the most")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
