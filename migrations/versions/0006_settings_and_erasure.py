"""settings and erasure"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import scripts

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('settings', sa.Column('week_start', sa.Text(), server_default='MONDAY', nullable=False), schema='tasktalk')
    op.add_column('settings', sa.Column('default_due_time', sa.Time(), nullable=True), schema='tasktalk')
    scripts.run_file("0006_up.sql")


def downgrade() -> None:
    scripts.run("DROP FUNCTION tasktalk.erase_user(integer)")
    op.drop_column('settings', 'default_due_time', schema='tasktalk')
    op.drop_column('settings', 'week_start', schema='tasktalk')
