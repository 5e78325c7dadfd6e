"""What a document's selections ask for and the statements that load it: worked out once, kept for the process."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import FieldNode, FragmentDefinitionNode
from sqlalchemy import ColumnElement, DateTime, Select, Text, bindparam

from core.statements import Prepared, prepared
from resolvers.fields.declarations import Expr, Scope
from resolvers.fields.nodes import NodeType, auxiliary, node_types
from resolvers.fields.selection import names_below

Fragments = Mapping[str, FragmentDefinitionNode]

LIMIT: Final = 10_000
"""Selections that are kept."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is read of a type: its columns, and the expressions that the selection needs."""

    kind: NodeType
    exprs: tuple[Expr, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.kind.columns, *(one.name for one in self.exprs))

    def sql(self, scope: Scope) -> list[ColumnElement[Any]]:
        return [*self.kind.table.columns, *(one.sql(scope).label(one.name) for one in self.exprs)]


class Plans:
    """What documents ask for and the statements that load it, worked out once for all operations of a process.

    Both depend on the settings, but on nothing else of an operation: its instant and its user are arguments.
    """

    def __init__(self, settings: Any) -> None:  # Any: as in Scope
        self.scope = Scope(bindparam("now", type_=DateTime(timezone=True)), bindparam("user_id", type_=Text), settings)
        self._shapes: dict[Hashable, tuple[object, Shape]] = {}
        self._statements: dict[Hashable, Prepared[tuple[Any, ...]]] = {}

    def shape(self, nodes: Sequence[FieldNode], path: Sequence[str], type_name: str, fragments: Fragments) -> Shape:
        """What is read of the type under `path` of these fields."""
        place = (tuple(map(id, nodes)), tuple(path), type_name)
        known = self._shapes.get(place)
        if known is not None:
            return known[1]
        kind = node_types()[type_name]
        wanted = names_below(nodes, path, fragments)
        found = (auxiliary(declared) for name, declared in kind.fields.items() if name in wanted)
        shape = Shape(kind, tuple({one.name: one for one in found if one is not None}.values()))
        if len(self._shapes) >= LIMIT:
            self._shapes.clear()
        self._shapes[place] = nodes, shape  # the nodes live as long as their ids are used
        return shape

    def statement(self, place: Hashable, make: Callable[[], Select[Any]]) -> Prepared[tuple[Any, ...]]:
        """The statement of that place, made the first time."""
        if place not in self._statements:
            self._statements[place] = prepared(make())
        return self._statements[place]
