-- Times are microseconds since 1970: exact, in order, and with no session's time zone in between.
-- Keys are compared by code point (COLLATE "C"), as every other store does.

CREATE TABLE profiles (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    email text NOT NULL,
    email_key text COLLATE "C" NOT NULL,
    bio text NOT NULL,
    image_urls text NOT NULL,
    owner text,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE UNIQUE INDEX profiles_email ON profiles (email_key) WHERE deleted_at IS NULL;
CREATE INDEX profiles_created ON profiles (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX profiles_updated ON profiles (updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX profiles_name ON profiles (name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX profiles_tombstones ON profiles (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE events (
    position bigint PRIMARY KEY,
    profile_id uuid NOT NULL,
    type text NOT NULL,
    version bigint NOT NULL,
    data text NOT NULL,
    at bigint NOT NULL,
    actor text
);
CREATE INDEX events_of_profile ON events (profile_id, position);

CREATE TABLE log (trimmed bigint NOT NULL);
INSERT INTO log VALUES (0);

-- A text anywhere in a name or an email. The extension comes with PostgreSQL and may be made by a
-- database's owner; without it such a search reads all rows, and everything else is as it is.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX profiles_text ON profiles
        USING gin (name_key gin_trgm_ops, email_key gin_trgm_ops) WHERE deleted_at IS NULL;
EXCEPTION
    WHEN insufficient_privilege OR feature_not_supported OR undefined_file THEN
        RAISE NOTICE 'without pg_trgm a search for a text reads all rows: %', SQLERRM;
END
$$;
