-- How tasks have ended, for those who follow that: a position is given in the order in which it can be
-- seen, as those of events are, and the newest row is never removed.
CREATE TABLE endings (
    position bigint PRIMARY KEY,
    task_id uuid NOT NULL,
    type text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    at bigint NOT NULL
);

-- Bring tasks to their next state, as in 0008; those that have succeeded, or are dead, are told of.
-- Who has such takes a turn with the others who do, before anything is held, until the commit: so
-- nobody sees a position before all that are smaller. What goes with them in one call waits too.
CREATE OR REPLACE FUNCTION profilecore_step_tasks(steps jsonb) RETURNS SETOF uuid
LANGUAGE plpgsql
SET lock_timeout = '1s'
SET plan_cache_mode = 'force_custom_plan'
SET enable_seqscan = 'off'
SET enable_hashjoin = 'off'
SET enable_mergejoin = 'off'
AS $$
#variable_conflict use_column
DECLARE
    newest bigint := 0;
BEGIN
    IF jsonb_path_exists(steps, '$[*] ? (@.status == "succeeded" || @.status == "dead")') THEN
        -- With one snapshot for the whole transaction it would not see what it waited for.
        IF current_setting('transaction_isolation') <> 'read committed' THEN
            RAISE 'profilecore_step_tasks needs READ COMMITTED'
                USING ERRCODE = 'invalid_transaction_state';
        END IF;
        PERFORM pg_advisory_xact_lock(5787213827046133103);
        SELECT greatest(max(e.position), profilecore_era()) INTO newest
        FROM endings e WHERE e.position > newest;
    END IF;
    RETURN QUERY WITH stepped AS (
        UPDATE tasks t SET
            status = s.status, priority = s.priority, run_at = s.run_at, due_at = s.due_at,
            attempt = s.attempt, progress = s.progress, result = s.result, errors = s.errors,
            started_at = s.started_at, fence = s.fence, cancelling = s.cancelling,
            revision = s.revision, updated_at = s.updated_at
        FROM jsonb_to_recordset(steps) s (
            id uuid, replaces bigint, status text, priority smallint, run_at bigint, due_at bigint,
            attempt integer, progress double precision, result text, errors text,
            started_at bigint, fence bigint, cancelling boolean, revision bigint, updated_at bigint
        )
        WHERE t.id = s.id AND t.revision = s.replaces AND (
            t.unique_key IS NULL OR t.due_at IS NOT NULL OR s.due_at IS NULL OR NOT EXISTS (
                SELECT FROM tasks twin
                WHERE twin.type = t.type AND twin.unique_key = t.unique_key
                AND twin.due_at IS NOT NULL AND twin.unique_key IS NOT NULL
            )
        )
        RETURNING t.id, t.type, t.status, t.updated_at
    ), told AS (
        INSERT INTO endings (position, task_id, type, status, at)
        SELECT newest + row_number() OVER (ORDER BY updated_at, id), id, type, status, updated_at
        FROM stepped WHERE status IN ('succeeded', 'dead')
    )
    SELECT id FROM stepped;
END
$$;

-- Last, because everybody reads it.
ALTER TABLE log ADD COLUMN endings_trimmed bigint NOT NULL DEFAULT 0;
