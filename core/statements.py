"""Statements that are written once, in SQLAlchemy's words, and run on the driver: built and compiled a single time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar, overload

import orjson
from sqlalchemy import BindParameter, ClauseElement, Dialect, Insert, Update, bindparam
from sqlalchemy.dialects.postgresql import asyncpg

Row = TypeVar("Row")


def to_json(value: Any) -> str:
    """JSON text as the driver's jsonb codec takes it."""
    return orjson.dumps(value).decode()


class _Compiler(asyncpg.PGCompiler_asyncpg):
    """Writes constants into the text; what has no value is an argument."""

    # Any: SQLAlchemy gives no types, and the keywords are those that it hands on to itself.
    def visit_bindparam(self, bindparam: Any, *arguments: Any, **keywords: Any) -> Any:
        if not bindparam.required:
            keywords["literal_binds"] = True
        return super().visit_bindparam(bindparam, *arguments, **keywords)  # type: ignore[no-untyped-call]


_DIALECT: Final[Dialect] = asyncpg.dialect(json_serializer=to_json)  # type: ignore[no-untyped-call]  # it has no types
_DIALECT.statement_compiler = _Compiler


class Prepared(Generic[Row]):
    """SQL for the driver, the names of its arguments in order, and what a row of it becomes.

    `make` is called with the row's columns in order.
    """

    __slots__ = ("_converted", "_names", "make", "sql")

    def __init__(
        self,
        sql: str,
        names: Sequence[str],
        converted: Mapping[int, Callable[[Any], Any]],
        make: Callable[..., Row],
    ) -> None:
        self.sql = sql
        self.make = make
        self._names = tuple(names)
        self._converted = tuple(converted.items())

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        """The arguments in the driver's order. Raises KeyError where one is missing."""
        values = [given[name] for name in self._names]
        for place, convert in self._converted:
            values[place] = convert(values[place])
        return values


def _tuple(*columns: Any) -> tuple[Any, ...]:
    return columns


@overload
def prepared(statement: ClauseElement, *, columns: Sequence[str] = ()) -> Prepared[tuple[Any, ...]]: ...
@overload
def prepared(statement: ClauseElement, value: Callable[..., Row], *, columns: Sequence[str] = ()) -> Prepared[Row]: ...
def prepared(statement: ClauseElement, value: Callable[..., Any] = _tuple, *, columns: Sequence[str] = ()) -> Any:
    """Compile a statement whose arguments are its `bindparam`s without a value.

    `value` is made of each row. `columns` are those that an INSERT or UPDATE takes from arguments of the same names.
    Constants become part of the text: the planner sees them, so a partial index serves a generic plan.
    """
    if columns:
        assert isinstance(statement, Insert | Update), "nothing else writes columns"
        statement = statement.values({name: bindparam(name) for name in columns})
    compiled = statement.compile(dialect=_DIALECT)
    names = compiled.positiontup or []  # type: ignore[attr-defined]  # of SQLCompiler, which a statement's is
    binds: Mapping[str, BindParameter[Any]] = compiled.binds  # type: ignore[attr-defined]
    converted = {place: convert for place, name in enumerate(names) if (convert := _converter(binds[name]))}
    return Prepared(str(compiled), names, converted, value)


def _converter(bind: BindParameter[Any]) -> Callable[[Any], Any] | None:
    """What SQLAlchemy does to a value before the driver gets it: JSON becomes text, everything else stays."""
    return bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
