-- What the schema before has no word for is told in its own: an occurrence that was skipped is an update; reminders in
-- the log go (their users read everything again), and so do calls of the two tools (what they did to tasks stays).
DROP FUNCTION tasktalk.due_reminders(integer);
DROP FUNCTION tasktalk.deliver(uuid, timestamptz);
ALTER TABLE tasktalk.task_revisions DISABLE TRIGGER task_revisions_are_immutable;
ALTER TABLE tasktalk.change_log DISABLE TRIGGER change_log_is_immutable;
UPDATE tasktalk.task_revisions SET action = 'UPDATED' WHERE action = 'SKIPPED';
UPDATE tasktalk.change_log SET action = 'UPDATED' WHERE action = 'SKIPPED';
UPDATE tasktalk.change_counters c SET epoch = gen_random_uuid(), kept_from = seq
    WHERE EXISTS (SELECT FROM tasktalk.change_log l WHERE l.user_id = c.user_id AND l.kind = 'REMINDER');
DELETE FROM tasktalk.change_log l USING tasktalk.change_counters c WHERE c.user_id = l.user_id AND l.seq <= c.kept_from;
DELETE FROM tasktalk.tool_calls WHERE tool_name IN ('skip_occurrence', 'snooze_reminder');
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE tasktalk.task_revisions ENABLE TRIGGER task_revisions_are_immutable;
ALTER TABLE tasktalk.change_log ENABLE TRIGGER change_log_is_immutable;

ALTER TABLE tasktalk.change_log DROP CONSTRAINT ck_change_log_kind;
ALTER TABLE tasktalk.change_log ADD CONSTRAINT ck_change_log_kind CHECK (
    kind IN ('MESSAGE', 'CONVERSATION', 'TURN', 'TOOL_CALL', 'TASK', 'LABEL', 'SETTINGS'));
ALTER TABLE tasktalk.change_log DROP CONSTRAINT ck_change_log_action;
ALTER TABLE tasktalk.change_log ADD CONSTRAINT ck_change_log_action CHECK (
    action IS NULL OR action IN ('CREATED', 'UPDATED', 'COMPLETED', 'REOPENED', 'DELETED', 'RESTORED'));
ALTER TABLE tasktalk.task_revisions DROP CONSTRAINT ck_task_revisions_action;
ALTER TABLE tasktalk.task_revisions ADD CONSTRAINT ck_task_revisions_action CHECK (
    action IN ('CREATED', 'UPDATED', 'COMPLETED', 'REOPENED', 'DELETED', 'RESTORED'));
ALTER TABLE tasktalk.tool_calls DROP CONSTRAINT ck_tool_calls_tool_name;
ALTER TABLE tasktalk.tool_calls ADD CONSTRAINT ck_tool_calls_tool_name CHECK (
    tool_name IN ('add_task', 'list_tasks', 'update_task', 'complete_task', 'delete_task', 'search_tasks',
    'categorize_tasks', 'reschedule_tasks', 'undo'));
SET LOCAL search_path = tasktalk; -- the queue's own triggers name nothing with a schema
DELETE FROM procrastinate_jobs WHERE queue_name = 'webhooks';
SET LOCAL search_path = pg_catalog;
ALTER TABLE tasktalk.tasks DROP CONSTRAINT ck_tasks_recurrence, DROP CONSTRAINT ck_tasks_recurrence_due,
    DROP CONSTRAINT ck_tasks_recurrence_from, DROP CONSTRAINT ck_tasks_remind_before,
    DROP CONSTRAINT ck_tasks_remind_due, DROP CONSTRAINT ck_tasks_snoozed_until;
