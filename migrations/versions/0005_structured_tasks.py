"""structured tasks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import scripts

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

DUE_ORDER = "coalesce(due_at AT TIME ZONE 'UTC', due_date + interval '1 day', '{}infinity'::timestamp)"
OPEN = 'completed_at IS NULL AND deleted_at IS NULL'
OPEN_ORDERS = (
    ('position', 'position'),
    ('due', 'due_order'),
    ('due_desc', 'due_order_desc'),
    ('created', 'created_at'),
    ('updated', 'updated_at'),
    ('priority', 'priority'),
)


def upgrade() -> None:
    op.add_column('tasks', sa.Column('parent_id', sa.Uuid(), nullable=True), schema='tasktalk')
    op.create_foreign_key('fk_tasks_parent_id', 'tasks', 'tasks', ['user_id', 'parent_id'], ['user_id', 'id'], source_schema='tasktalk', referent_schema='tasktalk', ondelete='CASCADE')
    op.create_check_constraint('parent', 'tasks', 'parent_id <> id', schema='tasktalk')
    op.create_check_constraint('position', 'tasks', "position ~ '^[0-9a-f]*[1-9a-f]$' AND char_length(position) <= 64", schema='tasktalk')
    op.create_index('ix_tasks_parent', 'tasks', ['user_id', 'parent_id', 'position', 'id'], unique=False, schema='tasktalk', postgresql_where=sa.text('parent_id IS NOT NULL'))
    op.create_index('ix_tasks_deleted', 'tasks', ['deleted_at'], unique=False, schema='tasktalk', postgresql_where=sa.text('deleted_at IS NOT NULL'))
    op.drop_index('ix_tasks_position', table_name='tasks', schema='tasktalk', postgresql_where=sa.text('deleted_at IS NULL'))
    op.drop_index('ix_tasks_priority', table_name='tasks', schema='tasktalk', postgresql_where=sa.text('deleted_at IS NULL'))
    op.create_index('ix_tasks_position', 'tasks', ['user_id', 'position', 'id'], unique=False, schema='tasktalk')
    op.create_index('ix_tasks_priority', 'tasks', ['user_id', 'priority', 'id'], unique=False, schema='tasktalk')
    op.drop_index('ix_tasks_due', table_name='tasks', schema='tasktalk')
    op.drop_index('ix_tasks_due_desc', table_name='tasks', schema='tasktalk')
    op.drop_column('tasks', 'due_order', schema='tasktalk')
    op.add_column('tasks', sa.Column('due_order', sa.DateTime(), sa.Computed(DUE_ORDER.format(''), persisted=True), nullable=True), schema='tasktalk')
    op.add_column('tasks', sa.Column('due_order_desc', sa.DateTime(), sa.Computed(DUE_ORDER.format('-'), persisted=True), nullable=True), schema='tasktalk')
    op.create_index('ix_tasks_due', 'tasks', ['user_id', 'due_order', 'id'], unique=False, schema='tasktalk')
    op.create_index('ix_tasks_due_desc', 'tasks', ['user_id', 'due_order_desc', 'id'], unique=False, schema='tasktalk')
    for name, key in OPEN_ORDERS:
        op.create_index(f'ix_tasks_open_{name}', 'tasks', ['user_id', key, 'id'], unique=False, schema='tasktalk', postgresql_where=sa.text(OPEN))
    op.create_index('ix_tool_calls_status', 'tool_calls', ['user_id', 'status', 'id'], unique=False, schema='tasktalk')
    scripts.run_file("0005_up.sql")


def downgrade() -> None:
    scripts.run_file("0005_down.sql")
    op.drop_index('ix_tool_calls_status', table_name='tool_calls', schema='tasktalk')
    for name, _ in OPEN_ORDERS:
        op.drop_index(f'ix_tasks_open_{name}', table_name='tasks', schema='tasktalk', postgresql_where=sa.text(OPEN))
    op.drop_column('tasks', 'due_order_desc', schema='tasktalk')
    op.drop_column('tasks', 'due_order', schema='tasktalk')
    op.add_column('tasks', sa.Column('due_order', sa.DateTime(), sa.Computed("coalesce(due_at AT TIME ZONE 'UTC', due_date + interval '1 day')", persisted=True), nullable=True), schema='tasktalk')
    op.create_index('ix_tasks_due', 'tasks', ['user_id', sa.text("coalesce(due_order, 'infinity'::timestamp)"), 'id'], unique=False, schema='tasktalk')
    op.create_index('ix_tasks_due_desc', 'tasks', ['user_id', sa.text("coalesce(due_order, '-infinity'::timestamp)"), 'id'], unique=False, schema='tasktalk')
    op.drop_index('ix_tasks_priority', table_name='tasks', schema='tasktalk')
    op.drop_index('ix_tasks_position', table_name='tasks', schema='tasktalk')
    op.create_index('ix_tasks_priority', 'tasks', ['user_id', 'priority', 'id'], unique=False, schema='tasktalk', postgresql_where=sa.text('deleted_at IS NULL'))
    op.create_index('ix_tasks_position', 'tasks', ['user_id', 'position', 'id'], unique=False, schema='tasktalk', postgresql_where=sa.text('deleted_at IS NULL'))
    op.drop_index('ix_tasks_deleted', table_name='tasks', schema='tasktalk', postgresql_where=sa.text('deleted_at IS NOT NULL'))
    op.drop_index('ix_tasks_parent', table_name='tasks', schema='tasktalk', postgresql_where=sa.text('parent_id IS NOT NULL'))
    op.drop_constraint(op.f('ck_tasks_position'), 'tasks', schema='tasktalk', type_='check')
    op.drop_constraint(op.f('ck_tasks_parent'), 'tasks', schema='tasktalk', type_='check')
    op.drop_constraint('fk_tasks_parent_id', 'tasks', schema='tasktalk', type_='foreignkey')
    op.drop_column('tasks', 'parent_id', schema='tasktalk')
