-- The images that were uploaded, as JSON: nothing but their ids is looked into here. Releases that do
-- not know them leave them as they are.
ALTER TABLE profiles ADD COLUMN images text NOT NULL DEFAULT '[]';

-- Which profile uses which image, as their rows say.
CREATE TABLE image_uses (
    image_id text COLLATE "C" NOT NULL,
    profile_id uuid NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
    PRIMARY KEY (image_id, profile_id)
);
CREATE INDEX image_uses_of_profile ON image_uses (profile_id);

-- Whose files stay until then, used or not; or are being removed, where the holder is empty.
CREATE TABLE image_holds (
    image_id text COLLATE "C" NOT NULL,
    holder text COLLATE "C" NOT NULL,
    until bigint NOT NULL,
    PRIMARY KEY (image_id, holder)
);

-- Add tasks that are due at once, in the transaction that the caller is in.
CREATE FUNCTION profilecore_order(ordered jsonb) RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO tasks SELECT (jsonb_populate_record(NULL::tasks, o || jsonb_build_object(
        'run_at', at, 'due_at', at, 'created_at', at, 'updated_at', at
    ))).*
    FROM jsonb_array_elements(ordered) o, profilecore_now() at
    ON CONFLICT DO NOTHING
$$;

-- As in 0002, with images and with what is ordered. A change that begins to use an image is refused
-- where that is neither used nor held: it has no position then, and nothing else in its way.
CREATE OR REPLACE FUNCTION profilecore_apply(
    changes jsonb, newest bigint, to_first_refusal boolean
)
RETURNS TABLE ("position" bigint, stored bigint, taken boolean)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    change jsonb;
    made profiles;
    before text;
    gone boolean;
BEGIN
    IF jsonb_array_length(changes) >= 20 THEN
        IF (
            SELECT bool_and(
                    c->>'replaces' = '0' AND coalesce(c->>'images', '[]') = '[]' AND NOT c ? 'orders'
                )
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
        SELECT p.version, p.images INTO stored, before FROM profiles p WHERE p.id = made.id;
        made.images := coalesce(made.images, before, '[]');
        taken := made.deleted_at IS NULL AND EXISTS (
            SELECT FROM profiles p
            WHERE p.email_key = made.email_key AND p.deleted_at IS NULL AND p.id <> made.id
        );
        gone := made.images IS DISTINCT FROM coalesce(before, '[]') AND EXISTS (
            SELECT FROM jsonb_array_elements(made.images::jsonb) image
            WHERE NOT EXISTS (SELECT FROM image_uses u WHERE u.image_id = image->>0)
            AND NOT EXISTS (
                SELECT FROM image_holds h WHERE h.image_id = image->>0 AND h.holder <> ''
            )
        );
        IF taken OR gone OR coalesce(stored, 0) <> (change->>'replaces')::bigint THEN
            "position" := NULL;
            RETURN NEXT;
            EXIT WHEN to_first_refusal;
            CONTINUE;
        END IF;
        INSERT INTO profiles (
            id, name, name_key, email, email_key, bio, image_urls, images, owner, version,
            created_at, updated_at, deleted_at
        ) VALUES (
            made.id, made.name, made.name_key, made.email, made.email_key, made.bio,
            made.image_urls, made.images, made.owner, made.version,
            made.created_at, made.updated_at, made.deleted_at
        )
        ON CONFLICT (id) DO UPDATE SET
            name = made.name, name_key = made.name_key,
            email = made.email, email_key = made.email_key,
            bio = made.bio, image_urls = made.image_urls, images = made.images,
            owner = made.owner, version = made.version, created_at = made.created_at,
            updated_at = made.updated_at, deleted_at = made.deleted_at;
        IF made.images IS DISTINCT FROM coalesce(before, '[]') THEN
            DELETE FROM image_uses WHERE profile_id = made.id;
            INSERT INTO image_uses
            SELECT image->>0, made.id FROM jsonb_array_elements(made.images::jsonb) image;
        END IF;
        newest := newest + 1;
        INSERT INTO events (position, profile_id, type, version, data, at, actor)
        VALUES (
            newest, made.id, change->>'type', made.version, change->>'data',
            (change->>'at')::bigint, change->>'actor'
        );
        IF change ? 'orders' THEN
            PERFORM profilecore_order(change->'orders');
        END IF;
        "position" := newest;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Have the files of an image stay for `lease` microseconds; false where they are being removed. It
-- takes its turn with those who condemn.
CREATE FUNCTION profilecore_hold(image text, by_holder text, lease bigint) RETURNS boolean
LANGUAGE plpgsql
SET lock_timeout = '1s'
AS $$
DECLARE
    now bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(5787213827046133102);
    now := profilecore_now();
    PERFORM FROM image_holds h WHERE h.image_id = image AND h.holder = '' AND h.until > now;
    IF FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM image_holds h WHERE h.image_id = image AND h.holder = '';
    INSERT INTO image_holds VALUES (image, by_holder, now + lease)
    ON CONFLICT (image_id, holder) DO UPDATE SET until = excluded.until;
    RETURN true;
END
$$;

-- Those that are neither used nor held.
CREATE FUNCTION profilecore_unused(images text[]) RETURNS text[]
LANGUAGE sql
AS $$
    SELECT coalesce(array_agg(image), '{}') FROM unnest(images) image
    WHERE NOT EXISTS (SELECT FROM image_uses u WHERE u.image_id = image)
    AND NOT EXISTS (
        SELECT FROM image_holds h WHERE h.image_id = image AND h.until > profilecore_now()
    )
$$;

-- Condemn those for `lease` microseconds; NULL where somebody else does so with one of `images`. It
-- takes its turn with the writers, so that none begins to use one meanwhile, and with those who hold.
CREATE FUNCTION profilecore_condemn(images text[], lease bigint) RETURNS text[]
LANGUAGE plpgsql
SET lock_timeout = '1s'
AS $$
DECLARE
    now bigint;
    condemned text[];
BEGIN
    PERFORM pg_advisory_xact_lock(5787213827046133101);
    PERFORM pg_advisory_xact_lock(5787213827046133102);
    now := profilecore_now();
    PERFORM FROM image_holds h WHERE h.image_id = ANY (images) AND h.holder = '' AND h.until > now;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    DELETE FROM image_holds h WHERE h.until <= now AND h.holder <> '';
    condemned := profilecore_unused(images);
    INSERT INTO image_holds SELECT image, '', now + lease FROM unnest(condemned) image
    ON CONFLICT (image_id, holder) DO UPDATE SET until = excluded.until;
    RETURN condemned;
END
$$;
