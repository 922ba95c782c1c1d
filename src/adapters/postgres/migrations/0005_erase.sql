-- Remove profiles, and what the log says of them; gives how many there were. The caller holds the
-- writers' lock, and has chosen none that is alive.
CREATE FUNCTION profilecore_forget(gone uuid[]) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    removed integer;
BEGIN
    DELETE FROM profiles WHERE id = ANY (gone);
    GET DIAGNOSTICS removed = ROW_COUNT;
    UPDATE events SET data = '{}' WHERE profile_id = ANY (gone) AND data <> '{}';
    RETURN removed;
END
$$;

-- Remove some tombstones that are old enough; gives their number. It takes its turn with the
-- writers, so that none brings back what is on its way out.
CREATE OR REPLACE FUNCTION profilecore_purge(deleted_before bigint, at_most integer) RETURNS integer
LANGUAGE plpgsql
SET lock_timeout = '1s'
SET plan_cache_mode = 'force_custom_plan'
SET enable_seqscan = 'off'
AS $$
DECLARE
    gone uuid[];
BEGIN
    PERFORM pg_advisory_xact_lock(5787213827046133101);
    SELECT array_agg(id) INTO gone FROM (
        SELECT id FROM profiles WHERE deleted_at < deleted_before LIMIT at_most
    ) old;
    RETURN profilecore_forget(gone);
END
$$;

-- Remove those tombstones whatever their age, and what the log says of them and of those that have
-- gone before; gives how many there were. It takes its turn as profilecore_purge does.
CREATE FUNCTION profilecore_erase(ids uuid[]) RETURNS integer
LANGUAGE plpgsql
SET lock_timeout = '1s'
SET plan_cache_mode = 'force_custom_plan'
SET enable_seqscan = 'off'
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(5787213827046133101);
    RETURN profilecore_forget(ARRAY(
        SELECT id FROM unnest(ids) id
        EXCEPT
        SELECT p.id FROM profiles p WHERE p.id = ANY (ids) AND p.deleted_at IS NULL
    ));
END
$$;
