"""Rows by the thousand for one user, in every table that a list reads: made in SQL, past triggers and foreign keys.

Of the tasks a tenth is open; each hundred has a parent of 40 subtasks. The first conversation holds all messages, turns
and calls, and the tenth task all further revisions. A few rows are rare at any size: a label, calls that wait.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

SHARED: Final = 10
"""The task with the long history."""

PARENT: Final = 50
"""A task with subtasks."""

COMMON, RARE = 1, 2
"""Labels: on every tenth task, and on twenty."""


def row_id(user: int, number: int) -> UUID:
    """The id of the row of that number, in whatever table, of the user of that number."""
    return UUID(f"01900000-{user:04x}-7000-8000-{number:012x}")


_ID: Final = "('01900000-:of-7000-8000-' || lpad(to_hex({}), 12, '0'))::uuid"
_I: Final = _ID.format("i")

_STATEMENTS: Final = (
    "INSERT INTO users (id) VALUES (:user)",
    "INSERT INTO settings (user_id) VALUES (:user) ON CONFLICT DO NOTHING",
    "INSERT INTO change_counters (user_id, seq) VALUES (:user, :size)"
    " ON CONFLICT (user_id) DO UPDATE SET seq = excluded.seq",
    f"""INSERT INTO tasks (user_id, id, title, completed_at, due_date, due_at, time_zone, priority, parent_id, position,
        created_at, updated_at, deleted_at)
        SELECT :user, {_I}, 'Task ' || i || ' of word' || i % 97,
            CASE WHEN i % 10 <> 0 THEN now() END,
            CASE WHEN i % 3 = 1 THEN current_date + (i * 7919) % 730 - 365 END,
            CASE WHEN i % 3 = 2 THEN now() + make_interval(hours => (i * 7919) % 17520 - 8760) END,
            CASE WHEN i % 3 = 2 THEN 'UTC' END,
            CASE WHEN i / 3 % 20 = 0 THEN 4 ELSE i / 3 % 3 END,
            CASE WHEN i % 100 BETWEEN 51 AND 90 THEN {_ID.format("i - i % 100 + 50")} END,
            '8' || lpad(to_hex(i), 8, '0') || '8',
            now() - make_interval(mins => :size - i), now() - make_interval(secs => (i * 7919) % 100000),
            CASE WHEN i % 50 = 1 THEN now() END
        FROM generate_series(1, :size) i""",
    f"""INSERT INTO labels (user_id, id, name, name_key)
        SELECT :user, {_I}, 'Label ' || i, 'label ' || i FROM generate_series(1, 30) i""",
    f"""INSERT INTO task_labels (user_id, task_id, label_id)
        SELECT :user, {_I}, {_ID.format(COMMON)} FROM generate_series(1, :size) i WHERE i % 10 = 3
        UNION ALL
        SELECT :user, {_ID.format("i * (:size / 20)")}, {_ID.format(RARE)} FROM generate_series(1, 20) i""",
    f"""INSERT INTO task_revisions (user_id, id, task_id, version, action, actor, tool_call_id, changes, at)
        SELECT :user, {_I}, {_I}, 1, 'CREATED', 'ASSISTANT', {_I}, '[]'::jsonb, now() FROM generate_series(1, :size) i
        UNION ALL
        SELECT :user, {_ID.format("i + :size")}, {_ID.format(SHARED)}, i + 1, 'UPDATED', 'USER', NULL::uuid,
            '[]'::jsonb, now()
        FROM generate_series(1, :size) i""",
    f"""INSERT INTO conversations (user_id, id, title, created_at, updated_at, last_activity_at, closed_at)
        SELECT :user, {_I}, 'Talk ' || i, now(), now(), now() - make_interval(mins => i),
            CASE WHEN i % 5 = 0 THEN now() END
        FROM generate_series(1, :size) i""",
    f"""INSERT INTO messages (user_id, id, conversation_id, position, sender, content, created_at)
        SELECT :user, {_I}, {_ID.format(1)}, i, 'USER', 'Said ' || i, now() FROM generate_series(1, :size) i""",
    f"""INSERT INTO turns (user_id, id, conversation_id, message_id, number, status, time_zone, created_at, finished_at)
        SELECT :user, {_I}, {_ID.format(1)}, {_I}, i, 'COMPLETED', 'UTC', now(), now()
        FROM generate_series(1, :size) i""",
    f"""INSERT INTO tool_calls (user_id, id, conversation_id, message_id, turn_id, round, index, tool_name, operation,
        input_text, status, created_at)
        SELECT :user, {_I}, {_ID.format(1)}, {_I}, {_I}, 0, 0,
            (ARRAY['add_task', 'list_tasks', 'update_task'])[i % 3 + 1],
            (ARRAY['CREATE', 'SEARCH', 'UPDATE'])[i % 3 + 1], 'said',
            CASE WHEN i > :size - 3 THEN 'PENDING' ELSE 'COMPLETED' END, now()
        FROM generate_series(1, :size) i""",
    f"""INSERT INTO tool_call_tasks (user_id, tool_call_id, position, task_id)
        SELECT :user, {_I}, 0, {_I} FROM generate_series(1, :size) i
        UNION ALL
        SELECT :user, {_ID.format("i * (:size / 50)")}, 1, {_ID.format(SHARED)} FROM generate_series(1, 50) i""",
    f"""INSERT INTO change_log (user_id, seq, at, kind, entity_id, action, actor)
        SELECT :user, i, now(), CASE WHEN i % 3 = 0 THEN 'LABEL' ELSE 'TASK' END, {_I}, 'UPDATED', 'USER'
        FROM generate_series(1, :size) i""",
    # Of the tasks alone: rows of the other tables have the same ids.
    "SELECT search_write(:user, ARRAY(SELECT id FROM tasks WHERE user_id = :user), '{}', '{}')",
    "INSERT INTO search_positions (user_id, seq) VALUES (:user, :size)",
)


def name_of(user: int) -> str:
    return f"grown-{user}"


async def fill(owner: AsyncConnection, user: int, size: int) -> None:
    """All rows of a new user, who has that number. The connection is a superuser's."""
    await owner.execute(text("SET LOCAL session_replication_role = replica"))
    await owner.execute(text("SET LOCAL search_path = tasktalk, pg_catalog"))
    for statement in _STATEMENTS:
        of_user = statement.replace(":size", str(size)).replace(":of", f"{user:04x}").replace("::", "\\:\\:")
        await owner.execute(text(of_user), {"user": name_of(user)})


async def crowd(owner: AsyncConnection, size: int) -> None:
    """Users who have nothing but themselves."""
    await owner.execute(text("SET LOCAL search_path = tasktalk, pg_catalog"))
    for table, column in (("users", "id"), ("settings", "user_id"), ("change_counters", "user_id")):
        named = f"INSERT INTO {table} ({column}) SELECT 'quiet-' || i FROM generate_series(1, {size}) i"
        await owner.execute(text(named))


async def analyze(owner: AsyncConnection) -> None:
    """Let the planner know what the tables hold."""
    await owner.execute(text("ANALYZE"))
