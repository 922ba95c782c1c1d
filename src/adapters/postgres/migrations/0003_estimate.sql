-- How many living profiles the planner expects, of those whose name or email is like a pattern.
CREATE FUNCTION profilecore_estimate(name_like text, email_like text) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    plan json;
    filter text := '';
BEGIN
    IF name_like IS NOT NULL THEN
        filter := format(' AND (name_key LIKE %L OR email_key LIKE %L)', name_like, email_like);
    END IF;
    EXECUTE 'EXPLAIN (FORMAT JSON) SELECT FROM profiles WHERE deleted_at IS NULL' || filter
        INTO plan;
    RETURN (plan->0->'Plan'->>'Plan Rows')::bigint;
END
$$;
