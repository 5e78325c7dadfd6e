"""The one loader: every edge of every type, one query a level, in the operation's snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    TableValuedAlias,
    bindparam,
    column,
    func,
    literal,
    select,
    text,
    true,
)
from strawberry.dataloader import DataLoader
from strawberry.types import Info

from core.statements import Prepared
from core.unit_of_work import Session
from resolvers.fields.arguments import PageArguments
from resolvers.fields.connections import COUNTED, make_connection
from resolvers.fields.declarations import Many, Page, Scope, Through
from resolvers.fields.keyset import Cursors, Keyset, PageRequest
from resolvers.fields.nodes import NodeType
from resolvers.fields.plans import Plans, Shape

_PLAN_BY_VALUE: Final = text("SET LOCAL plan_cache_mode = force_custom_plan")

Reading = Callable[[], AbstractAsyncContextManager[Session]]


@dataclass(frozen=True, slots=True)
class _OneKey:
    shape: Shape
    value: Any


@dataclass(frozen=True, slots=True)
class _ManyKey:
    shape: Shape
    edge: Many
    value: Any


@dataclass(frozen=True, slots=True)
class _PageKey:
    shape: Shape
    page: Page
    arguments: PageArguments
    value: Any


@dataclass(frozen=True, slots=True)
class _CountKey:
    kind: NodeType
    page: Page
    value: Any


class Edges:
    """Loads edges for one snapshot. `reading` gives the operation's session to one statement at a time."""

    def __init__(self, reading: Reading, scope: Scope, plans: Plans) -> None:
        self._reading = reading
        self.scope = scope
        self._plans = plans
        self._loader: DataLoader[Hashable, Any] = DataLoader(self._batch)
        self.at_hand: Mapping[Any, object] = {}
        """Rows by id, as they were committed just now: what asks for no more than one of them needn't be read."""
        self.statements = 0

    async def one(self, info: Info, value: Any, *, path: Sequence[str] = (), type_name: str | None = None) -> Any:
        """The row whose key is `value`, or None."""
        shape = self._shape(info, path, type_name)
        row = self.at_hand.get(value) if shape.plain else None
        if row is not None:
            return shape.kind.made_of(row)
        return await self._loader.load(_OneKey(shape, value))

    async def many(self, info: Info, edge: Many, value: Any) -> list[Any]:
        found: list[Any] = await self._loader.load(_ManyKey(self._shape(info), edge, value))
        return found

    async def page(self, info: Info, page: Page, value: Any, arguments: PageArguments) -> Any:
        return await self._loader.load(_PageKey(self._shape(info, ("edges", "node")), page, arguments, value))

    async def root_page(
        self,
        info: Info,
        keyset: Keyset,
        arguments: PageArguments,
        where: Sequence[ColumnElement[bool]],
        *,
        filter_: Mapping[str, Any] | None = None,
        newest: bool = False,
        by_value: bool = False,
    ) -> Any:
        """A connection of the root: the user's rows of the type that pass `where`. `filter_` goes into the cursors.

        `by_value`: which way is short depends on the values in `where`, so that it is planned for these each time.
        """
        shape = self._shape(info, ("edges", "node"))
        cursors = Cursors.of(keyset, filter_)
        request = cursors.request(*arguments, newest=newest)
        statement = self._page_of(shape, keyset, request).where(*where)
        rows = await self._rows(statement, by_value=by_value)

        async def count() -> int:
            table = shape.kind.table
            inner = select(literal(1)).select_from(table).where(table.c.user_id == self.scope.user_id, *where)
            return int((await self._rows(select(func.count()).select_from(inner.limit(COUNTED + 1).subquery())))[0][0])

        return make_connection(request, cursors, [self._split(shape, row) for row in rows], count)

    async def rows(self, info: Info, statement: Select[Any], type_name: str) -> list[Any]:
        """All rows of a type that a statement on its table chooses: for short lists such as labels."""
        shape = self._shape(info, (), type_name)
        chosen = statement.with_only_columns(*shape.sql(self.scope))
        return [shape.kind.record(shape.names, row) for row in await self._rows(chosen)]

    def _shape(self, info: Info, path: Sequence[str] = (), type_name: str | None = None) -> Shape:
        raw = info._raw_info
        if type_name is None:
            returned: Any = raw.return_type
            while hasattr(returned, "of_type"):
                returned = returned.of_type
            type_name = str(returned.name).removesuffix("Connection")
        return self._plans.shape(raw, path, type_name)

    async def _batch(self, keys: list[Hashable]) -> list[Any]:
        """Group the keys of a level by what they read; each group is one statement."""
        groups: dict[Hashable, list[int]] = defaultdict(list)
        for index, key in enumerate(keys):
            match key:
                case _OneKey(shape, _):
                    groups[_OneKey, shape].append(index)
                case _ManyKey(shape, edge, _):
                    groups[_ManyKey, shape, edge].append(index)
                case _PageKey(shape, page, arguments, _):
                    groups[_PageKey, shape, page, arguments].append(index)
                case _CountKey(kind, page, _):
                    groups[_CountKey, kind.name, page].append(index)
        answers: list[Any] = [None] * len(keys)
        for places in groups.values():
            found = await self._load([keys[index] for index in places])
            for index, answer in zip(places, found, strict=True):
                answers[index] = answer
        return answers

    async def _load(self, keys: Sequence[Any]) -> list[Any]:
        values = list({key.value: None for key in keys})
        match keys[0]:
            case _OneKey(shape, _):
                by_value = await self._load_ones(shape, values)
                return [by_value.get(key.value) for key in keys]
            case _ManyKey(shape, edge, _):
                grouped = await self._load_many(shape, edge, values)
                return [grouped[key.value] for key in keys]
            case _PageKey(shape, page, arguments, _):
                try:
                    return await self._load_pages(shape, page, arguments, [key.value for key in keys])
                except Exception as error:  # a bad cursor is each caller's own error, not the batch's
                    return [error] * len(keys)
            case _CountKey(kind, page, _):
                totals = await self._load_counts(kind, page, values)
                return [totals.get(key.value, 0) for key in keys]
        raise AssertionError(f"no such key: {keys[0]!r}")

    async def _load_ones(self, shape: Shape, values: Sequence[Any]) -> dict[Any, Any]:
        scope, table, key = self._plans.scope, shape.kind.table, shape.kind.key

        def statement() -> Select[Any]:
            found = select(*shape.sql(scope)).where(key == func.any(bindparam("values", type_=ARRAY(key.type))))
            return found.where(table.c.user_id == scope.user_id) if "user_id" in table.c else found

        names = shape.names
        rows = await self._planned(self._plans.statement((_OneKey, shape), statement), values)
        records = (shape.kind.record(names, row) for row in rows)
        return {getattr(record, str(key.key)): record for record in records}

    async def _load_many(self, shape: Shape, edge: Many, values: Sequence[Any]) -> dict[Any, list[Any]]:
        scope, kind, names = self._plans.scope, shape.kind, shape.names

        def page() -> Select[Any]:
            return select(*shape.sql(scope)).where(*edge.where).order_by(*edge.order).limit(edge.limit)

        def of_one() -> Select[Any]:
            value = bindparam("value", type_=kind.key.type)
            return _refers(page(), kind, edge.foreign, value, scope)

        def of_several() -> Select[Any]:
            parent = _parents(bindparam("values", type_=ARRAY(kind.key.type)), kind.key)
            return _beside(parent, _refers(page(), kind, edge.foreign, parent.c.value, scope))

        if len(values) == 1:
            rows = await self._planned(self._plans.statement((_ManyKey, shape, edge, 1), of_one), values)
            return {values[0]: [kind.record(names, row) for row in rows]}
        grouped: dict[Any, list[Any]] = {value: [] for value in values}
        for value, *row in await self._planned(self._plans.statement((_ManyKey, shape, edge), of_several), values):
            grouped[value].append(kind.record(names, row))
        return grouped

    async def _load_pages(
        self, shape: Shape, page: Page, arguments: PageArguments, values: Sequence[UUID]
    ) -> list[Any]:
        cursors = Cursors.of(page.keyset, {"of": str(page.foreign)})
        request = cursors.request(*arguments, newest=page.newest)
        parent = _parents(_array(values, shape.kind.key), shape.kind.key)
        inner = _refers(
            self._page_of(shape, page.keyset, request), shape.kind, page.foreign, parent.c.value, self.scope
        )
        grouped: dict[UUID, list[Any]] = defaultdict(list)
        for value, *row in await self._rows(_beside(parent, inner)):
            grouped[value].append(self._split(shape, row))

        def counter(value: UUID) -> Callable[[], Any]:
            return lambda: self._loader.load(_CountKey(shape.kind, page, value))

        return [make_connection(request, cursors, grouped[value], counter(value)) for value in values]

    async def _load_counts(self, kind: NodeType, page: Page, values: Sequence[Any]) -> dict[Any, int]:
        parent = _parents(_array(values, kind.key), kind.key)
        ones = select(literal(1).label("one")).select_from(kind.table)
        rows = _refers(ones, kind, page.foreign, parent.c.value, self.scope)
        inner = select(func.count().label("total")).select_from(rows.limit(COUNTED + 1).lateral("counted"))
        return {value: total for value, total in await self._rows(_beside(parent, inner))}

    def _page_of(self, shape: Shape, keyset: Keyset, request: PageRequest) -> Select[Any]:
        keys = [key.sql.label(f"key_{index}") for index, key in enumerate(keyset.keys)]
        statement = (
            select(*shape.sql(self.scope), *keys)
            .where(shape.kind.table.c.user_id == self.scope.user_id)
            .order_by(*keyset.order_by(backwards=request.backwards))
            .limit(request.limit + 1)
        )
        if request.after is not None:
            statement = statement.where(keyset.beyond(request.after, backwards=False))
        if request.before is not None:
            statement = statement.where(keyset.beyond(request.before, backwards=True))
        return statement

    @staticmethod
    def _split(shape: Shape, row: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
        width = len(shape.names)
        return shape.kind.record(shape.names, row[:width]), tuple(row[width:])

    async def _rows(self, statement: Select[Any], *, by_value: bool = False) -> Sequence[Any]:
        async with self._reading() as session:
            self.statements += 1
            if by_value:
                await session.execute(_PLAN_BY_VALUE)
            return (await session.execute(statement)).all()

    async def _planned(self, statement: Prepared[tuple[Any, ...]], values: Sequence[Any]) -> list[tuple[Any, ...]]:
        async with self._reading() as session:
            self.statements += 1
            return await session.every(statement, values=list(values), value=values[0], now=self.scope.now)


def _refers(
    statement: Select[Any], kind: NodeType, foreign: Any, parent: ColumnElement[Any], scope: Scope
) -> Select[Any]:
    """Those of the rows that refer to the parent of that key."""
    table = kind.table
    owned = statement.where(table.c.user_id == scope.user_id)
    if not isinstance(foreign, Through):
        return owned.where(foreign == parent)
    link = foreign.here.table
    return owned.join(link, (link.c.user_id == table.c.user_id) & (foreign.there == kind.key)).where(
        foreign.here == parent
    )


def _array(values: Sequence[Any], key: ColumnElement[Any]) -> Any:
    """The keys as one parameter: the statement's text, and so its plan, is the same for any number of them."""
    return bindparam(None, list(values), type_=ARRAY(key.type), unique=True)


def _parents(values: ColumnElement[Any], key: ColumnElement[Any]) -> TableValuedAlias:
    """The keys, an array, as a table of one column, `value`."""
    return func.unnest(values).table_valued(column("value", key.type), name="parent").render_derived()


def _beside(parent: TableValuedAlias, inner: Select[Any]) -> Select[Any]:
    """Each parent's own rows: a lateral join reads just the page that each parent needs."""
    rows = inner.lateral("child")
    return select(parent.c.value, *rows.c).select_from(parent).join(rows, true())
