"""drafts together"""

from __future__ import annotations

from migrations import scripts

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    scripts.run_file("0007_up.sql")


def downgrade() -> None:
    scripts.run("DROP FUNCTION tasktalk.save_drafts(text[], uuid[], text[], integer[], integer[], text[])")
