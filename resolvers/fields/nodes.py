"""Node types: a table's rows as instances of the GraphQL type itself, so that interfaces and unions tell them apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import strawberry
from sqlalchemy import ColumnElement, Table

from core.ids import to_global_id
from models.base import columns_of
from resolvers.fields.declarations import METADATA, Column, Declared, Expr, Pure

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class NodeType:
    """What the loader knows of a type: its table, the column its id comes from, and its declared fields by name.

    There is one a type, so they compare by identity.
    """

    name: str
    cls: type[Any]
    table: Table
    key: ColumnElement[Any]
    fields: Mapping[str, Declared]
    python_names: Mapping[str, str]
    value: type[Any] | None
    """What services make of a row, whose fields are the row's stored columns."""

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.table.columns)

    def record(self, names: Sequence[str], row: Sequence[Any]) -> Any:
        """A row as an instance of the type, made past its constructor: `names` are the row's columns in order."""
        made = object.__new__(self.cls)
        made.__dict__.update(zip(names, row, strict=True))
        return made

    def made_of(self, value: Any) -> Any:
        """The same of a row's value, without what only the database computes."""
        assert type(value) is self.value, "an id is of one table alone"
        made = object.__new__(self.cls)
        made.__dict__.update(columns_of(value))
        return made

    def is_stored(self, name: str) -> bool:
        """Whether a field, by its GraphQL name, needs nothing but the row's value."""
        return name in _OF_ALL or isinstance(self.fields.get(name), Column | Pure)


_TYPES: Final[dict[str, NodeType]] = {}
_OF_ALL: Final = frozenset({"id", "__typename"})


def node_types() -> Mapping[str, NodeType]:
    """All node types by their GraphQL name."""
    return _TYPES


def _global_id(root: Any) -> strawberry.ID:
    kind = _TYPES[type(root).__name__]
    return strawberry.ID(to_global_id(kind.name, getattr(root, str(kind.key.key))))


@strawberry.interface(description="Anything with an id of its own.")
class Node:
    id: strawberry.ID = strawberry.field(resolver=_global_id, description="The global id: opaque, stable, unique.")


def node(
    table: Table, *, description: str, key: str = "id", value: type[Any] | None = None
) -> Callable[[type[T]], type[T]]:
    """Make a class a Strawberry type on a table's rows. `key` is the column that its global id shows; `value` what a
    unit of work may hand on of a row, which then needn't be read."""

    def wrap(cls: type[T]) -> type[T]:
        made = strawberry.type(cls, description=description)
        definition = made.__strawberry_definition__  # type: ignore[attr-defined]  # what strawberry.type adds
        declared = {}
        python_names = {}
        for field in definition.fields:
            if METADATA in field.metadata:
                name = field.graphql_name or _camel(field.python_name)
                declared[name] = field.metadata[METADATA]
                python_names[name] = field.python_name
        _TYPES[made.__name__] = NodeType(made.__name__, made, table, table.c[key], declared, python_names, value)
        return made

    return wrap


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def auxiliary(declared: Declared) -> Expr | None:
    """The SQL expression that a field needs beside its row's columns, if any."""
    return declared if isinstance(declared, Expr) else getattr(declared, "key_expr", None)
