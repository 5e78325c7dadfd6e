"""labels and settings by talking"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import scripts

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('call_changes',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('tool_call_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('entity_id', sa.Uuid(), nullable=True),
    sa.Column('before', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('after', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.CheckConstraint("(kind = 'LABEL') = (entity_id IS NOT NULL)", name=op.f('ck_call_changes_entity_id')),
    sa.CheckConstraint("kind IN ('LABEL', 'SETTINGS')", name=op.f('ck_call_changes_kind')),
    sa.ForeignKeyConstraint(['user_id', 'tool_call_id'], ['tasktalk.tool_calls.user_id', 'tasktalk.tool_calls.id'], name='fk_tool_calls_tool_call_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'tool_call_id', 'position', name=op.f('pk_call_changes')),
    schema='tasktalk'
    )
    scripts.run_file("0011_up.sql")


def downgrade() -> None:
    op.drop_table('call_changes', schema='tasktalk')
    scripts.run_file("0011_down.sql")
