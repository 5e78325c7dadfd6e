ALTER TABLE tasktalk.calendar_feeds ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON tasktalk.calendar_feeds TO tasktalk_app
    USING (user_id = (SELECT current_setting('app.user_id', true)))
    WITH CHECK (user_id = (SELECT current_setting('app.user_id', true)));
GRANT SELECT, INSERT, UPDATE, DELETE ON tasktalk.calendar_feeds TO tasktalk_app;

-- Whose feed it is that has a secret of this hash: whoever asks for one is nobody yet.
CREATE FUNCTION tasktalk.calendar_owner(hash bytea) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    SELECT f.user_id FROM calendar_feeds f WHERE f.secret_hash = hash
$$;

REVOKE ALL ON FUNCTION tasktalk.calendar_owner(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tasktalk.calendar_owner(bytea) TO tasktalk_app;
