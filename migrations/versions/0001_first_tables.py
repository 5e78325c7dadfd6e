"""first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

from migrations import scripts

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    scripts.run_file("0001_roles.sql")
    # The queue's own SQL names nothing with a schema; it makes its tables where the search_path points.
    scripts.run("SET LOCAL search_path = tasktalk")
    scripts.run(SchemaManager.get_schema())
    scripts.run("SET LOCAL search_path = pg_catalog")
    op.create_table('revoked_tokens',
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('octet_length(token_hash) = 32', name=op.f('ck_revoked_tokens_token_hash')),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_revoked_tokens')),
    schema='tasktalk'
    )
    op.create_index(op.f('ix_revoked_tokens_expires_at'), 'revoked_tokens', ['expires_at'], unique=False, schema='tasktalk')
    op.create_table('users',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("id ~ '^[A-Za-z0-9_-]{1,64}$'", name=op.f('ck_users_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    schema='tasktalk'
    )
    op.create_table('change_counters',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('epoch', sa.Uuid(), server_default=sa.text('gen_random_uuid()'), nullable=False),
    sa.Column('seq', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('kept_from', sa.BigInteger(), server_default='0', nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['tasktalk.users.id'], name=op.f('fk_change_counters_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_change_counters')),
    schema='tasktalk'
    )
    op.create_table('change_log',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('entity_id', sa.Uuid(), nullable=True),
    sa.Column('conversation_id', sa.Uuid(), nullable=True),
    sa.Column('action', sa.Text(), nullable=True),
    sa.Column('actor', sa.Text(), nullable=True),
    sa.Column('revision_id', sa.Uuid(), nullable=True),
    sa.Column('tool_call_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint("action IS NULL OR action IN ('CREATED', 'UPDATED', 'COMPLETED', 'REOPENED', 'DELETED', 'RESTORED')", name=op.f('ck_change_log_action')),
    sa.CheckConstraint("actor IS NULL OR actor IN ('USER', 'ASSISTANT', 'SYSTEM')", name=op.f('ck_change_log_actor')),
    sa.CheckConstraint("kind IN ('MESSAGE', 'CONVERSATION', 'TURN', 'TOOL_CALL', 'TASK', 'LABEL', 'SETTINGS')", name=op.f('ck_change_log_kind')),
    sa.ForeignKeyConstraint(['user_id'], ['tasktalk.users.id'], name=op.f('fk_change_log_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'seq', name=op.f('pk_change_log')),
    schema='tasktalk'
    )
    op.create_index('ix_change_log_conversation', 'change_log', ['user_id', 'conversation_id', 'seq'], unique=False, schema='tasktalk')
    op.create_table('conversations',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.Text(), server_default='', nullable=False),
    sa.Column('title_source', sa.Text(), server_default='AUTO', nullable=False),
    sa.Column('context', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_activity_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('idle_noted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('message_count', sa.Integer(), server_default='0', nullable=False),
    sa.Column('turn_count', sa.Integer(), server_default='0', nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=True),
    sa.Column('idempotency_digest', sa.LargeBinary(), nullable=True),
    sa.CheckConstraint("title_source IN ('AUTO', 'USER')", name=op.f('ck_conversations_title_source')),
    sa.CheckConstraint('char_length(title) <= 200', name=op.f('ck_conversations_title')),
    sa.ForeignKeyConstraint(['user_id'], ['tasktalk.users.id'], name=op.f('fk_conversations_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'id', name=op.f('pk_conversations')),
    schema='tasktalk'
    )
    op.create_index('ix_conversations_activity', 'conversations', ['user_id', 'last_activity_at', 'id'], unique=False, schema='tasktalk')
    op.create_index('ix_conversations_open', 'conversations', ['last_activity_at'], unique=False, schema='tasktalk', postgresql_where=sa.text('closed_at IS NULL'))
    op.create_index('uq_conversations_key', 'conversations', ['user_id', 'idempotency_key'], unique=True, schema='tasktalk', postgresql_where=sa.text('idempotency_key IS NOT NULL'))
    op.create_table('labels',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('name_key', sa.Text(), nullable=False),
    sa.Column('color', sa.Text(), nullable=True),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=True),
    sa.Column('idempotency_digest', sa.LargeBinary(), nullable=True),
    sa.CheckConstraint("color ~ '^#[0-9a-f]{6}$'", name=op.f('ck_labels_color')),
    sa.CheckConstraint('char_length(name) BETWEEN 1 AND 100', name=op.f('ck_labels_name')),
    sa.ForeignKeyConstraint(['user_id'], ['tasktalk.users.id'], name=op.f('fk_labels_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'id', name=op.f('pk_labels')),
    schema='tasktalk'
    )
    op.create_index('uq_labels_key', 'labels', ['user_id', 'idempotency_key'], unique=True, schema='tasktalk', postgresql_where=sa.text('idempotency_key IS NOT NULL'))
    op.create_index('uq_labels_name', 'labels', ['user_id', 'name_key'], unique=True, schema='tasktalk')
    op.create_table('settings',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('time_zone', sa.Text(), server_default='UTC', nullable=False),
    sa.Column('locale', sa.Text(), server_default='en', nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['tasktalk.users.id'], name=op.f('fk_settings_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_settings')),
    schema='tasktalk'
    )
    op.create_table('tasks',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due_date', sa.Date(), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('time_zone', sa.Text(), nullable=True),
    sa.Column('priority', sa.SmallInteger(), server_default='0', nullable=False),
    sa.Column('position', sa.Text(collation='C'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('idempotency_key', sa.Text(), nullable=True),
    sa.Column('idempotency_digest', sa.LargeBinary(), nullable=True),
    sa.Column('due_order', sa.DateTime(), sa.Computed("coalesce(due_at AT TIME ZONE 'UTC', due_date + interval '1 day')", persisted=True), nullable=True),
    sa.CheckConstraint('char_length(description) <= 10000', name=op.f('ck_tasks_description')),
    sa.CheckConstraint('char_length(title) BETWEEN 1 AND 500', name=op.f('ck_tasks_title')),
    sa.CheckConstraint('due_at IS NULL OR time_zone IS NOT NULL', name=op.f('ck_tasks_time_zone')),
    sa.CheckConstraint('due_date IS NULL OR due_at IS NULL', name=op.f('ck_tasks_due')),
    sa.CheckConstraint('priority BETWEEN 0 AND 4', name=op.f('ck_tasks_priority')),
    sa.ForeignKeyConstraint(['user_id'], ['tasktalk.users.id'], name=op.f('fk_tasks_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'id', name=op.f('pk_tasks')),
    schema='tasktalk'
    )
    op.create_index('ix_tasks_created', 'tasks', ['user_id', 'created_at', 'id'], unique=False, schema='tasktalk')
    op.create_index('ix_tasks_due_desc', 'tasks', ['user_id', sa.text("coalesce(due_order, '-infinity'::timestamp)"), 'id'], unique=False, schema='tasktalk')
    op.create_index('ix_tasks_due', 'tasks', ['user_id', sa.text("coalesce(due_order, 'infinity'::timestamp)"), 'id'], unique=False, schema='tasktalk')
    op.create_index('ix_tasks_position', 'tasks', ['user_id', 'position', 'id'], unique=False, schema='tasktalk', postgresql_where=sa.text('deleted_at IS NULL'))
    op.create_index('ix_tasks_priority', 'tasks', ['user_id', 'priority', 'id'], unique=False, schema='tasktalk', postgresql_where=sa.text('deleted_at IS NULL'))
    op.create_index('ix_tasks_updated', 'tasks', ['user_id', 'updated_at', 'id'], unique=False, schema='tasktalk')
    op.create_index('uq_tasks_key', 'tasks', ['user_id', 'idempotency_key'], unique=True, schema='tasktalk', postgresql_where=sa.text('idempotency_key IS NOT NULL'))
    op.create_table('usage',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('turns', sa.Integer(), server_default='0', nullable=False),
    sa.Column('model_calls', sa.Integer(), server_default='0', nullable=False),
    sa.Column('input_tokens', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('output_tokens', sa.BigInteger(), server_default='0', nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['tasktalk.users.id'], name=op.f('fk_usage_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'day', name=op.f('pk_usage')),
    schema='tasktalk'
    )
    op.create_table('user_limits',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('window_start', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('sends', sa.Integer(), server_default='0', nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['tasktalk.users.id'], name=op.f('fk_user_limits_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_user_limits')),
    schema='tasktalk'
    )
    op.create_table('messages',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('sender', sa.Text(), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('turn_id', sa.Uuid(), nullable=True),
    sa.Column('model', sa.Text(), nullable=True),
    sa.Column('finish_reason', sa.Text(), nullable=True),
    sa.Column('raw', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=True),
    sa.CheckConstraint("(sender = 'ASSISTANT') = (turn_id IS NOT NULL)", name=op.f('ck_messages_turn')),
    sa.CheckConstraint("finish_reason IS NULL OR finish_reason IN ('STOP', 'LENGTH', 'ERROR')", name=op.f('ck_messages_finish_reason')),
    sa.CheckConstraint("sender IN ('USER', 'ASSISTANT')", name=op.f('ck_messages_sender')),
    sa.CheckConstraint('char_length(content) BETWEEN 1 AND 10000', name=op.f('ck_messages_content')),
    sa.ForeignKeyConstraint(['user_id', 'conversation_id'], ['tasktalk.conversations.user_id', 'tasktalk.conversations.id'], name='fk_conversations_conversation_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'id', name=op.f('pk_messages')),
    schema='tasktalk'
    )
    op.create_index('uq_messages_key', 'messages', ['user_id', 'idempotency_key'], unique=True, schema='tasktalk', postgresql_where=sa.text('idempotency_key IS NOT NULL'))
    op.create_index('uq_messages_position', 'messages', ['user_id', 'conversation_id', 'position'], unique=True, schema='tasktalk')
    op.create_table('task_labels',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('task_id', sa.Uuid(), nullable=False),
    sa.Column('label_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['user_id', 'label_id'], ['tasktalk.labels.user_id', 'tasktalk.labels.id'], name='fk_labels_label_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id', 'task_id'], ['tasktalk.tasks.user_id', 'tasktalk.tasks.id'], name='fk_tasks_task_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'task_id', 'label_id', name=op.f('pk_task_labels')),
    schema='tasktalk'
    )
    op.create_index('ix_task_labels_label', 'task_labels', ['user_id', 'label_id', 'task_id'], unique=False, schema='tasktalk')
    op.create_table('task_revisions',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('task_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('tool_call_id', sa.Uuid(), nullable=True),
    sa.Column('changes', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("action IN ('CREATED', 'UPDATED', 'COMPLETED', 'REOPENED', 'DELETED', 'RESTORED')", name=op.f('ck_task_revisions_action')),
    sa.CheckConstraint("actor IN ('USER', 'ASSISTANT', 'SYSTEM')", name=op.f('ck_task_revisions_actor')),
    sa.ForeignKeyConstraint(['user_id', 'task_id'], ['tasktalk.tasks.user_id', 'tasktalk.tasks.id'], name='fk_tasks_task_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'id', name=op.f('pk_task_revisions')),
    schema='tasktalk'
    )
    op.create_index('ix_task_revisions_call', 'task_revisions', ['user_id', 'tool_call_id', 'id'], unique=False, schema='tasktalk')
    op.create_index('uq_task_revisions_version', 'task_revisions', ['user_id', 'task_id', 'version'], unique=True, schema='tasktalk')
    op.create_table('turns',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=False),
    sa.Column('reply_id', sa.Uuid(), nullable=True),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('attempt', sa.Integer(), server_default='0', nullable=False),
    sa.Column('time_zone', sa.Text(), nullable=False),
    sa.Column('lease_owner', sa.Text(), nullable=True),
    sa.Column('lease_number', sa.Integer(), server_default='0', nullable=False),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('intent', sa.Text(), nullable=True),
    sa.Column('confidence', sa.Float(), nullable=True),
    sa.Column('entities', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False),
    sa.Column('error_code', sa.Text(), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('error_retryable', sa.Boolean(), nullable=True),
    sa.Column('input_tokens', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('output_tokens', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('model_calls', sa.Integer(), server_default='0', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("(status = 'FAILED') = (error_code IS NOT NULL)", name=op.f('ck_turns_error')),
    sa.CheckConstraint("(status = 'RUNNING') = (lease_owner IS NOT NULL)", name=op.f('ck_turns_lease')),
    sa.CheckConstraint("(status IN ('COMPLETED', 'FAILED')) = (finished_at IS NOT NULL)", name=op.f('ck_turns_finished')),
    sa.CheckConstraint("error_code IS NULL OR error_code IN ('INVALID', 'NOT_FOUND', 'TOO_LONG', 'CONVERSATION_INACTIVE', 'QUEUE_FULL', 'VERSION_CONFLICT', 'IDEMPOTENCY_CONFLICT', 'RATE_LIMITED', 'QUOTA_EXCEEDED', 'ASSISTANT_UNAVAILABLE', 'ASSISTANT_TIMEOUT', 'TOO_MANY_STEPS', 'INTERRUPTED', 'INTERNAL')", name=op.f('ck_turns_error_code')),
    sa.CheckConstraint("intent IS NULL OR intent IN ('CREATE', 'UPDATE', 'DELETE', 'SEARCH', 'CATEGORIZE')", name=op.f('ck_turns_intent')),
    sa.CheckConstraint("status IN ('QUEUED', 'RUNNING', 'COMPLETED', 'FAILED')", name=op.f('ck_turns_status')),
    sa.ForeignKeyConstraint(['user_id', 'conversation_id'], ['tasktalk.conversations.user_id', 'tasktalk.conversations.id'], name='fk_conversations_conversation_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id', 'message_id'], ['tasktalk.messages.user_id', 'tasktalk.messages.id'], name='fk_messages_message_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'id', name=op.f('pk_turns')),
    schema='tasktalk'
    )
    op.create_index('ix_turns_leased', 'turns', ['id'], unique=False, schema='tasktalk', postgresql_where=sa.text("status = 'RUNNING'"))
    op.create_index('ix_turns_live', 'turns', ['status', 'lease_until'], unique=False, schema='tasktalk', postgresql_where=sa.text("status IN ('QUEUED', 'RUNNING')"))
    op.create_index('ix_turns_message', 'turns', ['user_id', 'message_id', 'number'], unique=False, schema='tasktalk')
    op.create_index('ix_turns_user_live', 'turns', ['user_id', 'status'], unique=False, schema='tasktalk', postgresql_where=sa.text("status IN ('QUEUED', 'RUNNING')"))
    op.create_index('uq_turns_number', 'turns', ['user_id', 'conversation_id', 'number'], unique=True, schema='tasktalk')
    op.create_index('uq_turns_running', 'turns', ['user_id', 'conversation_id'], unique=True, schema='tasktalk', postgresql_where=sa.text("status = 'RUNNING'"))
    op.create_table('drafts',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('turn_id', sa.Uuid(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['user_id', 'turn_id'], ['tasktalk.turns.user_id', 'tasktalk.turns.id'], name='fk_turns_turn_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'turn_id', name=op.f('pk_drafts')),
    schema='tasktalk'
    )
    op.create_table('rounds',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('turn_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('calls', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False),
    sa.Column('finish_reason', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['user_id', 'turn_id'], ['tasktalk.turns.user_id', 'tasktalk.turns.id'], name='fk_turns_turn_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'turn_id', 'number', name=op.f('pk_rounds')),
    schema='tasktalk'
    )
    op.create_table('tool_calls',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=False),
    sa.Column('turn_id', sa.Uuid(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('index', sa.Integer(), nullable=False),
    sa.Column('tool_name', sa.Text(), nullable=False),
    sa.Column('operation', sa.Text(), nullable=False),
    sa.Column('input_text', sa.Text(), nullable=False),
    sa.Column('parameters', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('answer', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('total_count', sa.Integer(), nullable=True),
    sa.Column('error_code', sa.Text(), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('executed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("(status = 'FAILED') = (error_code IS NOT NULL)", name=op.f('ck_tool_calls_error')),
    sa.CheckConstraint("error_code IS NULL OR error_code IN ('INVALID', 'NOT_FOUND', 'TOO_LONG', 'CONVERSATION_INACTIVE', 'QUEUE_FULL', 'VERSION_CONFLICT', 'IDEMPOTENCY_CONFLICT', 'RATE_LIMITED', 'QUOTA_EXCEEDED', 'ASSISTANT_UNAVAILABLE', 'ASSISTANT_TIMEOUT', 'TOO_MANY_STEPS', 'INTERRUPTED', 'INTERNAL')", name=op.f('ck_tool_calls_error_code')),
    sa.CheckConstraint("operation IN ('CREATE', 'UPDATE', 'DELETE', 'SEARCH', 'CATEGORIZE')", name=op.f('ck_tool_calls_operation')),
    sa.CheckConstraint("status IN ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED')", name=op.f('ck_tool_calls_status')),
    sa.CheckConstraint("tool_name IN ('add_task', 'list_tasks', 'update_task', 'complete_task', 'delete_task', 'search_tasks', 'categorize_tasks', 'reschedule_tasks')", name=op.f('ck_tool_calls_tool_name')),
    sa.CheckConstraint('char_length(input_text) > 0', name=op.f('ck_tool_calls_input_text')),
    sa.ForeignKeyConstraint(['user_id', 'conversation_id'], ['tasktalk.conversations.user_id', 'tasktalk.conversations.id'], name='fk_conversations_conversation_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id', 'message_id'], ['tasktalk.messages.user_id', 'tasktalk.messages.id'], name='fk_messages_message_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id', 'turn_id'], ['tasktalk.turns.user_id', 'tasktalk.turns.id'], name='fk_turns_turn_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'id', name=op.f('pk_tool_calls')),
    schema='tasktalk'
    )
    op.create_index('ix_tool_calls_conversation', 'tool_calls', ['user_id', 'conversation_id', 'id'], unique=False, schema='tasktalk')
    op.create_index('ix_tool_calls_message', 'tool_calls', ['user_id', 'message_id', 'round', 'index'], unique=False, schema='tasktalk')
    op.create_index('uq_tool_calls_place', 'tool_calls', ['user_id', 'turn_id', 'round', 'index'], unique=True, schema='tasktalk')
    op.create_table('tool_call_tasks',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('tool_call_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('task_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['user_id', 'task_id'], ['tasktalk.tasks.user_id', 'tasktalk.tasks.id'], name='fk_tasks_task_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id', 'tool_call_id'], ['tasktalk.tool_calls.user_id', 'tasktalk.tool_calls.id'], name='fk_tool_calls_tool_call_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'tool_call_id', 'position', name=op.f('pk_tool_call_tasks')),
    schema='tasktalk'
    )
    op.create_index('ix_tool_call_tasks_task', 'tool_call_tasks', ['user_id', 'task_id', 'tool_call_id'], unique=False, schema='tasktalk')
    for name in ("0001_guards.sql", "0001_functions.sql", "0001_row_security.sql"):
        scripts.run_file(name)


def downgrade() -> None:
    scripts.run_file("0001_down.sql")
