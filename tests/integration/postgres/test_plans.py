"""Whatever is looked up is found by an index, however many rows there are: a million in full."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from uuid import UUID

import msgspec
import psycopg
import pytest

from profilecore.adapters.codec import encode_data
from profilecore.adapters.codec.tasks import encode_json, step_columns, task_columns
from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresDatabase,
    PostgresLog,
    PostgresProfiles,
)
from profilecore.adapters.postgres import endings as endings_module
from profilecore.adapters.postgres import log as log_module
from profilecore.adapters.postgres import profiles as profiles_module
from profilecore.adapters.postgres import task_writes as writes_module
from profilecore.adapters.postgres import tasks as tasks_module
from profilecore.adapters.postgres.node import Parameters
from profilecore.adapters.postgres.profiles import statement
from profilecore.adapters.postgres.rows import row_of
from profilecore.adapters.postgres.trimming import TRIMMED_AT_ONCE
from profilecore.event import Change
from profilecore.identifiers import new_id
from profilecore.order import Order
from profilecore.paging import Count, Cursor, Query, Sort
from profilecore.schedule import TaskQuery
from profilecore.task import Status, Task
from profilecore.testing.samples import (
    add,
    created,
    deleted,
    person,
    updated,
    write,
)
from tests.support.campaign import rounds
from tests.support.postgres import database, execute, using

ROWS = rounds(100_000, 1_000_000)
END = 2**63 - 1
INDEXES = {
    "created_at": "profiles_created",
    "updated_at": "profiles_updated",
    "name": "profiles_name",
}

TABLES = ("profiles", "events", "tasks", "endings")

# Three were made in the same millisecond, one in fifty was deleted; the log has all of them.
_FILL = f"""
    INSERT INTO profiles SELECT
        gen_random_uuid(), name, lower(name), email, email, 'bio', '[]', NULL, 1,
        at, at + (n * 7919::bigint) % 1000000, CASE WHEN n % 50 = 0 THEN at END
    FROM (
        SELECT n, 'Person ' || md5(n::text) AS name, 'p' || n || '@example.net' AS email,
            1700000000000000 + (n / 3)::bigint * 1000 AS at
        FROM generate_series(1, {ROWS}) n
    ) made
"""  # noqa: S608 - a number of our own
# One was changed often, long ago: who looks for it from the end of the log reads all of it.
OFTEN = 5_000
_LOG = f"""
    INSERT INTO events
    SELECT {OFTEN} + row_number() OVER (ORDER BY created_at, id), id, 'profile.created', 1,
        '{{"bio": ""}}', created_at, NULL
    FROM profiles
"""  # noqa: S608
_OFTEN = f"""
    INSERT INTO events
    SELECT n, (SELECT id FROM profiles ORDER BY created_at, id LIMIT 1), 'x', n, '{{}}', 1
    FROM generate_series(1, {OFTEN}) n
"""  # noqa: S608
# Of ten tasks seven wait for another day, and two have ended; few of the others are of a kind.
_TASKS = f"""
    INSERT INTO tasks SELECT
        gen_random_uuid(), CASE WHEN n % 1000 = 0 THEN 'rare' ELSE 'echo' END, '{{}}', status,
        n % 10, now, CASE
            WHEN status IN ('succeeded', 'dead') THEN NULL
            WHEN n % 100 = 6 THEN now - n
            WHEN status = 'scheduled' THEN now + 86400000000 + n
            ELSE now + 600000000
        END, 0, 5, CASE WHEN n % 100 = 3 THEN n::text END, NULL, 'null', '[]', NULL, 0, false,
        '{{}}', 1, now, now - n
    FROM (
        SELECT n, profilecore_now() AS now, CASE
            WHEN n % 2000 = 0 THEN 'dead'
            WHEN n % 10 < 7 THEN 'scheduled'
            WHEN n % 10 < 9 THEN 'succeeded'
            WHEN n % 20 = 9 THEN 'queued'
            ELSE 'running'
        END AS status
        FROM generate_series(1, {ROWS}) n
    ) made
"""  # noqa: S608
_ENDINGS = f"""
    INSERT INTO endings SELECT n, gen_random_uuid(), 'echo', 'succeeded', n
    FROM generate_series(1, {ROWS}) n
