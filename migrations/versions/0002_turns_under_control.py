"""turns under control"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import scripts

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('undone_calls',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('tool_call_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('undone_call_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['user_id', 'tool_call_id'], ['tasktalk.tool_calls.user_id', 'tasktalk.tool_calls.id'], name='fk_tool_calls_tool_call_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id', 'undone_call_id'], ['tasktalk.tool_calls.user_id', 'tasktalk.tool_calls.id'], name='fk_tool_calls_undone_call_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'tool_call_id', 'position', name=op.f('pk_undone_calls')),
    schema='tasktalk'
    )
    op.create_index('ix_undone_calls_undone', 'undone_calls', ['user_id', 'undone_call_id'], unique=False, schema='tasktalk')
    op.add_column('conversations', sa.Column('summary', sa.Text(), server_default='', nullable=False), schema='tasktalk')
    op.add_column('conversations', sa.Column('summarised_to', sa.Integer(), server_default='0', nullable=False), schema='tasktalk')
    op.add_column('messages', sa.Column('choices', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False), schema='tasktalk')
    op.add_column('settings', sa.Column('confirm', sa.Text(), server_default='BULK_DESTRUCTIVE', nullable=False), schema='tasktalk')
    op.add_column('tool_call_tasks', sa.Column('version', sa.Integer(), nullable=True), schema='tasktalk')
    op.add_column('tool_calls', sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True), schema='tasktalk')
    op.add_column('tool_calls', sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True), schema='tasktalk')
    op.add_column('tool_calls', sa.Column('decision_reason', sa.Text(), nullable=True), schema='tasktalk')
    op.add_column('tool_calls', sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True), schema='tasktalk')
    op.add_column('turns', sa.Column('retry_of', sa.Uuid(), nullable=True), schema='tasktalk')
    op.add_column('turns', sa.Column('answer_to', sa.Uuid(), nullable=True), schema='tasktalk')
    op.add_column('turns', sa.Column('lost_leases', sa.Integer(), server_default='0', nullable=False), schema='tasktalk')
    op.add_column('turns', sa.Column('cancel_requested_at', sa.DateTime(timezone=True), nullable=True), schema='tasktalk')
    op.add_column('turns', sa.Column('confirm_until', sa.DateTime(timezone=True), nullable=True), schema='tasktalk')
    op.add_column('turns', sa.Column('notice', sa.Text(), nullable=True), schema='tasktalk')
    op.add_column('turns', sa.Column('notice_until', sa.DateTime(timezone=True), nullable=True), schema='tasktalk')
    op.create_index('ix_turns_answer', 'turns', ['user_id', 'answer_to'], unique=False, schema='tasktalk', postgresql_where=sa.text('answer_to IS NOT NULL'))
    op.create_index('ix_turns_confirm', 'turns', ['confirm_until'], unique=False, schema='tasktalk', postgresql_where=sa.text("status = 'AWAITING_CONFIRMATION'"))
    op.create_index('ix_turns_retry', 'turns', ['user_id', 'retry_of'], unique=False, schema='tasktalk', postgresql_where=sa.text('retry_of IS NOT NULL'))
    op.create_index('uq_turns_waiting', 'turns', ['user_id', 'conversation_id'], unique=True, schema='tasktalk', postgresql_where=sa.text("status = 'AWAITING_CONFIRMATION'"))
    op.create_foreign_key('fk_turns_retry_of', 'turns', 'turns', ['user_id', 'retry_of'], ['user_id', 'id'], source_schema='tasktalk', referent_schema='tasktalk', ondelete='CASCADE')
    op.create_foreign_key('fk_turns_answer_to', 'turns', 'turns', ['user_id', 'answer_to'], ['user_id', 'id'], source_schema='tasktalk', referent_schema='tasktalk', ondelete='CASCADE')
    scripts.run_file("0002_up.sql")


def downgrade() -> None:
    scripts.run_file("0002_down.sql")
    op.drop_constraint('fk_turns_answer_to', 'turns', schema='tasktalk', type_='foreignkey')
    op.drop_constraint('fk_turns_retry_of', 'turns', schema='tasktalk', type_='foreignkey')
    op.drop_index('uq_turns_waiting', table_name='turns', schema='tasktalk', postgresql_where=sa.text("status = 'AWAITING_CONFIRMATION'"))
    op.drop_index('ix_turns_retry', table_name='turns', schema='tasktalk', postgresql_where=sa.text('retry_of IS NOT NULL'))
    op.drop_index('ix_turns_confirm', table_name='turns', schema='tasktalk', postgresql_where=sa.text("status = 'AWAITING_CONFIRMATION'"))
    op.drop_index('ix_turns_answer', table_name='turns', schema='tasktalk', postgresql_where=sa.text('answer_to IS NOT NULL'))
    op.drop_column('turns', 'notice_until', schema='tasktalk')
    op.drop_column('turns', 'notice', schema='tasktalk')
    op.drop_column('turns', 'confirm_until', schema='tasktalk')
    op.drop_column('turns', 'cancel_requested_at', schema='tasktalk')
    op.drop_column('turns', 'lost_leases', schema='tasktalk')
    op.drop_column('turns', 'answer_to', schema='tasktalk')
    op.drop_column('turns', 'retry_of', schema='tasktalk')
    op.drop_column('tool_calls', 'undone_at', schema='tasktalk')
    op.drop_column('tool_calls', 'decision_reason', schema='tasktalk')
    op.drop_column('tool_calls', 'decided_at', schema='tasktalk')
    op.drop_column('tool_calls', 'asked_at', schema='tasktalk')
    op.drop_column('tool_call_tasks', 'version', schema='tasktalk')
    op.drop_column('settings', 'confirm', schema='tasktalk')
    op.drop_column('messages', 'choices', schema='tasktalk')
    op.drop_column('conversations', 'summarised_to', schema='tasktalk')
    op.drop_column('conversations', 'summary', schema='tasktalk')
    op.drop_index('ix_undone_calls_undone', table_name='undone_calls', schema='tasktalk')
    op.drop_table('undone_calls', schema='tasktalk')
