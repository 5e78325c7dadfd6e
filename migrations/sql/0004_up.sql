ALTER TABLE tasktalk.tasks ADD CONSTRAINT ck_tasks_recurrence CHECK (char_length(recurrence) BETWEEN 1 AND 500);
ALTER TABLE tasktalk.tasks ADD CONSTRAINT ck_tasks_recurrence_due CHECK (
    recurrence IS NULL OR due_date IS NOT NULL OR due_at IS NOT NULL);
ALTER TABLE tasktalk.tasks ADD CONSTRAINT ck_tasks_recurrence_from CHECK (recurrence_from IN ('DUE', 'COMPLETION'));
ALTER TABLE tasktalk.tasks ADD CONSTRAINT ck_tasks_remind_before CHECK (remind_before BETWEEN 0 AND 527040);
ALTER TABLE tasktalk.tasks ADD CONSTRAINT ck_tasks_remind_due CHECK (
    remind_before IS NULL OR (due_at IS NOT NULL AND remind_at IS NOT NULL));
ALTER TABLE tasktalk.tasks ADD CONSTRAINT ck_tasks_snoozed_until CHECK (
    snoozed_until IS NULL OR remind_at IS NOT NULL);

-- Enums are text with a CHECK, so that a new value means a new CHECK.
ALTER TABLE tasktalk.change_log DROP CONSTRAINT ck_change_log_kind;
ALTER TABLE tasktalk.change_log ADD CONSTRAINT ck_change_log_kind CHECK (
    kind IN ('MESSAGE', 'CONVERSATION', 'TURN', 'TOOL_CALL', 'TASK', 'LABEL', 'SETTINGS', 'REMINDER'));
ALTER TABLE tasktalk.change_log DROP CONSTRAINT ck_change_log_action;
ALTER TABLE tasktalk.change_log ADD CONSTRAINT ck_change_log_action CHECK (
    action IS NULL OR action IN ('CREATED', 'UPDATED', 'COMPLETED', 'SKIPPED', 'REOPENED', 'DELETED', 'RESTORED'));
ALTER TABLE tasktalk.task_revisions DROP CONSTRAINT ck_task_revisions_action;
ALTER TABLE tasktalk.task_revisions ADD CONSTRAINT ck_task_revisions_action CHECK (
    action IN ('CREATED', 'UPDATED', 'COMPLETED', 'SKIPPED', 'REOPENED', 'DELETED', 'RESTORED'));
ALTER TABLE tasktalk.tool_calls DROP CONSTRAINT ck_tool_calls_tool_name;
ALTER TABLE tasktalk.tool_calls ADD CONSTRAINT ck_tool_calls_tool_name CHECK (
    tool_name IN ('add_task', 'list_tasks', 'update_task', 'complete_task', 'skip_occurrence', 'snooze_reminder',
    'delete_task', 'search_tasks', 'categorize_tasks', 'reschedule_tasks', 'undo'));

-- Tasks whose reminder is due by the database's clock and hasn't been fired.
CREATE FUNCTION tasktalk.due_reminders(wanted integer)
    RETURNS TABLE (user_id text, task_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    SELECT t.user_id, t.id FROM tasks t
    WHERE coalesce(t.snoozed_until, t.remind_at) <= statement_timestamp() -- which, being stable, an index can look for
      AND coalesce(t.snoozed_until, t.remind_at) IS DISTINCT FROM t.reminded_for
      AND t.completed_at IS NULL AND t.deleted_at IS NULL
    ORDER BY coalesce(t.snoozed_until, t.remind_at)
    LIMIT wanted
$$;

-- Enqueue "tell the webhook of this reminder" in the caller's transaction, which is the one that fires it.
CREATE FUNCTION tasktalk.deliver(task uuid, reminder timestamptz) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
DECLARE
    owner text := current_setting('app.user_id', true);
BEGIN
    IF NOT EXISTS (SELECT FROM tasks WHERE user_id = owner AND id = task) THEN
        RETURN;
    END IF;
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        'webhooks', 'deliver', 0, NULL, NULL,
        jsonb_build_object('user_id', owner, 'task_id', task, 'reminder', reminder),
        clock_timestamp()
    )::procrastinate_job_to_defer_v1]);
END
$$;

REVOKE ALL ON FUNCTION tasktalk.due_reminders(integer), tasktalk.deliver(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tasktalk.due_reminders(integer), tasktalk.deliver(uuid, timestamptz) TO tasktalk_app;
