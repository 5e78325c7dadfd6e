"""search"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import scripts

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('search_documents',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('title_keys', sa.Integer(), nullable=False),
    sa.Column('keys', postgresql.ARRAY(sa.Integer()), nullable=False),
    sa.CheckConstraint("kind IN ('TASK', 'MESSAGE', 'CONVERSATION')", name=op.f('ck_search_documents_kind')),
    sa.ForeignKeyConstraint(['user_id'], ['tasktalk.users.id'], name=op.f('fk_search_documents_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'id', name=op.f('pk_search_documents')),
    schema='tasktalk'
    )
    op.create_index('ix_search_documents_keys', 'search_documents', ['keys'], unique=False, schema='tasktalk', postgresql_using='gin', postgresql_with={'fastupdate': 'off'})
    op.create_table('search_vocabulary',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('word', sa.Text(collation='C'), nullable=False),
    sa.Column('slips', postgresql.ARRAY(sa.Integer()), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['tasktalk.users.id'], name=op.f('fk_search_vocabulary_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'word', name=op.f('pk_search_vocabulary')),
    schema='tasktalk'
    )
    op.create_index('ix_search_vocabulary_slips', 'search_vocabulary', ['slips'], unique=False, schema='tasktalk', postgresql_using='gin', postgresql_with={'fastupdate': 'off'})
    scripts.run_file("0008_up.sql")


def downgrade() -> None:
    scripts.run_file("0008_down.sql")
    op.drop_table('search_vocabulary', schema='tasktalk')
    op.drop_table('search_documents', schema='tasktalk')
