"""The helpers that types are written with: each keeps what it declares in the field's metadata, for the loader, and
gives plain Strawberry a resolver that means the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any, Final

import strawberry
from sqlalchemy import Column as SqlColumn
from sqlalchemy import ColumnElement
from strawberry.types import Info

from resolvers.fields.arguments import AfterArgument, BeforeArgument, CountArgument, FirstArgument, LastArgument
from resolvers.fields.keyset import Keyset, check_count

METADATA: Final = "tasktalk.field"


@dataclass(frozen=True, slots=True)
class Scope:
    """What an SQL expression may depend on besides the row: the instant, the viewer and the process' settings."""

    now: Any
    user_id: Any
    settings: Any


Sql = Callable[[Scope], ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """The row's column of the field's name."""


@dataclass(frozen=True, slots=True)
class Expr:
    """Computed by the database beside the row, where the field is asked for. `name` is its label."""

    name: str
    sql: Sql


@dataclass(frozen=True, slots=True)
class Pure:
    """A function of columns alone."""

    function: Callable[..., Any]
    needs: tuple[str, ...]
    first: int | None = None
    """The default of the argument `first`, which the function takes last; None: the field has none."""


@dataclass(frozen=True, slots=True)
class One:
    """The target whose primary key is this column of the row, or this expression."""

    key: str
    key_expr: Expr | None = None


@dataclass(frozen=True, slots=True)
class Several:
    """The targets whose primary keys an attribute of the root lists."""

    key: str


@dataclass(frozen=True, slots=True, eq=False)
class Through:
    """A link table between the row and its targets: `here` refers to the row, `there` to the target."""

    here: SqlColumn[Any]
    there: SqlColumn[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Many:
    """All targets whose `foreign` column is the row's key and that pass `where`, in order, at most `limit`; or those
    behind a link table."""

    foreign: SqlColumn[Any] | Through
    key: str
    order: tuple[ColumnElement[Any], ...]
    limit: int
    key_expr: Expr | None = None
    where: tuple[ColumnElement[bool], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A keyset page of the targets whose `foreign` column is the row's key."""

    foreign: SqlColumn[Any]
    key: str
    keyset: Keyset
    newest: bool = False


Declared = Column | Expr | Pure | One | Several | Many | Page


def _field(declared: Declared, resolver: Callable[..., Any] | None, description: str) -> Any:
    metadata = {METADATA: declared}
    if resolver is None:
        return strawberry.field(description=description, metadata=metadata)
    return strawberry.field(resolver=resolver, description=description, metadata=metadata)


def column(*, description: str) -> Any:
    """The column of this name."""
    return _field(Column(), None, description)


def pure(function: Callable[..., Any], *, needs: Sequence[SqlColumn[Any]], description: str) -> Any:
    """A function of the row's columns: no clock, no I/O."""
    names = tuple(one.name for one in needs)

    def resolve(root: Any) -> Any:
        return function(*(getattr(root, name) for name in names))

    return _field(Pure(function, names), resolve, description)


def pure_list(function: Callable[..., Any], *, needs: Sequence[SqlColumn[Any]], first: int, description: str) -> Any:
    """The same for a list whose length the argument `first` bounds."""
    names = tuple(one.name for one in needs)
    default = first

    def resolve(root: Any, first: CountArgument = default) -> Any:
        return function(*(getattr(root, name) for name in names), first)

    return _field(Pure(function, names, first), resolve, description)


def expr(name: str, sql: Sql, *, description: str, convert: Callable[[Any], Any] | None = None) -> Any:
    """What the database computes beside the row, loaded only where it is asked for. `name` labels it."""

    def resolve(root: Any) -> Any:
        value = getattr(root, name)
        return value if convert is None else convert(value)

    return _field(Expr(name, sql), resolve, description)


def one(key: SqlColumn[Any] | Expr | str, *, description: str) -> Any:
    """The target that a column, an expression or an attribute of the root refers to; null where it is gone."""
    edge = One(key if isinstance(key, str) else key.name, key if isinstance(key, Expr) else None)

    async def resolve(root: Any, info: Info) -> Any:
        value = getattr(root, edge.key)
        return None if value is None else await info.context.edges.one(info, value)

    return _field(edge, resolve, description)


def several(key: str, *, description: str) -> Any:
    """The targets that an attribute of the root lists, in order; what is gone is left out."""

    async def resolve(root: Any, info: Info) -> Any:
        edges = info.context.edges
        found = await asyncio.gather(*(edges.one(info, value) for value in getattr(root, key)))
        return [one for one in found if one is not None]

    return _field(Several(key), resolve, description)


def many(
    foreign: SqlColumn[Any] | Through,
    *,
    order: Sequence[ColumnElement[Any]],
    limit: int,
    description: str,
    key: SqlColumn[Any] | Expr | None = None,
) -> Any:
    """The targets that refer to the row, in order, at most `limit`. `key`: what they refer to, if not the row's id."""
    edge = Many(
        foreign, key.name if key is not None else "id", tuple(order), limit, key if isinstance(key, Expr) else None
    )

    async def resolve(root: Any, info: Info) -> Any:
        value = getattr(root, edge.key)
        return [] if value is None else await info.context.edges.many(info, edge, value)

    return _field(edge, resolve, description)


def some(
    foreign: SqlColumn[Any],
    *,
    order: Sequence[ColumnElement[Any]],
    where: Sequence[ColumnElement[bool]],
    first: int,
    description: str,
) -> Any:
    """The first targets that refer to the row and pass `where`, in order: as many as the client asks for, 1..100."""
    edge = Many(foreign, "id", tuple(order), first, where=tuple(where))

    @cache
    def cut(limit: int) -> Many:
        return replace(edge, limit=limit)

    async def resolve(
        root: Any,
        info: Info,
        first: Annotated[int | None, strawberry.argument(description="How many, 1..100.")] = first,
    ) -> Any:
        check_count("first", first)
        return await info.context.edges.many(info, cut(first or edge.limit), root.id)

    return _field(edge, resolve, description)


def connection(
    foreign: SqlColumn[Any], *, keyset: Keyset, description: str, newest: bool = False, backwards: bool = True
) -> Any:
    """A Relay connection to the targets that refer to the row. `backwards` False leaves `last` and `before` out."""
    page = Page(foreign, "id", keyset, newest)

    async def both(
        root: Any,
        info: Info,
        first: FirstArgument = None,
        after: AfterArgument = None,
        last: LastArgument = None,
        before: BeforeArgument = None,
    ) -> Any:
        return await info.context.edges.page(info, page, root.id, (first, after, last, before))

    async def forwards(root: Any, info: Info, first: FirstArgument = None, after: AfterArgument = None) -> Any:
        return await info.context.edges.page(info, page, root.id, (first, after, None, None))

    resolver: Callable[..., Awaitable[Any]] = both if backwards else forwards
    return _field(page, resolver, description)
