"""recurrence and reminders"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import scripts

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('tasks', sa.Column('recurrence', sa.Text(), nullable=True), schema='tasktalk')
    op.add_column('tasks', sa.Column('recurrence_from', sa.Text(), server_default='DUE', nullable=False), schema='tasktalk')
    op.add_column('tasks', sa.Column('recurrence_time', sa.Time(), nullable=True), schema='tasktalk')
    op.add_column('tasks', sa.Column('remind_at', sa.DateTime(timezone=True), nullable=True), schema='tasktalk')
    op.add_column('tasks', sa.Column('remind_before', sa.Integer(), nullable=True), schema='tasktalk')
    op.add_column('tasks', sa.Column('snoozed_until', sa.DateTime(timezone=True), nullable=True), schema='tasktalk')
    op.add_column('tasks', sa.Column('reminded_for', sa.DateTime(timezone=True), nullable=True), schema='tasktalk')
    op.create_index('ix_tasks_reminder', 'tasks', [sa.literal_column('coalesce(snoozed_until, remind_at)')], unique=False, schema='tasktalk', postgresql_where=sa.text('coalesce(snoozed_until, remind_at) IS NOT NULL AND coalesce(snoozed_until, remind_at) IS DISTINCT FROM reminded_for AND completed_at IS NULL AND deleted_at IS NULL'))
    scripts.run_file("0004_up.sql")


def downgrade() -> None:
    scripts.run_file("0004_down.sql")
    op.drop_index('ix_tasks_reminder', table_name='tasks', schema='tasktalk', postgresql_where=sa.text('coalesce(snoozed_until, remind_at) IS NOT NULL AND coalesce(snoozed_until, remind_at) IS DISTINCT FROM reminded_for AND completed_at IS NULL AND deleted_at IS NULL'))
    op.drop_column('tasks', 'reminded_for', schema='tasktalk')
    op.drop_column('tasks', 'snoozed_until', schema='tasktalk')
    op.drop_column('tasks', 'remind_before', schema='tasktalk')
    op.drop_column('tasks', 'remind_at', schema='tasktalk')
    op.drop_column('tasks', 'recurrence_time', schema='tasktalk')
    op.drop_column('tasks', 'recurrence_from', schema='tasktalk')
    op.drop_column('tasks', 'recurrence', schema='tasktalk')
