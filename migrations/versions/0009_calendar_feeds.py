"""calendar feeds"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import scripts

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('calendar_feeds',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('secret_hash', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('octet_length(secret_hash) = 32', name=op.f('ck_calendar_feeds_secret_hash')),
    sa.ForeignKeyConstraint(['user_id'], ['tasktalk.users.id'], name=op.f('fk_calendar_feeds_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_calendar_feeds')),
    schema='tasktalk'
    )
    op.create_index('uq_calendar_feeds_secret', 'calendar_feeds', ['secret_hash'], unique=True, schema='tasktalk')
    scripts.run_file("0009_up.sql")


def downgrade() -> None:
    scripts.run("DROP FUNCTION tasktalk.calendar_owner(bytea)")
    op.drop_table('calendar_feeds', schema='tasktalk')
