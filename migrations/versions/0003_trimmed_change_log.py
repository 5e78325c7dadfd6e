"""trimmed change log"""

from __future__ import annotations

from alembic import op

from migrations import scripts

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_change_log_at', 'change_log', ['at'], unique=False, schema='tasktalk')
    scripts.run_file("0003_up.sql")


def downgrade() -> None:
    scripts.run("DROP FUNCTION tasktalk.trim_changes(timestamptz, integer)")
    op.drop_index('ix_change_log_at', table_name='change_log', schema='tasktalk')
