-- Of what was done to profiles that are going, say no more that an owner of theirs did it: a subject
-- names a person. What others did stays theirs. Who owned one is in its row, and in what the log
-- says. Of at most so many events, or of all where that is NULL; gives their number.
CREATE FUNCTION profilecore_disown(gone uuid[], at_most integer) RETURNS integer
LANGUAGE sql
AS $$
    WITH owners AS (
        SELECT p.id, p.owner COLLATE "C" AS owner FROM profiles p WHERE p.id = ANY (gone)
        UNION
        SELECT e.profile_id, e.data::json->>'owner' COLLATE "C" FROM events e
        WHERE e.profile_id = ANY (gone) AND e.data <> '{}'
    ), theirs AS (
        SELECT e.position FROM events e
        JOIN owners o ON o.id = e.profile_id AND o.owner = e.actor COLLATE "C"
        WHERE e.profile_id = ANY (gone) LIMIT at_most
    ), disowned AS (
        UPDATE events SET actor = NULL WHERE position IN (SELECT * FROM theirs) RETURNING 1
    )
    SELECT count(*)::integer FROM disowned
$$;

-- Remove what the log says of profiles, in at most so many events, or in all; gives their number.
CREATE FUNCTION profilecore_bare(gone uuid[], at_most integer) RETURNS integer
LANGUAGE sql
AS $$
    WITH said AS (
        SELECT position FROM events WHERE profile_id = ANY (gone) AND data <> '{}' LIMIT at_most
    ), bared AS (
        UPDATE events SET data = '{}' WHERE position IN (SELECT * FROM said) RETURNING 1
    )
    SELECT count(*)::integer FROM bared
$$;

-- As in 0005, and what an owner did is nobody's.
CREATE OR REPLACE FUNCTION profilecore_forget(gone uuid[]) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    removed integer;
BEGIN
    PERFORM profilecore_disown(gone, NULL);  -- before what says who they are goes
    PERFORM profilecore_bare(gone, NULL);
    DELETE FROM profiles WHERE id = ANY (gone);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;

-- As profilecore_erase, in portions, because the history of one person may be longer than what a
-- call has time for: while there is `more`, none of the profiles is removed.
CREATE FUNCTION profilecore_erase_some(
    ids uuid[], at_most integer, OUT removed integer, OUT more boolean
)
LANGUAGE plpgsql
SET lock_timeout = '1s'
SET plan_cache_mode = 'force_custom_plan'
SET enable_seqscan = 'off'
AS $$
DECLARE
    gone uuid[];
BEGIN
    PERFORM pg_advisory_xact_lock(5787213827046133101);
    gone := ARRAY(
        SELECT id FROM unnest(ids) id
        EXCEPT
        SELECT p.id FROM profiles p WHERE p.id = ANY (ids) AND p.deleted_at IS NULL
    );
    removed := 0;
    more := profilecore_disown(gone, at_most) = at_most;
    IF NOT more THEN
        more := profilecore_bare(gone, at_most) = at_most;
    END IF;
    IF NOT more THEN
        removed := profilecore_forget(gone);
    END IF;
END
$$;
