"""What a document's selections ask for and the statements that load it: worked out once, kept for the process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import GraphQLResolveInfo, OperationDefinitionNode
from sqlalchemy import ColumnElement, DateTime, Select, Text, bindparam

from core.statements import Prepared, prepared
from resolvers.fields.declarations import Expr, Scope
from resolvers.fields.nodes import NodeType, auxiliary, node_types
from resolvers.fields.selection import names_below

DOCUMENTS: Final = 50
"""Operations of documents that are kept: a parsed document takes memory."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is read of a type: its columns, and the expressions that the selection needs."""

    kind: NodeType
    exprs: tuple[Expr, ...]
    plain: bool = field(default=False, compare=False)
    """Whether all that the selection needs is stored in the row itself, and its value has it."""

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
        self._shapes: OrderedDict[int, tuple[OperationDefinitionNode, dict[Hashable, Shape]]] = OrderedDict()
        self._statements: dict[Hashable, Prepared[tuple[Any, ...]]] = {}

    def shape(self, info: GraphQLResolveInfo[Any], path: Sequence[str], type_name: str) -> Shape:
        """What is read of the type under `path` of the fields that are being resolved."""
        shapes = self._shapes_of(info.operation)
        place = (*map(id, info.field_nodes), *path, type_name)
        if place not in shapes:
            kind = node_types()[type_name]
            wanted = names_below(info.field_nodes, path, info.fragments)
            found = (auxiliary(declared) for name, declared in kind.fields.items() if name in wanted)
            exprs = tuple({one.name: one for one in found if one is not None}.values())
            shapes[place] = Shape(kind, exprs, kind.value is not None and all(map(kind.is_stored, wanted)))
        return shapes[place]

    def _shapes_of(self, document: OperationDefinitionNode) -> dict[Hashable, Shape]:
        """By identity: the ids of a document's nodes are its own for as long as it is kept here."""
        known = self._shapes.get(id(document))
        if known is None:
            known = self._shapes[id(document)] = document, {}
            if len(self._shapes) > DOCUMENTS:
                self._shapes.popitem(last=False)
        return known[1]

    def statement(self, place: Hashable, make: Callable[[], Select[Any]]) -> Prepared[tuple[Any, ...]]:
        """The statement of that place, made the first time."""
        if place not in self._statements:
            self._statements[place] = prepared(make())
        return self._statements[place]
