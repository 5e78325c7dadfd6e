-- Enums are text with a CHECK, so that a new value means a new CHECK.
ALTER TABLE tasktalk.messages DROP CONSTRAINT ck_messages_finish_reason;
ALTER TABLE tasktalk.messages ADD CONSTRAINT ck_messages_finish_reason CHECK (
    finish_reason IS NULL OR finish_reason IN ('STOP', 'LENGTH', 'CANCELLED', 'ERROR'));
ALTER TABLE tasktalk.turns DROP CONSTRAINT ck_turns_status;
ALTER TABLE tasktalk.turns ADD CONSTRAINT ck_turns_status CHECK (
    status IN ('QUEUED', 'RUNNING', 'AWAITING_CONFIRMATION', 'COMPLETED', 'FAILED', 'CANCELLED'));
ALTER TABLE tasktalk.turns DROP CONSTRAINT ck_turns_finished;
ALTER TABLE tasktalk.turns ADD CONSTRAINT ck_turns_finished CHECK (
    (status IN ('COMPLETED', 'FAILED', 'CANCELLED')) = (finished_at IS NOT NULL));
ALTER TABLE tasktalk.turns DROP CONSTRAINT ck_turns_error_code;
ALTER TABLE tasktalk.turns ADD CONSTRAINT ck_turns_error_code CHECK (
    error_code IS NULL OR error_code IN ('INVALID', 'NOT_FOUND', 'TOO_LONG', 'CONVERSATION_INACTIVE', 'QUEUE_FULL',
    'VERSION_CONFLICT', 'IDEMPOTENCY_CONFLICT', 'RATE_LIMITED', 'QUOTA_EXCEEDED', 'NOT_UNDOABLE', 'NOT_RETRYABLE',
    'ALREADY_DECIDED', 'REJECTED_BY_USER', 'CONFIRMATION_EXPIRED', 'ASSISTANT_UNAVAILABLE', 'ASSISTANT_TIMEOUT',
    'TOO_MANY_STEPS', 'INTERRUPTED', 'INTERNAL'));
ALTER TABLE tasktalk.tool_calls DROP CONSTRAINT ck_tool_calls_error_code;
ALTER TABLE tasktalk.tool_calls ADD CONSTRAINT ck_tool_calls_error_code CHECK (
    error_code IS NULL OR error_code IN ('INVALID', 'NOT_FOUND', 'TOO_LONG', 'CONVERSATION_INACTIVE', 'QUEUE_FULL',
    'VERSION_CONFLICT', 'IDEMPOTENCY_CONFLICT', 'RATE_LIMITED', 'QUOTA_EXCEEDED', 'NOT_UNDOABLE', 'NOT_RETRYABLE',
    'ALREADY_DECIDED', 'REJECTED_BY_USER', 'CONFIRMATION_EXPIRED', 'ASSISTANT_UNAVAILABLE', 'ASSISTANT_TIMEOUT',
    'TOO_MANY_STEPS', 'INTERRUPTED', 'INTERNAL'));
ALTER TABLE tasktalk.tool_calls DROP CONSTRAINT ck_tool_calls_tool_name;
ALTER TABLE tasktalk.tool_calls ADD CONSTRAINT ck_tool_calls_tool_name CHECK (
    tool_name IN ('add_task', 'list_tasks', 'update_task', 'complete_task', 'delete_task', 'search_tasks',
    'categorize_tasks', 'reschedule_tasks', 'undo'));
ALTER TABLE tasktalk.turns ADD CONSTRAINT ck_turns_notice CHECK (notice IS NULL OR notice IN ('RETRYING', 'FALLBACK'));
ALTER TABLE tasktalk.settings ADD CONSTRAINT ck_settings_confirm CHECK (
    confirm IN ('NEVER', 'DESTRUCTIVE', 'BULK_DESTRUCTIVE', 'ALWAYS'));

ALTER TABLE tasktalk.undone_calls ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON tasktalk.undone_calls TO tasktalk_app
    USING (user_id = (SELECT current_setting('app.user_id', true)))
    WITH CHECK (user_id = (SELECT current_setting('app.user_id', true)));
GRANT SELECT, INSERT ON tasktalk.undone_calls TO tasktalk_app;
-- What a waiting call would change gives way to what it did change.
GRANT DELETE ON tasktalk.tool_call_tasks TO tasktalk_app;

-- A turn whose calls wait for the user holds no worker; decided, it queues again before all that were said since.
CREATE OR REPLACE FUNCTION tasktalk.check_turn_step() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'QUEUED' THEN
            RAISE EXCEPTION 'a turn starts QUEUED, not %', NEW.status USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN
            (('QUEUED', 'RUNNING'), ('QUEUED', 'FAILED'), ('QUEUED', 'CANCELLED'),
             ('RUNNING', 'QUEUED'), ('RUNNING', 'AWAITING_CONFIRMATION'), ('RUNNING', 'COMPLETED'),
             ('RUNNING', 'FAILED'), ('RUNNING', 'CANCELLED'),
             ('AWAITING_CONFIRMATION', 'QUEUED'), ('AWAITING_CONFIRMATION', 'COMPLETED'),
             ('AWAITING_CONFIRMATION', 'FAILED'), ('AWAITING_CONFIRMATION', 'CANCELLED')) THEN
        RAISE EXCEPTION 'a turn can''t go from % to %', OLD.status, NEW.status USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

-- Turns that nobody works on: running under a lease that is over; waiting for a confirmation whose time is over; or
-- queued with no wake-up waiting, nothing running in their conversation and room under the user's limit (0: none).
CREATE OR REPLACE FUNCTION tasktalk.orphaned_turns(wanted integer, running_limit integer)
    RETURNS TABLE (user_id text, conversation_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    SELECT t.user_id, t.conversation_id FROM turns t
    WHERE t.status = 'RUNNING' AND t.lease_until < clock_timestamp()
    UNION
    SELECT t.user_id, t.conversation_id FROM turns t
    WHERE t.status = 'AWAITING_CONFIRMATION' AND t.confirm_until < clock_timestamp()
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

-- Renew the leases that a worker still holds, by the database's clock, and say which of them their users want stopped;
-- the turns that it holds no more are not returned.
DROP FUNCTION tasktalk.renew_leases(text, uuid[], double precision);
CREATE FUNCTION tasktalk.renew_leases(holder text, held uuid[], seconds double precision)
    RETURNS TABLE (turn_id uuid, cancelled boolean)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    UPDATE turns SET lease_until = clock_timestamp() + make_interval(secs => seconds)
    WHERE id = ANY (held) AND status = 'RUNNING' AND lease_owner = holder
    RETURNING id, cancel_requested_at IS NOT NULL
$$;

-- End the leases of workers that are known to be dead: whose turns these are.
CREATE FUNCTION tasktalk.release_leases(holders text[])
    RETURNS TABLE (user_id text, conversation_id uuid)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    UPDATE turns t SET lease_until = clock_timestamp() - interval '1 microsecond'
    WHERE t.status = 'RUNNING' AND t.lease_owner = ANY (holders)
    RETURNING t.user_id, t.conversation_id
$$;

REVOKE ALL ON FUNCTION tasktalk.renew_leases(text, uuid[], double precision), tasktalk.release_leases(text[])
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tasktalk.renew_leases(text, uuid[], double precision), tasktalk.release_leases(text[])
    TO tasktalk_app;
