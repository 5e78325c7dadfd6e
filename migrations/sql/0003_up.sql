-- Let go of changes logged before an instant: about `wanted` of all users' at most, and how many went. Under the lock of
-- a user's counter, which its writers take too, the counter is moved and the rows go: whoever sees the rows gone sees
-- `kept_from` past them. A log is shortened from its beginning only and up to the first row that stays. A counter that
-- somebody holds is left to the next round, so this waits for nobody and two that trim share the work.
CREATE FUNCTION tasktalk.trim_changes(before timestamptz, wanted integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
DECLARE
    held record;
    room bigint := wanted;
    stays bigint;
    up_to bigint;
    gone bigint;
    trimmed bigint := 0;
BEGIN
    FOR held IN
        SELECT c.user_id, c.seq, c.kept_from FROM change_counters c
        WHERE c.user_id IN (SELECT l.user_id FROM change_log l WHERE l.at < before ORDER BY l.at LIMIT wanted)
        FOR UPDATE SKIP LOCKED
    LOOP
        EXIT WHEN room <= 0;
        up_to := least(held.seq, held.kept_from + room);
        -- Times are those at which transactions began: a row may be younger than the one after it.
        SELECT l.seq INTO stays FROM change_log l
        WHERE l.user_id = held.user_id AND l.seq > held.kept_from AND l.seq <= up_to AND l.at >= before
        ORDER BY l.seq LIMIT 1;
        up_to := least(up_to, stays - 1);
        UPDATE change_counters c SET kept_from = up_to WHERE c.user_id = held.user_id AND c.kept_from < up_to;
        DELETE FROM change_log l WHERE l.user_id = held.user_id AND l.seq <= up_to;
        GET DIAGNOSTICS gone = ROW_COUNT;
        room := room - gone;
        trimmed := trimmed + gone;
    END LOOP;
    RETURN trimmed;
END
$$;

REVOKE ALL ON FUNCTION tasktalk.trim_changes(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tasktalk.trim_changes(timestamptz, integer) TO tasktalk_app;
