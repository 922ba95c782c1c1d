"""Lists are served by indexes, however many rows there are: PLAN_ROWS=1000000 for a large table."""

import os
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from profilecore.adapters.postgres import PostgresAddress, PostgresLog, PostgresProfiles
from profilecore.adapters.postgres.node import Parameters
from profilecore.adapters.postgres.profiles import statement
from profilecore.paging import Count, Cursor, Query, Sort
from tests.contracts.samples import add, person, updated, write
from tests.support.postgres import database, execute, using

ROWS = int(os.environ.get("PLAN_ROWS", "100000"))
INDEXES = {
    "created_at": "profiles_created",
    "updated_at": "profiles_updated",
    "name": "profiles_name",
}

TABLES = ("profiles", "events")

_FILL = f"""
    INSERT INTO profiles SELECT
        gen_random_uuid(), name, lower(name), email, email, 'bio', '[]', NULL, 1,
        at, at + (n * 7919::bigint) % 1000000, CASE WHEN n % 50 = 0 THEN at END
    FROM (
        SELECT n, 'Person ' || md5(n::text) AS name, 'p' || n || '@example.com' AS email,
            1700000000000000 + (n / 3)::bigint * 1000 AS at
        FROM generate_series(1, {ROWS}) n
    ) made
"""  # noqa: S608 - a number of our own


@pytest.fixture(scope="module")
def full(server: PostgresAddress) -> Iterator[PostgresAddress]:
    with database(server) as address:
        execute(address, "SET statement_timeout = 0", _FILL, "VACUUM ANALYZE profiles")
        yield address


def explained(address: PostgresAddress, sql: str, parameters: Parameters) -> str:
    with psycopg.connect(address.conninfo(), autocommit=True) as connection:
        rows = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}".encode(), parameters)
        return "\n".join(line for (line,) in rows)


def middle(sort: Sort, address: PostgresAddress) -> Cursor:
    column = "name_key" if sort is Sort.NAME else sort.field
    ((key, id_),) = execute(
        address,
        f"SELECT {column}, id FROM profiles WHERE deleted_at IS NULL"  # noqa: S608
        f" ORDER BY {column} OFFSET {ROWS // 2} LIMIT 1",
    )
    return Cursor(sort, key, id_)


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("deep", [False, True])
def test_a_page_reads_an_index_from_its_place(
    full: PostgresAddress, sort: Sort, deep: bool
) -> None:
    query = Query(sort=sort, limit=100, after=middle(sort, full) if deep else None)
    plan = explained(full, *statement(query))
    assert INDEXES[sort.field] in plan
    assert "Seq Scan" not in plan
    assert "rows=101 " in plan
    assert "Rows Removed" not in plan
    if deep:
        assert "Index Cond: (ROW(" in plan


def test_an_email_and_an_id_are_looked_up(full: PostgresAddress) -> None:
    from profilecore.adapters.postgres import profiles

    assert "profiles_email" in explained(full, profiles._BY_EMAIL, ("p5@example.com",))
    ((id_,),) = execute(full, "SELECT id FROM profiles LIMIT 1")
    assert "profiles_pkey" in explained(full, profiles._BY_ID, ([id_],))


def test_a_text_is_looked_up_by_its_trigrams(full: PostgresAddress) -> None:
    plan = explained(full, *statement(Query(q="p4242@exam", count=Count.EXACT)))
    assert "Bitmap Index Scan on profiles_text" in plan
    assert "Seq Scan" not in plan


def test_the_history_of_one_and_the_log_are_looked_up(full: PostgresAddress) -> None:
    from profilecore.adapters.postgres import log

    execute(
        full,
        "INSERT INTO events SELECT n, (SELECT id FROM profiles OFFSET 5 LIMIT 1), 'x', 1, '{}', 1"
        " FROM generate_series(1, 5000) n ON CONFLICT DO NOTHING",
        "INSERT INTO events SELECT n, gen_random_uuid(), 'x', 1, '{}', 1"
        " FROM generate_series(5001, 50000) n ON CONFLICT DO NOTHING",
        "VACUUM ANALYZE events",
    )
    ((id_,),) = execute(full, "SELECT profile_id FROM events WHERE position = 20000")
    assert "events_of_profile" in explained(full, log._HISTORY, (id_, 2**63 - 1, 10))
    plan = explained(full, log._READ, {"after": 40_000, "limit": 100})
    assert "events_pkey" in plan
    assert "Seq Scan on events" not in plan


@pytest.mark.parametrize("q", [None, "5@example", "person 1"])
async def test_an_estimate_is_near(full: PostgresAddress, q: str | None) -> None:
    async with using(full, statement_timeout=30) as database:
        profiles = PostgresProfiles(database)
        query = Query(limit=1, q=q, count=Count.EXACT)
        exact = (await profiles.list(query)).total
        estimate = (await profiles.list(replace(query, count=Count.ESTIMATED))).total
    assert exact is not None
    assert estimate is not None
    factor = 1.02 if q is None else 3
    assert exact / factor <= estimate <= exact * factor


@pytest.mark.parametrize("prepared", [True, False])
async def test_plans_that_were_made_for_a_small_table_do_not_stay(
    address: PostgresAddress, prepared: bool
) -> None:
    touched = """
        SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)::int
            + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)::int
    """
    execute(address, *(f"ALTER TABLE {t} SET (autovacuum_enabled = off)" for t in TABLES))
    async with using(replace(address, prepared=prepared), pool_max=1) as database:
        profiles, log = PostgresProfiles(database), PostgresLog(database)

        async def use() -> int:
            for _ in range(20):
                one = person()
                await add(profiles, one)
                await write(profiles, updated(one, name="Other"))
                await profiles.get([one.id])
                await profiles.list(Query(limit=2))
                await profiles.list(Query(email=one.email))
                await log.read(1, 2)
                await log.position()
                await log.history(one.id, None, 2)
            await database.fetch("SELECT pg_stat_force_next_flush()", ())
            await database.ping()
            ((rows,),) = execute(address, touched)
            return int(rows)

        await add(profiles, person())
        execute(address, "ANALYZE profiles, events")
        await use()
        execute(address, _FILL.replace(str(ROWS), "20000").replace("example.com", "example.org"))
        execute(
            address,
            "INSERT INTO events SELECT n, gen_random_uuid(), 'x', 1, '{}', 1"
            " FROM generate_series(1000, 20000) n",
            "SELECT pg_stat_force_next_flush()",
        )
        before = await use()
        assert await use() - before < 20 * 100, "of some 20,000 rows"
