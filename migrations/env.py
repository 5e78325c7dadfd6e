"""Alembic's environment: the connection comes from `migrations.runner` or `make migration`, never from a file."""

from __future__ import annotations

from alembic import context

import models.changes
import models.conversations
import models.search
import models.tasks
import models.turns
import models.users  # noqa: F401 - importing a models file is what puts its tables into the metadata
from models.base import SCHEMA, metadata


def include_name(name: str | None, type_: str, parent_names: dict[str, str | None]) -> bool:
    """Only our schema, and in it nothing of the queue's: its tables are made by its own SQL."""
    if type_ == "schema":
        return name == SCHEMA
    return not (type_ == "table" and name is not None and name.startswith("procrastinate_"))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
    include_name=include_name,
    compare_server_default=True,
    transaction_per_migration=True,
)
context.run_migrations()
