"""structured tasks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import scripts

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('tasks', sa.Column('parent_id', sa.Uuid(), nullable=True), schema='tasktalk')
    op.create_foreign_key('fk_tasks_parent_id', 'tasks', 'tasks', ['user_id', 'parent_id'], ['user_id', 'id'], source_schema='tasktalk', referent_schema='tasktalk', ondelete='CASCADE')
    op.create_check_constraint('parent', 'tasks', 'parent_id <> id', schema='tasktalk')
    op.create_check_constraint('position', 'tasks', "position ~ '^[0-9a-f]*[1-9a-f]$' AND char_length(position) <= 64", schema='tasktalk')
    op.create_index('ix_tasks_parent', 'tasks', ['user_id', 'parent_id', 'position', 'id'], unique=False, schema='tasktalk', postgresql_where=sa.text('parent_id IS NOT NULL'))
    op.create_index('ix_tasks_deleted', 'tasks', ['deleted_at'], unique=False, schema='tasktalk', postgresql_where=sa.text('deleted_at IS NOT NULL'))
    scripts.run_file("0005_up.sql")


def downgrade() -> None:
    scripts.run_file("0005_down.sql")
    op.drop_index('ix_tasks_deleted', table_name='tasks', schema='tasktalk', postgresql_where=sa.text('deleted_at IS NOT NULL'))
    op.drop_index('ix_tasks_parent', table_name='tasks', schema='tasktalk', postgresql_where=sa.text('parent_id IS NOT NULL'))
    op.drop_constraint(op.f('ck_tasks_position'), 'tasks', schema='tasktalk', type_='check')
    op.drop_constraint(op.f('ck_tasks_parent'), 'tasks', schema='tasktalk', type_='check')
    op.drop_constraint('fk_tasks_parent_id', 'tasks', schema='tasktalk', type_='foreignkey')
    op.drop_column('tasks', 'parent_id', schema='tasktalk')
