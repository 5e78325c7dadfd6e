"""Running a whole SQL script from a migration: SQLAlchemy prepares single statements, so this goes to the driver."""

from __future__ import annotations

from importlib import resources

from alembic import op


def run(script: str) -> None:
    """Execute many statements at once on the migration's own connection, inside its transaction."""
    op.execute(
        "SELECT 1"
    )  # the adapter begins the transaction with a statement of its own, and would begin none for ours
    adapted = op.get_bind().connection.dbapi_connection
    assert adapted is not None, "the migration runs on an open connection"
    adapted.run_async(lambda driver: driver.execute(script))  # type: ignore[attr-defined]  # SQLAlchemy's asyncpg adapter


def run_file(name: str) -> None:
    """Execute `migrations/sql/<name>`."""
    run(resources.files("migrations").joinpath("sql", name).read_text())
