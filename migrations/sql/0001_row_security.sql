-- Row-level security on every table with an owner. Not FORCEd: the definer functions run as the owner and must see all;
-- every transaction of the program runs as tasktalk_app instead, which owns nothing.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'settings', 'user_limits', 'usage', 'conversations', 'messages', 'turns', 'rounds', 'drafts', 'tool_calls',
        'tool_call_tasks', 'tasks', 'labels', 'task_labels', 'task_revisions', 'change_counters', 'change_log'
    ] LOOP
        EXECUTE format('ALTER TABLE tasktalk.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_rows ON tasktalk.%I TO tasktalk_app'
            ' USING (user_id = (SELECT current_setting(''app.user_id'', true)))'
            ' WITH CHECK (user_id = (SELECT current_setting(''app.user_id'', true)))', name);
    END LOOP;
END
$$;

ALTER TABLE tasktalk.users ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_row ON tasktalk.users TO tasktalk_app
    USING (id = (SELECT current_setting('app.user_id', true)))
    WITH CHECK (id = (SELECT current_setting('app.user_id', true)));

GRANT USAGE ON SCHEMA tasktalk TO tasktalk_app;
GRANT SELECT ON TABLE tasktalk.alembic_version TO tasktalk_app;
GRANT SELECT, INSERT, UPDATE ON tasktalk.users, tasktalk.settings, tasktalk.user_limits, tasktalk.usage, tasktalk.turns,
    tasktalk.tool_calls, tasktalk.tasks, tasktalk.change_counters TO tasktalk_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON tasktalk.conversations, tasktalk.drafts, tasktalk.labels TO tasktalk_app;
GRANT SELECT, INSERT, DELETE ON tasktalk.task_labels, tasktalk.revoked_tokens TO tasktalk_app;
-- Rows of these never change, and go only with what they belong to.
GRANT SELECT, INSERT ON tasktalk.messages, tasktalk.rounds, tasktalk.tool_call_tasks, tasktalk.task_revisions,
    tasktalk.change_log TO tasktalk_app;
