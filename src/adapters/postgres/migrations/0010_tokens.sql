-- API tokens: of the secret only its SHA-256; the scopes with spaces between them.
CREATE TABLE tokens (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    subject text NOT NULL,
    scopes text NOT NULL,
    digest bytea NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    used_at bigint
);
