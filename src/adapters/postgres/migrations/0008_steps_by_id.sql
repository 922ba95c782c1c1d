-- Bring tasks to their next state, as in 0004. The rows are few, and found one by one by their ids
-- whatever the size of the table: of one with some thousands all were read for each group of steps.
CREATE OR REPLACE FUNCTION profilecore_step_tasks(steps jsonb) RETURNS SETOF uuid
LANGUAGE sql
SET enable_seqscan = 'off'
SET enable_hashjoin = 'off'
SET enable_mergejoin = 'off'
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
