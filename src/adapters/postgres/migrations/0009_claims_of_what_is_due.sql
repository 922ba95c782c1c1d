-- Claim tasks, as in 0004. Only the priorities of which some are due are looked into: to plan that for
-- all ten took more than to do it, at each look, also where nothing was due.
CREATE OR REPLACE FUNCTION profilecore_claim(at_most integer, lease bigint) RETURNS TABLE (
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
    urgency integer;
BEGIN
    FOR urgency IN
        SELECT p FROM generate_series(0, 9) p CROSS JOIN LATERAL (
            SELECT t.due_at FROM tasks t WHERE t.priority = p AND t.due_at IS NOT NULL
            ORDER BY t.due_at LIMIT 1
        ) first WHERE first.due_at <= now ORDER BY p DESC
    LOOP
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
