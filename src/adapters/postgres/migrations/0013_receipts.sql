-- What is kept of writes, for those who ask for one again; marks say what became of each change: the
-- position of its event, or code, profile, the version it replaces and the one that was stored.
CREATE TABLE receipts (
    key bytea PRIMARY KEY,
    fingerprint bytea NOT NULL,
    until bigint NOT NULL,
    note text NOT NULL,
    marks text NOT NULL
);
CREATE INDEX receipts_until ON receipts (until);

-- What there is of a receipt that has not ended, as a list; NULL where there is nothing.
CREATE FUNCTION profilecore_kept(receipt jsonb) RETURNS text
LANGUAGE sql
AS $$
    SELECT json_build_array(encode(fingerprint, 'hex'), note, marks)::text FROM receipts
    WHERE key = decode(receipt->>'key', 'hex') AND until > profilecore_now()
$$;

-- Keep a receipt; false where that of somebody else is kept, who is waited for.
CREATE FUNCTION profilecore_keep(receipt jsonb, marks text) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    now bigint := profilecore_now();
BEGIN
    INSERT INTO receipts AS r VALUES (
        decode(receipt->>'key', 'hex'), decode(receipt->>'fingerprint', 'hex'),
        now + (receipt->>'lasts')::bigint, receipt->>'note', marks
    )
    ON CONFLICT (key) DO UPDATE SET
        fingerprint = excluded.fingerprint, until = excluded.until, note = excluded.note,
        marks = excluded.marks
    WHERE r.until <= now;
    RETURN FOUND;
END
$$;

-- As profilecore_write, for calls of which some have a receipt: one that was written before is not
-- looked at, and has a row with what is `kept` of it; of one that has an effect, or one with `always`,
-- it is kept now.
CREATE FUNCTION profilecore_write_once(calls jsonb, known bigint)
RETURNS TABLE (call integer, "position" bigint, stored bigint, taken boolean, kept text)
LANGUAGE plpgsql
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
DECLARE
    one jsonb;
    change jsonb;
    found record;
    number integer;
    written integer;
    code text;
    marks jsonb[];
BEGIN
    -- Takes the writers' turn, and looks whether this server may be written to.
    PERFORM profilecore_write('[]'::jsonb, known);
    call := 0;
    FOR one IN SELECT value FROM jsonb_array_elements(calls) LOOP
        kept := profilecore_kept(one->'receipt');
        IF kept IS NOT NULL THEN
            "position" := NULL;
            stored := NULL;
            taken := NULL;
            RETURN NEXT;
        ELSE
            number := 0;
            written := 0;
            marks := '{}';
            FOR found IN SELECT * FROM profilecore_write(jsonb_build_array(one), known) LOOP
                "position" := found."position";
                stored := found.stored;
                taken := found.taken;
                RETURN NEXT;
                IF "position" IS NOT NULL THEN
                    written := written + 1;
                    marks := marks || to_jsonb("position");
                ELSE
                    change := one->'changes'->number;
                    code := CASE
                        WHEN stored IS NOT NULL AND change->>'replaces' = '0' THEN 'id_taken'
                        WHEN coalesce(stored, 0) <> (change->>'replaces')::bigint
                            THEN 'stale_version'
                        WHEN taken THEN 'email_taken'
                        ELSE 'image_gone'
                    END;
                    marks := marks || jsonb_build_array(
                        code, change->'id', change->'replaces',
                        CASE WHEN code = 'stale_version' THEN stored END
                    );
                END IF;
                number := number + 1;
            END LOOP;
            -- An atomic call that ends with a refusal has written nothing.
            IF one ? 'receipt'
                AND (written > 0 OR (one->'receipt'->>'always')::boolean)
                AND (written = number OR NOT (one->>'atomic')::boolean)
            THEN
                PERFORM profilecore_keep(one->'receipt', to_jsonb(marks)::text);
            END IF;
        END IF;
        call := call + 1;
    END LOOP;
END
$$;

-- As profilecore_add_tasks, for tasks of which some have a receipt. Gives the ids of those that were
-- new, and of those that were added before, with what is `kept` of that. A task without a type could
-- not be made any more: it is only looked for.
--
-- Whoever adds the same at the same time is waited for, so that the order has to be the same.
CREATE FUNCTION profilecore_add_tasks_once(added jsonb) RETURNS TABLE (id uuid, kept text)
LANGUAGE plpgsql
SET lock_timeout = '1s'
AS $$
#variable_conflict use_column
DECLARE
    one jsonb;
BEGIN
    FOR one IN
        SELECT value FROM jsonb_array_elements(added)
        ORDER BY value->'receipt'->>'key' COLLATE "C" NULLS LAST
    LOOP
        id := (one->>'id')::uuid;
        kept := profilecore_kept(one->'receipt');
        IF kept IS NULL AND one ? 'type' THEN
            IF one ? 'receipt' AND NOT profilecore_keep(one->'receipt', '[]') THEN
                kept := profilecore_kept(one->'receipt');
            ELSE
                PERFORM profilecore_add_tasks(jsonb_build_array(one));
                IF FOUND THEN
                    RETURN NEXT;
                ELSE
                    DELETE FROM receipts WHERE key = decode(one->'receipt'->>'key', 'hex');
                END IF;
            END IF;
        END IF;
        IF kept IS NOT NULL THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

-- Forget some receipts that have ended; gives their number.
CREATE FUNCTION profilecore_purge_receipts(at_most integer) RETURNS integer
LANGUAGE sql
SET plan_cache_mode = 'force_custom_plan'
SET enable_seqscan = 'off'
AS $$
    WITH gone AS (
        DELETE FROM receipts WHERE key = ANY (ARRAY (
            SELECT key FROM receipts WHERE until <= (SELECT profilecore_now()) LIMIT at_most
        )) RETURNING 1
    )
    SELECT count(*)::integer FROM gone
$$;
