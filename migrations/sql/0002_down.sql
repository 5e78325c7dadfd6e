-- What the first schema has no word for is told in its own: a turn that was cancelled or waits has failed, and calls of
-- the tool undo go (what they did to tasks stays, and so does its history).
ALTER TABLE tasktalk.turns DISABLE TRIGGER turn_steps;
ALTER TABLE tasktalk.tool_calls DISABLE TRIGGER tool_call_steps;
ALTER TABLE tasktalk.messages DISABLE TRIGGER messages_are_immutable;
DELETE FROM tasktalk.tool_calls WHERE tool_name = 'undo';
UPDATE tasktalk.tool_calls SET status = 'FAILED', error_code = 'INTERRUPTED', error_message = 'Not confirmed.'
    WHERE status = 'PENDING' AND asked_at IS NOT NULL;
UPDATE tasktalk.tool_calls SET error_code = 'INTERRUPTED'
    WHERE error_code IN ('NOT_UNDOABLE', 'NOT_RETRYABLE', 'ALREADY_DECIDED', 'REJECTED_BY_USER', 'CONFIRMATION_EXPIRED');
UPDATE tasktalk.turns SET status = 'FAILED', error_code = 'INTERRUPTED', error_message = 'Ended by its user.',
    error_retryable = false, finished_at = coalesce(finished_at, now())
    WHERE status IN ('CANCELLED', 'AWAITING_CONFIRMATION');
UPDATE tasktalk.turns SET error_code = 'INTERRUPTED'
    WHERE error_code IN ('NOT_UNDOABLE', 'NOT_RETRYABLE', 'ALREADY_DECIDED', 'REJECTED_BY_USER', 'CONFIRMATION_EXPIRED');
UPDATE tasktalk.messages SET finish_reason = 'ERROR' WHERE finish_reason = 'CANCELLED';
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE tasktalk.turns ENABLE TRIGGER turn_steps;
ALTER TABLE tasktalk.tool_calls ENABLE TRIGGER tool_call_steps;
ALTER TABLE tasktalk.messages ENABLE TRIGGER messages_are_immutable;

ALTER TABLE tasktalk.messages DROP CONSTRAINT ck_messages_finish_reason;
ALTER TABLE tasktalk.messages ADD CONSTRAINT ck_messages_finish_reason CHECK (
    finish_reason IS NULL OR finish_reason IN ('STOP', 'LENGTH', 'ERROR'));
ALTER TABLE tasktalk.turns DROP CONSTRAINT ck_turns_status;
ALTER TABLE tasktalk.turns ADD CONSTRAINT ck_turns_status CHECK (
    status IN ('QUEUED', 'RUNNING', 'COMPLETED', 'FAILED'));
ALTER TABLE tasktalk.turns DROP CONSTRAINT ck_turns_finished;
ALTER TABLE tasktalk.turns ADD CONSTRAINT ck_turns_finished CHECK (
    (status IN ('COMPLETED', 'FAILED')) = (finished_at IS NOT NULL));
ALTER TABLE tasktalk.turns DROP CONSTRAINT ck_turns_error_code;
ALTER TABLE tasktalk.turns ADD CONSTRAINT ck_turns_error_code CHECK (
    error_code IS NULL OR error_code IN ('INVALID', 'NOT_FOUND', 'TOO_LONG', 'CONVERSATION_INACTIVE', 'QUEUE_FULL',
    'VERSION_CONFLICT', 'IDEMPOTENCY_CONFLICT', 'RATE_LIMITED', 'QUOTA_EXCEEDED', 'ASSISTANT_UNAVAILABLE',
    'ASSISTANT_TIMEOUT', 'TOO_MANY_STEPS', 'INTERRUPTED', 'INTERNAL'));
ALTER TABLE tasktalk.tool_calls DROP CONSTRAINT ck_tool_calls_error_code;
ALTER TABLE tasktalk.tool_calls ADD CONSTRAINT ck_tool_calls_error_code CHECK (
    error_code IS NULL OR error_code IN ('INVALID', 'NOT_FOUND', 'TOO_LONG', 'CONVERSATION_INACTIVE', 'QUEUE_FULL',
    'VERSION_CONFLICT', 'IDEMPOTENCY_CONFLICT', 'RATE_LIMITED', 'QUOTA_EXCEEDED', 'ASSISTANT_UNAVAILABLE',
    'ASSISTANT_TIMEOUT', 'TOO_MANY_STEPS', 'INTERRUPTED', 'INTERNAL'));
ALTER TABLE tasktalk.tool_calls DROP CONSTRAINT ck_tool_calls_tool_name;
ALTER TABLE tasktalk.tool_calls ADD CONSTRAINT ck_tool_calls_tool_name CHECK (
    tool_name IN ('add_task', 'list_tasks', 'update_task', 'complete_task', 'delete_task', 'search_tasks',
    'categorize_tasks', 'reschedule_tasks'));
ALTER TABLE tasktalk.turns DROP CONSTRAINT ck_turns_notice;
ALTER TABLE tasktalk.settings DROP CONSTRAINT ck_settings_confirm;
REVOKE DELETE ON tasktalk.tool_call_tasks FROM tasktalk_app;

CREATE OR REPLACE FUNCTION tasktalk.check_turn_step() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'QUEUED' THEN
            RAISE EXCEPTION 'a turn starts QUEUED, not %', NEW.status USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN
            (('QUEUED', 'RUNNING'), ('QUEUED', 'FAILED'), ('RUNNING', 'QUEUED'), ('RUNNING', 'COMPLETED'),
             ('RUNNING', 'FAILED')) THEN
        RAISE EXCEPTION 'a turn can''t go from % to %', OLD.status, NEW.status USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

DROP FUNCTION tasktalk.release_leases(text[]);
DROP FUNCTION tasktalk.renew_leases(text, uuid[], double precision);
CREATE FUNCTION tasktalk.renew_leases(holder text, held uuid[], seconds double precision)
    RETURNS SETOF uuid
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    UPDATE turns SET lease_until = clock_timestamp() + make_interval(secs => seconds)
    WHERE id = ANY (held) AND status = 'RUNNING' AND lease_owner = holder
    RETURNING id
$$;

REVOKE ALL ON FUNCTION tasktalk.renew_leases(text, uuid[], double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tasktalk.renew_leases(text, uuid[], double precision) TO tasktalk_app;
CREATE OR REPLACE FUNCTION tasktalk.orphaned_turns(wanted integer, running_limit integer)
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
