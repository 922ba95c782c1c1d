"""What became of tasks, kept by the database itself, and what must be true of it in the end."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from profilecore.adapters.postgres import PostgresAddress
from tests.support.postgres import execute

_TABLES: Final = (
    """CREATE TABLE attempts (
        task_id uuid NOT NULL, attempt integer NOT NULL, pid integer NOT NULL,
        at bigint NOT NULL DEFAULT profilecore_now()
    )""",
    """CREATE TABLE effects (
        task_id uuid PRIMARY KEY, attempt integer NOT NULL, pid integer NOT NULL,
        at bigint NOT NULL DEFAULT profilecore_now()
    )""",
    """CREATE TABLE history (
        number bigint GENERATED ALWAYS AS IDENTITY, task_id uuid NOT NULL, status text NOT NULL,
        fence bigint NOT NULL, run_at bigint NOT NULL, first_run_at bigint NOT NULL,
        at bigint NOT NULL
    )""",
    """CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO history (task_id, status, fence, run_at, first_run_at, at) SELECT
            NEW.id, NEW.status, NEW.fence, NEW.run_at,
            coalesce((SELECT min(first_run_at) FROM history WHERE task_id = NEW.id), NEW.run_at),
            profilecore_now();
        RETURN NEW;
    END $$""",
    "CREATE INDEX ON history (task_id)",
    "CREATE TRIGGER added AFTER INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION note()",
    """CREATE TRIGGER stepped AFTER UPDATE ON tasks FOR EACH ROW
        WHEN (OLD.status <> NEW.status OR OLD.fence <> NEW.fence) EXECUTE FUNCTION note()""",
)
_TASKS: Final = "SELECT id::text, status, attempt, fence, result::jsonb, errors FROM tasks"
_LATENESS: Final = """
    SELECT coalesce(max(at - history.run_at), 0) / 1e6 FROM history
    JOIN tasks ON tasks.id = task_id AND type = 'test.effect' WHERE history.status = 'running'
"""
_OPEN: Final = """
    SELECT id, status, attempt, fence, (due_at - profilecore_now()) / 1e6 AS due_in, errors, (
        SELECT json_agg(json_build_array(status, fence, (at - profilecore_now()) / 1e6)
            ORDER BY number)
        FROM history WHERE task_id = id
    ) FROM tasks WHERE due_at IS NOT NULL ORDER BY id LIMIT 10
"""
_EARLY: Final = """
    SELECT count(*) FROM history WHERE status = 'running' AND at < greatest(run_at, first_run_at)
"""


@dataclass(frozen=True)
class Figures:
    """Of a campaign: what is legal, and worth to be told."""

    tasks: int
    unknown: int
    attempts: int
    doubled: int

    def __str__(self) -> str:
        return (
            f"{self.tasks:,} tasks, {self.unknown:,} of them without a 202 that was seen;"
            f" {self.attempts:,} attempts, {self.doubled:,} of them further ones"
        )


class Ledger:
    """Every state that a task was in, every attempt and every effect, by the database's clock."""

    def __init__(self, address: PostgresAddress) -> None:
        self.address = address

    def open(self) -> None:
        execute(self.address, *_TABLES)

    def query(self, statement: str) -> list[tuple]:
        return execute(self.address, statement)

    def unfinished(self) -> int:
        return int(self.query("SELECT count(*) FROM tasks WHERE due_at IS NOT NULL")[0][0])

    def open_ends(self) -> str:
        """Some of those that have not ended, and how they got there, for who has to find out."""
        rows = self.query(_OPEN)
        return "\n".join(" ".join(map(str, row)) for row in rows)

    def lateness(self) -> float:
        """Of the effects that started last after they were due, in seconds."""
        return float(self.query(_LATENESS)[0][0])

    def clear(self) -> None:
        self.query("TRUNCATE tasks, attempts, effects, history")

    def check(self, seen: Collection[str]) -> Figures:
        """Fail unless each task has had its effect once, not early, and has ended well.

        `seen` are those whose 202 was seen; whatever else is there is judged in the same way.
        """
        tasks = {row[0]: row[1:] for row in self.query(_TASKS)}
        assert set(seen) <= tasks.keys(), f"lost: {set(seen) - tasks.keys()}"
        effects = {row[0] for row in self.query("SELECT task_id::text FROM effects")}
        attempts: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for task_id, number, pid in self.query("SELECT task_id::text, attempt, pid FROM attempts"):
            attempts[task_id].append((number, pid))
        history: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for task_id, status, fence in self.query(
            "SELECT task_id::text, status, fence FROM history ORDER BY number"
        ):
            history[task_id].append((status, fence))
        assert effects == tasks.keys(), "an effect is missing"
        for task_id, (status, attempt, fence, result, errors) in tasks.items():
            told = f"{task_id}: {status}, {result}, {errors}, {attempts[task_id]}"
            told = f"{told}, {history[task_id]}"
            counted = Counter(status for status, _ in history[task_id])
            starts = [fence for status, fence in history[task_id] if status == "running"]
            assert status == "succeeded", told
            assert counted["succeeded"] == 1, f"it has ended more than once: {told}"
            assert starts == list(range(1, fence + 1)), f"a fence was given twice: {told}"
            assert len(attempts[task_id]) <= len(starts), f"run without a start: {told}"
            assert result["attempt"] == attempt, f"a zombie's result was kept: {told}"
            assert (result["attempt"], result["pid"]) in attempts[task_id], told
        assert self.query(_EARLY) == [(0,)], "some have started before they were due"
        number = sum(map(len, attempts.values()))
        return Figures(len(tasks), len(tasks) - len(seen), number, number - len(tasks))

    def task(self, task_id: str) -> dict[str, Any]:
        """The row as it is."""
        ((row,),) = self.query(f"SELECT to_jsonb(tasks) FROM tasks WHERE id = '{task_id}'")  # noqa: S608
        return dict(row)

    def is_free(self, task_id: str) -> bool:
        """Whether anybody could claim it now."""
        ((free,),) = self.query(
            f"SELECT due_at <= profilecore_now() FROM tasks WHERE id = '{task_id}'"  # noqa: S608
        )
        return bool(free)
