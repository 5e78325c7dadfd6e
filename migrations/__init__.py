"""Alembic's migrations, and the runner that applies them under a lock."""