"""  # noqa: S608
_LOUD = (
    "LOAD 'auto_explain'",
    "SET auto_explain.log_min_duration = 0",
    "SET auto_explain.log_nested_statements = on",
    "SET auto_explain.log_analyze = on",
    "SET auto_explain.log_buffers = on",
    "SET auto_explain.log_level = notice",
)


@pytest.fixture(scope="module")
def full(server: PostgresAddress) -> Iterator[PostgresAddress]:
    with database(server) as address:
        fill = ("SET statement_timeout = 0", _FILL, _OFTEN, _LOG, _TASKS, _ENDINGS)
        execute(address, *fill, f"VACUUM ANALYZE {', '.join(TABLES)}")
        yield address


def explained(address: PostgresAddress, sql: str, parameters: Parameters) -> str:
    """The plan of a statement and of all that it calls, as they were run; then it is undone."""
    plans: list[str] = []
    with psycopg.connect(address.conninfo()) as connection:
        for loud in _LOUD:
            connection.execute(loud.encode())
        connection.add_notice_handler(lambda notice: plans.append(notice.message_primary or ""))
        connection.execute(sql.encode(), parameters)
        connection.rollback()
    assert plans
    return "\n".join(plan.partition("plan:\n")[2] for plan in plans)


def pages(plan: str) -> int:
    """How many pages of eight kilobytes were touched, by the plan that touched the most."""
    return max(
        sum(map(int, re.findall(r"(?:hit|read)=(\d+)", line)))
        for line in re.findall(r"Buffers: shared (.*)", plan)
    )


def is_looked_up(plan: str, *, within: int) -> None:
    for name in TABLES:
        assert f"Seq Scan on {name}" not in plan, plan
    assert pages(plan) <= within, plan


def middle(sort: Sort, address: PostgresAddress) -> Cursor:
    column = "name_key" if sort is Sort.NAME else sort.field
    ((key, id_),) = execute(
        address,
        f"SELECT {column}, id FROM profiles WHERE deleted_at IS NULL"  # noqa: S608
        f" ORDER BY {column} OFFSET {ROWS // 2} LIMIT 1",
    )
    return Cursor(sort, key, id_)


@pytest.mark.campaign
@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("deep", [False, True])
def test_a_page_reads_an_index_from_its_place(
    full: PostgresAddress, sort: Sort, deep: bool
) -> None:
    query = Query(sort=sort, limit=100, after=middle(sort, full) if deep else None)
    plan = explained(full, *statement(query))
    assert INDEXES[sort.field] in plan
    assert "rows=101 " in plan
    assert "Rows Removed" not in plan
    if deep:
        assert "Index Cond: (ROW(" in plan
    is_looked_up(plan, within=400)


@pytest.mark.campaign
def test_emails_and_ids_are_looked_up(full: PostgresAddress) -> None:
    plan = explained(full, profiles_module._BY_EMAIL, ("p5@example.net",))
    assert "profiles_email" in plan
    is_looked_up(plan, within=4)
    ids = [id_ for (id_,) in execute(full, "SELECT id FROM profiles ORDER BY id LIMIT 100")]
    plan = explained(full, profiles_module._BY_ID, (ids,))
    assert "profiles_pkey" in plan
    is_looked_up(plan, within=500)


@pytest.mark.campaign
@pytest.mark.parametrize("sort", Sort)
def test_a_text_is_looked_up_by_its_trigrams(full: PostgresAddress, sort: Sort) -> None:
    plan = explained(full, *statement(Query(q="p4242@exam", count=Count.EXACT, sort=sort)))
    assert "Bitmap Index Scan on profiles_text" in plan
    is_looked_up(plan, within=5_000)  # such trigrams as "@ex" are in every row


@pytest.mark.campaign
@pytest.mark.parametrize("before", [END, OFTEN // 2, 78])
def test_the_history_of_one_is_looked_up(full: PostgresAddress, before: int) -> None:
    ((id_,),) = execute(full, "SELECT profile_id FROM events WHERE position = 77")
    plan = explained(full, log_module._HISTORY, (id_, id_, before, 100))
    assert "events_of_profile" in plan
    is_looked_up(plan, within=110)


@pytest.mark.campaign
@pytest.mark.parametrize("after", [0, ROWS // 2, ROWS + OFTEN - 10, ROWS + OFTEN])
def test_the_log_is_read_from_its_place(full: PostgresAddress, after: int) -> None:
    plan = explained(full, log_module._READ, {"after": after, "limit": 100})
    assert "events_pkey" in plan
    is_looked_up(plan, within=150)  # those of the catalogue, for the era, among them
    is_looked_up(explained(full, log_module._POSITION, (0,)), within=6)


@pytest.mark.campaign
@pytest.mark.parametrize("after", [0, ROWS // 2, ROWS - 10, ROWS])
def test_the_ends_of_tasks_are_read_from_their_place(full: PostgresAddress, after: int) -> None:
    plan = explained(full, endings_module._READ, {"after": after, "limit": 100})
    assert "endings_pkey" in plan
    is_looked_up(plan, within=20)
    is_looked_up(explained(full, endings_module._POSITION, (0,)), within=6)


@pytest.mark.campaign
@pytest.mark.parametrize("module", [log_module, endings_module])
def test_no_plan_of_a_read_is_compiled(full: PostgresAddress, module: ModuleType) -> None:
    """As one that is taken for millions of rows would be, for longer than it runs."""
    plan = explained(full, module._READ, {"after": 0, "limit": 1_000})
    assert "rows=1000 " in plan
    assert "JIT:" not in plan


async def test_nothing_is_compiled(opened: PostgresDatabase) -> None:
    """Also of what was estimated wrongly elsewhere."""
    assert await opened.fetch("SHOW jit", ()) == [("off",)]


@pytest.mark.campaign
def test_a_portion_is_trimmed_and_purged_by_indexes(full: PostgresAddress) -> None:
    """It costs what is in the portion, and not what is in the table."""
    at_once = TRIMMED_AT_ONCE
    for trim in (log_module._TRIM, endings_module._TRIM):
        plan = explained(full, trim.sql, (at_once, END))
        assert f"rows={at_once} " in plan
        is_looked_up(plan, within=8 * at_once)
    at_once = profiles_module.PURGED_AT_ONCE
    plan = explained(full, profiles_module._PURGE, (END, at_once))
    assert "profiles_tombstones" in plan
    assert "events_of_profile" in plan
    is_looked_up(plan, within=100 * at_once)
    at_once = profiles_module.BARED_AT_ONCE
    plan = explained(full, profiles_module._ERASE, ([new_id()], at_once))
    assert "events_of_profile" in plan
    is_looked_up(plan, within=1_000)  # those of the catalogue among them


@pytest.mark.campaign
def test_a_portion_of_tasks_is_looked_through(full: PostgresAddress) -> None:
    """In order of their ids, from any place."""
    at_once = tasks_module.LOOKED_AT
    for after in (UUID(int=0), UUID(int=1 << 127)):
        plan = explained(full, tasks_module._MENTIONS, (str(new_id()), after, at_once))
        assert "tasks_pkey" in plan
        is_looked_up(plan, within=100 + 2 * at_once)
    ((id_,),) = execute(full, "SELECT id FROM tasks LIMIT 1")
    plan = explained(full, tasks_module._BLANK, {"id": id_, "payload": "{}"})
    is_looked_up(plan, within=200)


@pytest.mark.campaign
@pytest.mark.parametrize("many", [1, 1_000])
def test_a_write_looks_up_what_it_needs(full: PostgresAddress, many: int) -> None:
    some = person()
    changes: list[Change] = [created(person()) for _ in range(many)]
    if many == 1:
        changes = [created(some), updated(some, name="x"), deleted(updated(some).profile)]
    call = {"atomic": False, "changes": [row_of(change) for change in changes]}
    calls = msgspec.json.encode([call]).decode()
    plan = explained(full, "SELECT * FROM profilecore_write(%s::jsonb, 0)", (calls,))
    assert "profiles_email" in plan
    assert "profiles_pkey" in plan
    is_looked_up(plan, within=1_000 + 100 * len(changes))


@pytest.mark.campaign
@pytest.mark.parametrize("many", [1, 200])
def test_due_tasks_are_claimed_by_an_index(full: PostgresAddress, many: int) -> None:
    """Those of the highest priority first, of ten; and so is seen when the next one is due."""
    plan = explained(full, tasks_module._CLAIM, (many, 5_000_000))
    assert "tasks_due" in plan
    is_looked_up(plan, within=1_500 + 60 * many)


@pytest.mark.campaign
@pytest.mark.parametrize("status", [None, Status.SCHEDULED, Status.DEAD, Status.CANCELLED])
@pytest.mark.parametrize("type_", [None, "echo", "rare", "none"])
@pytest.mark.parametrize("deep", [False, True])
def test_a_page_of_tasks_reads_an_index_from_its_place(
    full: PostgresAddress, status: Status | None, type_: str | None, deep: bool
) -> None:
    after = UUID(int=1 << 127) if deep else None
    query = TaskQuery(limit=51, after=after, status=status, type=type_)
    plan = explained(full, *tasks_module.statement(query))
    is_looked_up(plan, within=2_000)


@pytest.mark.campaign
def test_tasks_are_counted_and_purged_by_indexes(full: PostgresAddress) -> None:
    execute(full, "VACUUM tasks")  # as it is done by itself; other tests here have changed rows
    plan = explained(full, tasks_module._BACKLOG, (tasks_module.COUNTED_MAX,))
    assert "tasks_of_status" in plan
    is_looked_up(plan, within=10_000)  # a part of the index for each hundred thousand it counts
    at_once = tasks_module.PURGED_AT_ONCE
    plan = explained(full, tasks_module._PURGE, (0, at_once))
    assert "tasks_ended" in plan
    is_looked_up(plan, within=100 + 20 * at_once)


def steps_are_looked_up(address: PostgresAddress, tasks: Sequence[Task]) -> None:
    """So many steps of tasks that are there, to the states of these."""
    many = len(tasks)
    ids = execute(address, "SELECT id FROM tasks WHERE status = 'queued' ORDER BY id LIMIT 128")
    plan = explained(address, writes_module._DATED, ([id_ for (id_,) in ids[:many]],))
    is_looked_up(plan, within=10 * many)
    at = datetime.now(UTC)
    running = [task.started(at, timedelta(seconds=30)) for task in tasks]
    for states in (running, [task.succeeded(at, task.fence, None) for task in running]):
        steps = [
            {"id": str(id_), "replaces": 1, **step_columns(task)}
            for (id_,), task in zip(ids, states, strict=False)
        ]
        plan = explained(address, writes_module._STEP, (encode_json(steps),))
        is_looked_up(plan, within=1_000 + 60 * many)


@pytest.mark.campaign
@pytest.mark.parametrize("many", [1, 128])
def test_tasks_are_added_and_stepped_by_their_ids(full: PostgresAddress, many: int) -> None:
    at = datetime.now(UTC)
    tasks = [Order(type="echo", unique_key=f"new {n}").task(at) for n in range(many)]
    rows = [{"id": str(task.id), **task_columns(task)} for task in tasks]
    is_looked_up(
        explained(full, writes_module._ADD, (encode_json(rows),)), within=1_000 + 60 * many
    )
    steps_are_looked_up(full, tasks)


def test_tasks_are_stepped_by_their_ids_where_they_are_few(address: PostgresAddress) -> None:
    """To read all of a small table is cheap once, and not for each group of steps."""
    execute(address, _TASKS.replace(str(ROWS), "10000"), "VACUUM ANALYZE tasks")
    at = datetime.now(UTC)
    steps_are_looked_up(address, [Order(type="echo").task(at) for _ in range(10)])


@pytest.mark.campaign
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
        execute(address, _FILL.replace(str(ROWS), "20000").replace("example.net", "example.org"))
        execute(
            address,
            "INSERT INTO events SELECT n, gen_random_uuid(), 'x', 1, '{}', 1"
            " FROM generate_series(1000, 20000) n",
            "SELECT pg_stat_force_next_flush()",
        )
        before = await use()
        assert await use() - before < 20 * 100, "of some 20,000 rows"


async def test_a_long_history_is_erased_in_portions(address: PostgresAddress) -> None:
    """It takes longer than a call may; what each of its owners did is told until the end."""
    heir, gone = "heir", person(owner="me")
    said = """
        INSERT INTO events SELECT 10000000 + n, %s, 'profile.updated', n, %s, 1,
            CASE n %% 3 WHEN 0 THEN 'me' WHEN 1 THEN 'heir' ELSE 'ops' END
        FROM generate_series(1, %s) n
    """
    async with using(address, statement_timeout=1.0) as database:
        profiles, log = PostgresProfiles(database), PostgresLog(database)
        await add(profiles, gone)
        given = updated(gone, actor="me", owner=heir)
        await write(profiles, given)
        with psycopg.connect(address.conninfo()) as connection:
            data = encode_data({"name": "Secret", "bio": "x" * 300, "owner": heir})
            connection.execute(said, (gone.id, data, 30_000))
        await write(profiles, deleted(given.profile))
        assert await profiles.erase([gone.id]) == 1
        assert await profiles.get([gone.id]) == {}
        position: int | None = None
        while page := await log.history(gone.id, position, 5_000):
            assert {(str(event.data), event.actor) for event in page} <= {
                ("{}", None),
                ("{}", "ops"),
            }
            position = page[-1].position
