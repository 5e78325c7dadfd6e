-- Save the drafts of turns together, each under its lease: a row for each whose lease still stands. `saved` is false
-- where a transaction of the turn's own held its row just then.
CREATE FUNCTION tasktalk.save_drafts(
    users text[], turn_ids uuid[], owners text[], numbers integer[], attempts integer[], texts text[]
)
    RETURNS TABLE (turn_id uuid, saved boolean)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    WITH given AS (
        SELECT * FROM unnest(users, turn_ids, owners, numbers, attempts, texts)
            AS one (user_id, turn_id, owner, number, attempt, text)
    ), held AS (
        SELECT g.turn_id FROM given g JOIN turns t ON t.user_id = g.user_id AND t.id = g.turn_id
        WHERE t.status = 'RUNNING' AND t.lease_owner = g.owner AND t.lease_number = g.number
    ), locked AS (
        SELECT g.* FROM given g JOIN turns t ON t.user_id = g.user_id AND t.id = g.turn_id
        WHERE t.status = 'RUNNING' AND t.lease_owner = g.owner AND t.lease_number = g.number
        FOR NO KEY UPDATE OF t SKIP LOCKED
    ), saved AS (
        INSERT INTO drafts (user_id, turn_id, attempt, text)
        SELECT l.user_id, l.turn_id, l.attempt, l.text FROM locked l
        ON CONFLICT ON CONSTRAINT pk_drafts DO UPDATE SET attempt = excluded.attempt, text = excluded.text
        RETURNING drafts.turn_id
    )
    SELECT h.turn_id, EXISTS (SELECT 1 FROM saved s WHERE s.turn_id = h.turn_id) FROM held h
$$;

REVOKE ALL ON FUNCTION tasktalk.save_drafts(text[], uuid[], text[], integer[], integer[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tasktalk.save_drafts(text[], uuid[], text[], integer[], integer[], text[]) TO tasktalk_app;
