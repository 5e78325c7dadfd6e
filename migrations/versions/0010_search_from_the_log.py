"""search from the log"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import scripts

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    scripts.run_file("0008_down.sql")
    scripts.run("TRUNCATE tasktalk.search_documents, tasktalk.search_vocabulary")
    op.create_table('search_positions',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('seq', sa.BigInteger(), server_default='0', nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['tasktalk.users.id'], name=op.f('fk_search_positions_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_search_positions')),
    schema='tasktalk'
    )
    op.execute("ALTER INDEX tasktalk.ix_search_documents_keys RESET (fastupdate)")
    op.drop_index('ix_search_vocabulary_slips', table_name='search_vocabulary', schema='tasktalk')
    op.drop_column('search_vocabulary', 'slips', schema='tasktalk')
    op.add_column('search_vocabulary', sa.Column('marks', postgresql.ARRAY(sa.Integer()), nullable=False), schema='tasktalk')
    op.create_index('ix_search_vocabulary_marks', 'search_vocabulary', ['marks'], unique=False, schema='tasktalk', postgresql_using='gin')
    op.drop_index('ix_conversations_open', table_name='conversations', schema='tasktalk')
    op.create_index('ix_conversations_quiet', 'conversations', ['last_activity_at'], unique=False, schema='tasktalk', postgresql_where=sa.text('closed_at IS NULL AND (idle_noted_at IS NULL OR idle_noted_at < last_activity_at)'))
    scripts.run_file("0010_up.sql")


def downgrade() -> None:
    scripts.run_file("0010_down.sql")
    scripts.run("TRUNCATE tasktalk.search_documents, tasktalk.search_vocabulary")
    op.drop_index('ix_search_vocabulary_marks', table_name='search_vocabulary', schema='tasktalk')
    op.drop_column('search_vocabulary', 'marks', schema='tasktalk')
    op.add_column('search_vocabulary', sa.Column('slips', postgresql.ARRAY(sa.Integer()), nullable=False), schema='tasktalk')
    op.create_index('ix_search_vocabulary_slips', 'search_vocabulary', ['slips'], unique=False, schema='tasktalk', postgresql_using='gin', postgresql_with={'fastupdate': 'off'})
    op.execute("ALTER INDEX tasktalk.ix_search_documents_keys SET (fastupdate = off)")
    op.drop_table('search_positions', schema='tasktalk')
    op.drop_index('ix_conversations_quiet', table_name='conversations', schema='tasktalk')
    op.create_index('ix_conversations_open', 'conversations', ['last_activity_at'], unique=False, schema='tasktalk', postgresql_where=sa.text('closed_at IS NULL'))
    scripts.run_file("0003_up.sql")
    scripts.run_file("0008_up.sql")
