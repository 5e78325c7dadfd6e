"""What every table shares: the schema, naming, the owner column and how a row becomes a value."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, MetaData, Table, Text, Uuid, select
from sqlalchemy.sql import Select

SCHEMA = "tasktalk"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    },
)

Value = TypeVar("Value")


def user_column(*, primary_key: bool = True) -> Column[str]:
    """The owner. First in every primary key, so that the policy's comparison and the key are one index look-up."""
    return Column("user_id", Text, primary_key=primary_key, nullable=False)


def id_column() -> Column[Any]:
    return Column("id", Uuid, primary_key=True)


def owned_by(table: str, column: str, *, ondelete: str = "CASCADE") -> ForeignKeyConstraint:
    """A foreign key composite with the owner: row-level security doesn't guard foreign key checks by itself."""
    target = f"{SCHEMA}.{table}"
    return ForeignKeyConstraint(
        ["user_id", column], [f"{target}.user_id", f"{target}.id"], ondelete=ondelete, name=f"fk_{table}_{column}"
    )


def one_of(column: str, values: type[StrEnum] | Iterable[str], *, nullable: bool = False) -> CheckConstraint:
    """Enums are text with a CHECK: under a policy only leakproof operators use an index, and text equality is one."""
    listed = ", ".join(f"'{value}'" for value in values)
    null = f"{column} IS NULL OR " if nullable else ""
    return CheckConstraint(f"{null}{column} IN ({listed})", name=column)


def stored(table: Table) -> list[Column[Any]]:
    """The columns that are written, in the order of the table, which is that of its value's fields (a test says so)."""
    return [column for column in table.columns if column.computed is None]


def rows_of(table: Table) -> Select[Any]:
    """All rows of a table, with its stored columns."""
    return select(*stored(table))


def columns_of(value: Any) -> dict[str, Any]:
    """The fields of a row's value by name. dataclasses.asdict copies what they hold, UUIDs and instants as well."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
