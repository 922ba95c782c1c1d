-- The one clock that dates all steps of tasks: that of this server.
CREATE FUNCTION profilecore_now() RETURNS bigint
LANGUAGE sql
AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
$$;

-- A task that has no due_at has ended. What was asked for and what was given are JSON as text:
-- nothing looks into them here.
CREATE TABLE tasks (
    id uuid PRIMARY KEY,
    type text COLLATE "C" NOT NULL,
    payload text NOT NULL,
    status text COLLATE "C" NOT NULL,
    priority smallint NOT NULL,
    run_at bigint NOT NULL,
    due_at bigint,
    attempt integer NOT NULL,
    max_attempts integer NOT NULL,
    unique_key text COLLATE "C",
    progress double precision,
    result text NOT NULL,
    errors text NOT NULL,
    started_at bigint,
    fence bigint NOT NULL,
    cancelling boolean NOT NULL,
    trace text NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
-- Rows change often and are found by what changed: their dead copies are cleared away early.
ALTER TABLE tasks SET (
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0.05
);
CREATE INDEX tasks_due ON tasks (priority, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX tasks_of_status ON tasks (status, id);
CREATE INDEX tasks_of_type ON tasks (type, id);
CREATE INDEX tasks_ended ON tasks (updated_at) WHERE due_at IS NULL;
CREATE UNIQUE INDEX tasks_key ON tasks (type, unique_key)
    WHERE unique_key IS NOT NULL AND due_at IS NOT NULL;

-- When the next task is due: one look into the index for each priority.
CREATE FUNCTION profilecore_next_due() RETURNS bigint
LANGUAGE sql
AS $$
    SELECT min(first.due_at) FROM generate_series(0, 9) p CROSS JOIN LATERAL (
        SELECT t.due_at FROM tasks t WHERE t.priority = p AND t.due_at IS NOT NULL
        ORDER BY t.due_at LIMIT 1
    ) first
$$;

-- Move up to `at_most` tasks that are due out of everybody's way for `lease` microseconds, those of
-- the highest priority first; of those that another process looks at just now none is waited for.
-- Gives what a dispatcher needs of each, in that order, and in every row how long it is until the
-- next is due; one row with that alone where there is nothing.
CREATE FUNCTION profilecore_claim(at_most integer, lease bigint) RETURNS TABLE (
    next_in bigint, id uuid, type text, status text, priority smallint, fence bigint,
    due_at bigint, trace text
)
LANGUAGE plpgsql
SET plan_cache_mode = 'force_custom_plan'
SET enable_seqscan = 'off'
AS $$
#variable_conflict use_column
DECLARE
    now bigint := profilecore_now();
    claimed uuid[] := '{}';
    found uuid[];
BEGIN
    FOR urgency IN REVERSE 9..0 LOOP
        SELECT coalesce(array_agg(due.id), '{}') INTO found FROM (
            SELECT t.id FROM tasks t WHERE t.priority = urgency AND t.due_at <= now
            ORDER BY t.due_at, t.id LIMIT at_most - cardinality(claimed)
            FOR UPDATE SKIP LOCKED
        ) due;
        claimed := claimed || found;
        EXIT WHEN cardinality(claimed) >= at_most;
    END LOOP;
    UPDATE tasks t SET due_at = now + lease, revision = revision + 1 WHERE t.id = ANY (claimed);
    next_in := profilecore_next_due() - now;
    IF next_in < 0 THEN  -- GREATEST would make 0 of NULL
        next_in := 0;
    END IF;
    IF cardinality(claimed) = 0 THEN
        RETURN NEXT;
        RETURN;
    END IF;
    RETURN QUERY SELECT next_in, t.id, t.type, t.status, t.priority, t.fence, t.due_at, t.trace
        FROM unnest(claimed) WITH ORDINALITY c (id, number) JOIN tasks t USING (id)
        ORDER BY c.number;
END
$$;

-- Add the tasks that are new; gives the ids of those that were. Of two with the same key the first
-- is added, and of those that another process adds at the same time, whichever is faster.
CREATE FUNCTION profilecore_add_tasks(added jsonb) RETURNS SETOF uuid
LANGUAGE sql
AS $$
    INSERT INTO tasks SELECT * FROM jsonb_populate_recordset(NULL::tasks, added)
    ON CONFLICT DO NOTHING RETURNING id
$$;

-- Bring tasks to their next state, each if it is still what that state was made from, and if no
-- other that is not finished has its key. Gives the ids of those that were.
CREATE FUNCTION profilecore_step_tasks(steps jsonb) RETURNS SETOF uuid
LANGUAGE sql
AS $$
    UPDATE tasks t SET
        status = s.status, priority = s.priority, run_at = s.run_at, due_at = s.due_at,
        attempt = s.attempt, progress = s.progress, result = s.result, errors = s.errors,
        started_at = s.started_at, fence = s.fence, cancelling = s.cancelling,
        revision = s.revision, updated_at = s.updated_at
    FROM jsonb_to_recordset(steps) s (
        id uuid, replaces bigint, status text, priority smallint, run_at bigint, due_at bigint,
        attempt integer, progress double precision, result text, errors text, started_at bigint,
        fence bigint, cancelling boolean, revision bigint, updated_at bigint
    )
    WHERE t.id = s.id AND t.revision = s.replaces AND (
        t.unique_key IS NULL OR t.due_at IS NOT NULL OR s.due_at IS NULL OR NOT EXISTS (
            SELECT FROM tasks twin
            WHERE twin.type = t.type AND twin.unique_key = t.unique_key
            AND twin.due_at IS NOT NULL AND twin.unique_key IS NOT NULL
        )
    )
    RETURNING t.id
$$;

-- How many tasks there are in each state that is not final, counted up to `counted_max`, and for
-- how many microseconds the oldest is due that has not started. What was claimed or postponed just
-- now is looked at again in some seconds, and is counted among those that are due.
CREATE FUNCTION profilecore_backlog(counted_max integer, OUT oldest bigint, OUT counts text)
LANGUAGE plpgsql
SET plan_cache_mode = 'force_custom_plan'
SET enable_seqscan = 'off'
AS $$
DECLARE
    now bigint := profilecore_now();
BEGIN
    SELECT greatest(0, now - coalesce(min(waiting.run_at), now)) INTO oldest FROM (
        SELECT soon.run_at FROM generate_series(0, 9) p CROSS JOIN LATERAL (
            SELECT t.run_at, t.status FROM tasks t
            WHERE t.priority = p AND t.due_at <= now + 15000000
            ORDER BY t.due_at LIMIT 1000
        ) soon WHERE soon.status = 'scheduled'
        UNION ALL
        (SELECT t.run_at FROM tasks t WHERE t.status = 'queued' LIMIT counted_max)
    ) waiting;
    SELECT json_object_agg(s.status, (
        SELECT count(*) FROM (
            SELECT FROM tasks t WHERE t.status = s.status LIMIT counted_max
        ) counted
    )) INTO counts FROM unnest(ARRAY['scheduled', 'queued', 'running']) s (status);
END
$$;

-- Forget some tasks that ended so long ago; gives their number.
CREATE FUNCTION profilecore_purge_tasks(older_than bigint, at_most integer) RETURNS integer
LANGUAGE sql
SET plan_cache_mode = 'force_custom_plan'
SET enable_seqscan = 'off'
AS $$
    WITH gone AS (
        DELETE FROM tasks WHERE id = ANY (ARRAY (
            SELECT id FROM tasks
            WHERE due_at IS NULL AND updated_at < (SELECT profilecore_now()) - older_than
            ORDER BY updated_at LIMIT at_most
        )) RETURNING 1
    )
    SELECT count(*)::integer FROM gone
$$;
