-- A call that would complete a task with open subtasks asks what becomes of them.
ALTER TABLE tasktalk.turns DROP CONSTRAINT ck_turns_error_code;
ALTER TABLE tasktalk.turns ADD CONSTRAINT ck_turns_error_code CHECK (
    error_code IS NULL OR error_code IN ('INVALID', 'NOT_FOUND', 'TOO_LONG', 'CONVERSATION_INACTIVE', 'QUEUE_FULL',
    'VERSION_CONFLICT', 'IDEMPOTENCY_CONFLICT', 'RATE_LIMITED', 'QUOTA_EXCEEDED', 'OPEN_SUBTASKS',
    'NOT_UNDOABLE', 'NOT_RETRYABLE',
    'ALREADY_DECIDED', 'REJECTED_BY_USER', 'CONFIRMATION_EXPIRED', 'ASSISTANT_UNAVAILABLE', 'ASSISTANT_TIMEOUT',
    'TOO_MANY_STEPS', 'INTERRUPTED', 'INTERNAL'));
ALTER TABLE tasktalk.tool_calls DROP CONSTRAINT ck_tool_calls_error_code;
ALTER TABLE tasktalk.tool_calls ADD CONSTRAINT ck_tool_calls_error_code CHECK (
    error_code IS NULL OR error_code IN ('INVALID', 'NOT_FOUND', 'TOO_LONG', 'CONVERSATION_INACTIVE', 'QUEUE_FULL',
    'VERSION_CONFLICT', 'IDEMPOTENCY_CONFLICT', 'RATE_LIMITED', 'QUOTA_EXCEEDED', 'OPEN_SUBTASKS',
    'NOT_UNDOABLE', 'NOT_RETRYABLE',
    'ALREADY_DECIDED', 'REJECTED_BY_USER', 'CONFIRMATION_EXPIRED', 'ASSISTANT_UNAVAILABLE', 'ASSISTANT_TIMEOUT',
    'TOO_MANY_STEPS', 'INTERRUPTED', 'INTERNAL'));

-- Rows of tasks go once they were deleted for long enough.
GRANT DELETE ON tasktalk.tasks TO tasktalk_app;

-- Tasks that were deleted before an instant, the earliest first, and at most so many: whose they are, and their ids.
CREATE FUNCTION tasktalk.purgeable_tasks(before timestamptz, wanted integer)
    RETURNS TABLE (user_id text, task_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    SELECT t.user_id, t.id FROM tasks t WHERE t.deleted_at < before ORDER BY t.deleted_at LIMIT wanted
$$;

REVOKE ALL ON FUNCTION tasktalk.purgeable_tasks(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tasktalk.purgeable_tasks(timestamptz, integer) TO tasktalk_app;
