-- The profiles of one owner, the newest first, without a look at those of others.
CREATE INDEX profiles_of_owner ON profiles (owner, created_at, id)
    WHERE owner IS NOT NULL AND deleted_at IS NULL;
