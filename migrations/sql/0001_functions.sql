-- Work that the role can't do under its policies. Each runs as the owner, pins its search_path and gives out ids and
-- positions only.

-- Enqueue "wake this conversation" in the caller's transaction. A wake-up that still waits under the same lock name
-- will see what the caller wrote, so a duplicate is swallowed instead of ending the transaction. A later wake-up has a
-- lock name of its own: it must not swallow the ones for now.
CREATE FUNCTION tasktalk.wake(conversation uuid, after interval DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
DECLARE
    owner text := current_setting('app.user_id', true);
BEGIN
    IF NOT EXISTS (SELECT FROM conversations WHERE user_id = owner AND id = conversation) THEN
        RETURN;
    END IF;
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        'turns', 'wake', 0, NULL,
        CASE WHEN after IS NULL THEN 'wake:' ELSE 'later:' END || conversation,
        jsonb_build_object('user_id', owner, 'conversation_id', conversation),
        clock_timestamp() + after
    )::procrastinate_job_to_defer_v1]);
EXCEPTION
    WHEN unique_violation THEN NULL;
END
$$;

-- Turns that nobody works on: running under a lease that is over, or queued with no wake-up waiting, nothing running in
-- their conversation and room under the user's limit (0: none).
CREATE FUNCTION tasktalk.orphaned_turns(wanted integer, running_limit integer)
    RETURNS TABLE (user_id text, conversation_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    SELECT t.user_id, t.conversation_id FROM turns t
    WHERE t.status = 'RUNNING' AND t.lease_until < clock_timestamp()
    UNION
    SELECT t.user_id, t.conversation_id FROM turns t
    WHERE t.status = 'QUEUED'
      AND NOT EXISTS (SELECT FROM procrastinate_jobs j
                      WHERE j.queueing_lock = 'wake:' || t.conversation_id AND j.status = 'todo')
      AND NOT EXISTS (SELECT FROM turns r WHERE r.user_id = t.user_id AND r.conversation_id = t.conversation_id
                      AND r.status = 'RUNNING')
      AND (running_limit = 0 OR running_limit > (SELECT count(*) FROM turns r
                                                 WHERE r.user_id = t.user_id AND r.status = 'RUNNING'))
    LIMIT wanted
$$;

-- Renew the leases that a worker still holds, by the database's clock; the ids that it holds no more are not returned.
CREATE FUNCTION tasktalk.renew_leases(holder text, held uuid[], seconds double precision)
    RETURNS SETOF uuid
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    UPDATE turns SET lease_until = clock_timestamp() + make_interval(secs => seconds)
    WHERE id = ANY (held) AND status = 'RUNNING' AND lease_owner = holder
    RETURNING id
$$;

-- Where the logs of these users end.
CREATE FUNCTION tasktalk.positions(users text[])
    RETURNS TABLE (user_id text, epoch uuid, seq bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    SELECT c.user_id, c.epoch, c.seq FROM change_counters c WHERE c.user_id = ANY (users)
$$;

-- Open conversations that went idle since this was last noted in the log.
CREATE FUNCTION tasktalk.idle_conversations(quiet_since timestamptz, wanted integer)
    RETURNS TABLE (user_id text, conversation_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    SELECT c.user_id, c.id FROM conversations c
    WHERE c.closed_at IS NULL AND c.last_activity_at < quiet_since
      AND (c.idle_noted_at IS NULL OR c.idle_noted_at < c.last_activity_at)
    ORDER BY c.last_activity_at
    LIMIT wanted
$$;

REVOKE ALL ON FUNCTION tasktalk.wake(uuid, interval), tasktalk.orphaned_turns(integer, integer),
    tasktalk.renew_leases(text, uuid[], double precision), tasktalk.positions(text[]), tasktalk.idle_conversations(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tasktalk.wake(uuid, interval), tasktalk.orphaned_turns(integer, integer),
    tasktalk.renew_leases(text, uuid[], double precision), tasktalk.positions(text[]), tasktalk.idle_conversations(timestamptz, integer) TO tasktalk_app;
