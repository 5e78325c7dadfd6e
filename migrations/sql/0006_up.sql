ALTER TABLE tasktalk.settings ADD CONSTRAINT ck_settings_week_start CHECK (
    week_start IN ('MONDAY', 'SATURDAY', 'SUNDAY'));

-- Delete what belongs to the session's user, at most about `wanted` rows at a time, and last the user: how many rows
-- went, 0 once there is no such user. Its caller holds the user's row FOR UPDATE through all of it, so nobody adds to
-- what is deleted. Tables are found in the catalogue, those that refer to others before what they refer to: a later
-- one is covered without a word here, and few rows are left to the foreign keys, which delete one parent's at a time.
-- A job that a worker has just taken is that worker's to delete; until then it says nothing of whose it was.
CREATE FUNCTION tasktalk.erase_user(wanted integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
DECLARE
    owner text := current_setting('app.user_id', true);
    owned regclass;
    room bigint := wanted;
    gone bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM users WHERE id = owner) THEN
        RETURN 0;
    END IF;
    DELETE FROM procrastinate_jobs WHERE status = 'todo' AND args->>'user_id' = owner;
    UPDATE procrastinate_jobs SET args = '{}', queueing_lock = NULL WHERE args->>'user_id' = owner;
    FOR owned IN
        WITH RECURSIVE below AS (
            SELECT 'users'::regclass::oid AS id, 0 AS depth
            UNION
            SELECT c.conrelid, b.depth + 1 FROM below b
            JOIN pg_catalog.pg_constraint c ON c.contype = 'f' AND c.confrelid = b.id AND c.conrelid <> b.id
            WHERE b.depth < 20
        )
        SELECT b.id FROM below b WHERE b.depth > 0 GROUP BY b.id ORDER BY max(b.depth) DESC, b.id
    LOOP
        EXECUTE format('DELETE FROM %1$s WHERE ctid = ANY (ARRAY(SELECT ctid FROM %1$s WHERE user_id = $1 LIMIT $2))',
                       owned) USING owner, room;
        GET DIAGNOSTICS gone = ROW_COUNT;
        room := room - gone;
        IF room <= 0 THEN
            RETURN wanted;
        END IF;
    END LOOP;
    DELETE FROM users WHERE id = owner;
    RETURN wanted - room + 1;
END
$$;

REVOKE ALL ON FUNCTION tasktalk.erase_user(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tasktalk.erase_user(integer) TO tasktalk_app;
