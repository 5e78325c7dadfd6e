"""A subscription's events as JSON without executing its document anew for each: what was asked of a type whose fields
are plain leaves is worked out once, by graphql-core's own reading of the document. All else is left to the executor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any, Final

import orjson
from graphql import (
    Executor,
    GraphQLField,
    GraphQLID,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLString,
    Undefined,
    is_abstract_type,
    is_leaf_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import FieldDetails, collect_fields
from strawberry.types.field import StrawberryField

_encode = partial(orjson.dumps, option=orjson.OPT_NON_STR_KEYS)  # as results are encoded

Writer = Callable[[Any], bytes]
"""The response to an event of one type. Raises whatever it stumbles over: then the executor has to say what it is."""

# The key under which Strawberry leaves its own definition on graphql-core's.
_STRAWBERRY: Final = "strawberry-definition"


class EventWriters:
    """The writers of one running subscription, one a type of event; None for a type that must be executed."""

    def __init__(self, executor: Executor[Any]) -> None:
        self._executor = executor
        self._by_class: dict[type, Writer | None] = {}

    def write(self, event: object) -> bytes | None:
        """The whole response as JSON, or None where the event has to be executed."""
        kind = type(event)
        try:
            writer = self._by_class[kind]
        except KeyError:
            writer = self._by_class[kind] = _writer(self._executor, kind)
        if writer is None:
            return None
        try:
            return writer(event)
        except Exception:  # a resolver's or a scalar's, whatever it is: executed, it becomes an error with its path
            return None


def _writer(executor: Executor[Any], kind: type) -> Writer | None:
    """Works out what the document asks of events of that class."""
    schema, root = executor.schema, executor.schema.subscription_type
    assert root is not None, "the subscription is running"
    asked = collect_fields(
        schema, executor.fragments, executor.variable_values, root, executor.operation
    ).grouped_field_set
    (response_name, details), *others = asked.items()
    field = schema.get_field(root, details[0].node.name.value)
    found = _object_type(executor, field, kind) if field is not None and not others else None
    if found is None:
        return None
    leaves: list[tuple[bytes, _Leaf]] = []
    for name, of_type in executor.collect_subfields(found, details).grouped_field_set.items():
        leaf = _leaf(found, of_type)
        if leaf is None:
            return None
        leaves.append((name.encode(), leaf))
    return _put_together(response_name.encode(), leaves)


def _object_type(executor: Executor[Any], field: GraphQLField, kind: type) -> GraphQLObjectType | None:
    """The type of events of that class, if the class alone tells it."""
    returned = field.type.of_type if is_non_null_type(field.type) else field.type
    possible = executor.schema.get_possible_types(returned) if is_abstract_type(returned) else [returned]
    fitting = [one for one in possible if isinstance(one, GraphQLObjectType) and _may_be(one, kind)]
    definition = fitting[0].extensions.get(_STRAWBERRY) if len(fitting) == 1 else None
    plain = definition is not None and definition.origin is kind and definition.is_type_of is None
    return fitting[0] if plain else None


def _may_be(one: GraphQLObjectType, kind: type) -> bool:
    definition = one.extensions.get(_STRAWBERRY)
    return definition is None or definition.is_type_of is not None or issubclass(kind, definition.origin)


_Leaf = bytes | tuple[Callable[[Any], Any], Callable[[Any], bytes]]
"""JSON that is always the same, or how a value is read from the event and how it is written."""


def _leaf(parent: GraphQLObjectType, details: list[FieldDetails]) -> _Leaf | None:
    name = details[0].node.name.value
    if name == "__typename":
        return _encode(parent.name)
    field = parent.fields.get(name)
    if field is None or field.args or not is_non_null_type(field.type) or not is_leaf_type(field.type.of_type):
        return None
    read = _reader(field.extensions.get(_STRAWBERRY))
    return None if read is None else (read, _encoder(field.type.of_type))


def _reader(field: StrawberryField | None) -> Callable[[Any], Any] | None:
    """An attribute of the event, or a resolver that sees nothing but the event."""
    if field is None or field.extensions or field.permission_classes:
        return None
    resolver = field.base_resolver
    if resolver is None:
        return attrgetter(field.python_name)
    alone = not (resolver.is_async or resolver.arguments or resolver.info_parameter)
    function = resolver.wrapped_func
    return function if alone and resolver.root_parameter is not None and callable(function) else None


def _encoder(leaf: Any) -> Callable[[Any], bytes]:
    """As graphql-core completes a leaf, and as a response is encoded."""
    coerce = leaf.coerce_output_value

    def anything(value: Any) -> bytes:
        coerced = coerce(value)
        if coerced is None or coerced is Undefined:
            raise TypeError("a leaf that may not be null")
        return _encode(coerced)

    def text(value: Any) -> bytes:
        return orjson.dumps(value) if type(value) is str else anything(value)

    return text if isinstance(leaf, GraphQLScalarType) and leaf in (GraphQLString, GraphQLID) else anything


def _put_together(response_name: bytes, leaves: list[tuple[bytes, _Leaf]]) -> Writer:
    """Names are letters, digits and underscores, so nothing in them is to be escaped."""
    fields = b",".join(b'"%b":%b' % (name, leaf if isinstance(leaf, bytes) else b"%b") for name, leaf in leaves)
    template = b'{"data":{"%b":{%b}}}' % (response_name, fields)
    values = [leaf for _, leaf in leaves if not isinstance(leaf, bytes)]

    def write(event: Any) -> bytes:
        return template % tuple([encoded(read(event)) for read, encoded in values])

    return write
