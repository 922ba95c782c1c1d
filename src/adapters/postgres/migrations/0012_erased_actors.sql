-- As in 0005, and what the owner did to a profile is not said to be theirs any more: a subject names
-- a person. What others did to it stays theirs. Who owned it is in its row, and in what the log said.
CREATE OR REPLACE FUNCTION profilecore_forget(gone uuid[]) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    removed integer;
BEGIN
    UPDATE events e SET actor = NULL
    WHERE e.profile_id = ANY (gone) AND e.actor IS NOT NULL AND e.actor IN (
        SELECT p.owner FROM profiles p WHERE p.id = e.profile_id
        UNION ALL
        SELECT said.data::json->>'owner' FROM events said WHERE said.profile_id = e.profile_id
    );
    DELETE FROM profiles WHERE id = ANY (gone);
    GET DIAGNOSTICS removed = ROW_COUNT;
    UPDATE events SET data = '{}' WHERE profile_id = ANY (gone) AND data <> '{}';
    RETURN removed;
END
$$;
