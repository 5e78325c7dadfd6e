ALTER TABLE tasktalk.call_changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON tasktalk.call_changes TO tasktalk_app
    USING (user_id = (SELECT current_setting('app.user_id', true)))
    WITH CHECK (user_id = (SELECT current_setting('app.user_id', true)));
GRANT SELECT, INSERT ON tasktalk.call_changes TO tasktalk_app;

ALTER TABLE tasktalk.tool_calls DROP CONSTRAINT ck_tool_calls_tool_name;
ALTER TABLE tasktalk.tool_calls ADD CONSTRAINT ck_tool_calls_tool_name CHECK (
    tool_name IN ('add_task', 'list_tasks', 'update_task', 'complete_task', 'skip_occurrence', 'snooze_reminder',
    'delete_task', 'search_tasks', 'categorize_tasks', 'reschedule_tasks', 'list_labels', 'update_label',
    'delete_label', 'update_settings', 'undo'));
