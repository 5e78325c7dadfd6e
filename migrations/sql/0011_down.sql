-- Calls of the tools that the schema before doesn't know go; what they did to labels and settings stays.
DELETE FROM tasktalk.tool_calls WHERE tool_name IN ('list_labels', 'update_label', 'delete_label', 'update_settings');
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE tasktalk.tool_calls DROP CONSTRAINT ck_tool_calls_tool_name;
ALTER TABLE tasktalk.tool_calls ADD CONSTRAINT ck_tool_calls_tool_name CHECK (
    tool_name IN ('add_task', 'list_tasks', 'update_task', 'complete_task', 'skip_occurrence', 'snooze_reminder',
    'delete_task', 'search_tasks', 'categorize_tasks', 'reschedule_tasks', 'undo'));
