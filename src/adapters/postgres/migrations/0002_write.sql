-- Where the era begins in which this server writes: a server that is promoted starts a new timeline.
CREATE FUNCTION profilecore_era() RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE 'this server is a replica' USING ERRCODE = 'read_only_sql_transaction';
    END IF;
    RETURN (('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint - 1) << 40;
END
$$;

-- What a server says of itself to whoever has to choose among several.
CREATE FUNCTION profilecore_standing(OUT writable boolean, OUT timeline bigint, OUT "position" bigint)
LANGUAGE plpgsql
AS $$
BEGIN
    writable := NOT pg_is_in_recovery();
    timeline := CASE WHEN writable THEN profilecore_era() >> 40 ELSE 0 END;
    SELECT coalesce(max(e.position), 0) INTO "position" FROM events e;
END
$$;

-- Create profiles that have no id and no email in common, and so do not depend on one another: as
-- profilecore_apply does, with one statement for all.
CREATE FUNCTION profilecore_create(creations jsonb, newest bigint)
RETURNS TABLE ("position" bigint, stored bigint, taken boolean)
LANGUAGE sql
AS $$
    WITH made AS (
        SELECT row_number() OVER () AS number, m.*,
            -- Each is looked up by itself, so that no plan reads the whole table.
            (SELECT p.version FROM profiles p WHERE p.id = m.id) AS stored,
            m.deleted_at IS NULL AND (
                SELECT count(*) > 0 FROM profiles p
                WHERE p.email_key = m.email_key AND p.deleted_at IS NULL AND p.id <> m.id
            ) AS taken
        FROM jsonb_to_recordset(creations) m (
            id uuid, name text, name_key text, email text, email_key text, bio text,
            image_urls text, owner text, version bigint, created_at bigint, updated_at bigint,
            deleted_at bigint, type text, data text, at bigint, actor text
        )
    ), kept AS (
        SELECT newest + row_number() OVER (ORDER BY number) AS "position", *
        FROM made WHERE stored IS NULL AND NOT taken
    ), profile AS (
        INSERT INTO profiles (
            id, name, name_key, email, email_key, bio, image_urls, owner, version,
            created_at, updated_at, deleted_at
        )
        SELECT id, name, name_key, email, email_key, bio, image_urls, owner, version,
            created_at, updated_at, deleted_at
        FROM kept
    ), event AS (
        INSERT INTO events (position, profile_id, type, version, data, at, actor)
        SELECT "position", id, type, version, data, at, actor FROM kept
    )
    SELECT kept."position", made.stored, made.taken
    FROM made LEFT JOIN kept USING (number) ORDER BY number
$$;

-- Apply changes in order, each as the row it shall make, the version it `replaces` and its event.
-- Gives one row for each: its position, or where it is refused none; the version that was stored;
-- whether another living profile has its email. Ends with the first refusal where asked to.
-- The caller holds the writers' lock, so that what is looked up here stays true.
--
-- Many creations are an import as a rule, and three times as fast at once as one by one.
CREATE FUNCTION profilecore_apply(changes jsonb, newest bigint, to_first_refusal boolean)
RETURNS TABLE ("position" bigint, stored bigint, taken boolean)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    change jsonb;
    made profiles;
BEGIN
    IF jsonb_array_length(changes) >= 20 THEN
        IF (
            SELECT bool_and(c->>'replaces' = '0')
                AND count(DISTINCT c->>'id' COLLATE "C") = count(*)
                AND count(DISTINCT c->>'email_key' COLLATE "C") = count(*)
            FROM jsonb_array_elements(changes) c
        ) THEN
            RETURN QUERY SELECT * FROM profilecore_create(changes, newest);
            RETURN;
        END IF;
    END IF;
    FOR change IN SELECT value FROM jsonb_array_elements(changes) LOOP
        made := jsonb_populate_record(NULL::profiles, change);
        SELECT p.version INTO stored FROM profiles p WHERE p.id = made.id;
        taken := made.deleted_at IS NULL AND EXISTS (
            SELECT FROM profiles p
            WHERE p.email_key = made.email_key AND p.deleted_at IS NULL AND p.id <> made.id
        );
        IF taken OR coalesce(stored, 0) <> (change->>'replaces')::bigint THEN
            "position" := NULL;
            RETURN NEXT;
            EXIT WHEN to_first_refusal;
            CONTINUE;
        END IF;
        INSERT INTO profiles (
            id, name, name_key, email, email_key, bio, image_urls, owner, version,
            created_at, updated_at, deleted_at
        ) VALUES (
            made.id, made.name, made.name_key, made.email, made.email_key, made.bio,
            made.image_urls, made.owner, made.version,
            made.created_at, made.updated_at, made.deleted_at
        )
        ON CONFLICT (id) DO UPDATE SET
            name = made.name, name_key = made.name_key,
            email = made.email, email_key = made.email_key,
            bio = made.bio, image_urls = made.image_urls, owner = made.owner,
            version = made.version, created_at = made.created_at,
            updated_at = made.updated_at, deleted_at = made.deleted_at;
        newest := newest + 1;
        INSERT INTO events (position, profile_id, type, version, data, at, actor)
        VALUES (
            newest, made.id, change->>'type', made.version, change->>'data',
            (change->>'at')::bigint, change->>'actor'
        );
        "position" := newest;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Writers take turns, from before they look until their commit can be seen. So what one finds is
-- what it writes on, and positions have no gaps and are in the order of commits: a reader that has
-- seen position n has seen all before it.
--
-- Plans are made for each change, because a connection keeps them: one that was made while the table
-- was small reads all of it when it has grown.
--
-- Positions go on in another era where this server was promoted since: what it did not have by then
-- may be known to others. A server that is behind what the caller has `known` was not told that
-- another has taken over.
--
-- `calls` is a list of {atomic, changes}. A call that is atomic is undone by its first refusal;
-- the others in the list are not. Gives the rows of profilecore_apply with the number of the call.
CREATE FUNCTION profilecore_write(calls jsonb, known bigint)
RETURNS TABLE (call integer, "position" bigint, stored bigint, taken boolean)
LANGUAGE plpgsql
SET lock_timeout = '1s'
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
DECLARE
    newest bigint := 0;
    one jsonb;
    found record;
BEGIN
    -- With one snapshot for the whole transaction it would not see what it waited for.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE 'profilecore_write needs READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM pg_advisory_xact_lock(5787213827046133101);
    SELECT greatest(coalesce(max(e.position), newest), profilecore_era()) INTO newest FROM events e;
    IF newest < known THEN
        RAISE 'this server is behind' USING ERRCODE = 'PC002';
    END IF;
    call := 0;
    FOR one IN SELECT value FROM jsonb_array_elements(calls) LOOP
        -- Without a parameter, which `newest` is here, a plan is kept all the same.
        SELECT greatest(coalesce(max(e.position), newest), newest) INTO newest FROM events e;
        IF NOT (one->>'atomic')::boolean THEN
            RETURN QUERY SELECT call, a.* FROM profilecore_apply(one->'changes', newest, false) a;
        ELSE
            BEGIN
                FOR found IN SELECT * FROM profilecore_apply(one->'changes', newest, true) LOOP
                    "position" := found."position";
                    stored := found.stored;
                    taken := found.taken;
                    RETURN NEXT;
                    EXIT WHEN "position" IS NULL;
                END LOOP;
                IF "position" IS NULL THEN
                    RAISE SQLSTATE 'PC001';
                END IF;
            EXCEPTION WHEN SQLSTATE 'PC001' THEN
                NULL;  -- what it did is undone; what it found is kept
            END;
        END IF;
        call := call + 1;
    END LOOP;
END
$$;

-- Remove some tombstones that are old enough, and what the log says of them; gives their number.
-- It takes its turn with the writers, so that none brings back what is on its way out.
CREATE FUNCTION profilecore_purge(deleted_before bigint, at_most integer) RETURNS integer
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
    DELETE FROM profiles WHERE id = ANY (gone);
    UPDATE events SET data = '{}' WHERE profile_id = ANY (gone) AND data <> '{}';
    RETURN coalesce(cardinality(gone), 0);
END
$$;
