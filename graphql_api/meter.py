"""Measures a parsed document before validation: linear, memoised over fragments, and without recursion."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from graphql_api.limits import Cost

DEFAULT_PAGE = 20
LARGEST_PAGE = 100
BARE_LIST = 10
_INTROSPECTION = ("__schema", "__type")


@dataclass(frozen=True, slots=True)
class _Page:
    """A field that returns a page; `default` is its size where the document names none."""

    default: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """How one field multiplies what is below it, and the type found there."""

    below: str | None
    multiplier: int | _Page = 1


class Meter:
    """Measures documents against one schema. Unknown fields and types, and cycles of fragments, count once."""

    def __init__(self, schema: GraphQLSchema) -> None:
        roots = {kind: schema.get_root_type(kind) for kind in OperationType}
        self._roots = {kind: root.name for kind, root in roots.items() if root is not None}
        self._shapes = _shapes_of(schema)

    def measure(
        self, document: DocumentNode, operation_name: str | None = None, variables: Mapping[str, object] | None = None
    ) -> Cost:
        """The cost of the document, were `operation_name` (else its first operation) to run with `variables`."""
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        named = [node for node in operations if node.name and node.name.value == operation_name]
        chosen = next(iter(named if operation_name else operations), None)
        sizes = _variable_sizes(chosen, variables or {}) if chosen else {}
        costs: dict[str, Cost] = {}
        for name in _leaves_first(fragments):
            costs[name] = self._weigh(fragments[name], fragments[name].type_condition.name.value, costs, sizes)
        # Depth is seen from an operation only: the fragments of an introspection query are deep by themselves.
        found = [replace(cost, depth=0, nodes=1, varies=False) for cost in costs.values()]
        for operation in operations:
            cost = self._weigh(operation, self._roots.get(operation.operation), costs, sizes)
            found.append(cost if operation is chosen else replace(cost, nodes=1, varies=False))
        return functools.reduce(_larger, found, Cost())

    def _weigh(
        self,
        definition: OperationDefinitionNode | FragmentDefinitionNode,
        type_name: str | None,
        fragments: Mapping[str, Cost],
        sizes: Mapping[str, int | None],
    ) -> Cost:
        """The cost of one definition, given the costs of the fragments it spreads: down once, then up once."""
        steps = list(self._walk(definition, type_name))
        sums = [Cost(directives=len(definition.directives or ()))] + [Cost()] * len(steps)
        for index in range(len(steps), 0, -1):
            step = steps[index - 1]
            cost = _of_selection(step, sums[index], fragments, sizes)
            sums[step.parent] = _beside(sums[step.parent], cost)
        return sums[0]

    def _walk(
        self, definition: OperationDefinitionNode | FragmentDefinitionNode, type_name: str | None
    ) -> Iterator[_Step]:
        """Every selection after its parent. `parent` is the position of the selection above, counted from 1."""
        position = 0
        waiting: list[tuple[Sequence[SelectionNode], str | None, int]] = [
            (definition.selection_set.selections, type_name, 0)
        ]
        while waiting:
            selections, parent_type, parent = waiting.pop()
            for node in selections:
                position += 1
                shape = _Shape(parent_type)
                if isinstance(node, FieldNode):
                    shape = self._shapes.get((parent_type or "", node.name.value), _Shape(None))
                elif condition := getattr(node, "type_condition", None):
                    shape = _Shape(condition.name.value)
                yield _Step(node, parent, shape)
                if below := getattr(node, "selection_set", None):
                    waiting.append((below.selections, shape.below, position))


@dataclass(frozen=True, slots=True)
class _Step:
    node: SelectionNode
    parent: int
    shape: _Shape


def _of_selection(step: _Step, below: Cost, fragments: Mapping[str, Cost], sizes: Mapping[str, int | None]) -> Cost:
    """The cost of one selection, given the sum of what is selected under it."""
    node, directives = step.node, below.directives + len(step.node.directives or ())
    if isinstance(node, FragmentSpreadNode):
        cost = fragments.get(node.name.value, Cost())
        return replace(cost, directives=cost.directives + directives)
    if not isinstance(node, FieldNode):
        return replace(below, directives=directives)
    multiplier, varies = _multiplier(step.shape.multiplier, node, sizes)
    # The standard introspection query is 15 deep and reads memory only; a rule of graphql-core bounds its lists.
    seen = node.name.value in _INTROSPECTION
    return Cost(
        depth=1 if seen else below.depth + 1,
        aliases=below.aliases + (node.alias is not None),
        fields=below.fields + 1,
        directives=directives,
        root_fields=1,
        nodes=1 if seen else below.nodes * multiplier,
        varies=below.varies or varies,
    )


def _multiplier(multiplier: int | _Page, node: FieldNode, sizes: Mapping[str, int | None]) -> tuple[int, bool]:
    """How many nodes the field yields, and whether a variable says so. Out of range is the resolver's to refuse."""
    if not isinstance(multiplier, _Page):
        return multiplier, False
    asked, varies = [], False
    for argument in node.arguments or ():
        if argument.name.value in ("first", "last"):
            varies = varies or isinstance(argument.value, VariableNode)
            asked.append(_size(argument.value, sizes))
    known = [size for size in asked if size is not None]
    return (max(known) if known else multiplier.default), varies


def _size(node: ValueNode, sizes: Mapping[str, int | None]) -> int | None:
    if isinstance(node, VariableNode):
        return sizes.get(node.name.value)
    if isinstance(node, IntValueNode):
        # A literal of thousands of digits is not worth reading: int() refuses it.
        return _clamp(int(node.value)) if len(node.value) < 12 else LARGEST_PAGE
    return None


def _clamp(size: int) -> int:
    return min(max(size, 1), LARGEST_PAGE)


def _variable_sizes(operation: OperationDefinitionNode, variables: Mapping[str, object]) -> dict[str, int | None]:
    """The page size that each variable would stand for; None where it names none (null, absent, not a number)."""
    sizes: dict[str, int | None] = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        if name in variables:
            value = variables[name]
            # JSON's 20.0 is a valid Int; a bool is none, though Python counts it as one.
            number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**12
            sizes[name] = _clamp(int(value)) if isinstance(value, int | float) and number else None
        elif definition.default_value is not None:
            sizes[name] = _size(definition.default_value, {})
    return sizes


def _beside(one: Cost, other: Cost) -> Cost:
    """Two selections of one set: counts add up, depth and nodes are the larger."""
    return Cost(
        depth=max(one.depth, other.depth),
        aliases=one.aliases + other.aliases,
        fields=one.fields + other.fields,
        directives=one.directives + other.directives,
        root_fields=one.root_fields + other.root_fields,
        nodes=max(one.nodes, other.nodes),
        varies=one.varies or other.varies,
    )


def _larger(one: Cost, other: Cost) -> Cost:
    """Field by field; `varies` if either does."""
    return Cost(
        depth=max(one.depth, other.depth),
        aliases=max(one.aliases, other.aliases),
        fields=max(one.fields, other.fields),
        directives=max(one.directives, other.directives),
        root_fields=max(one.root_fields, other.root_fields),
        nodes=max(one.nodes, other.nodes),
        varies=one.varies or other.varies,
    )


def _shapes_of(schema: GraphQLSchema) -> dict[tuple[str, str], _Shape]:
    """The shape of every field of the schema, by the names of its type and its own."""
    owners = [kind for kind in schema.type_map.values() if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)]
    pages = {get_named_type(field.type).name for owner in owners for field in owner.fields.values() if _is_page(field)}
    shapes: dict[tuple[str, str], _Shape] = {}
    for owner in owners:
        for name, field in owner.fields.items():
            below = get_named_type(field.type)
            # A page's own lists (edges, nodes) hold what the page's size has counted already.
            bare = is_list_type(get_nullable_type(field.type)) and is_composite_type(below) and owner.name not in pages
            shapes[owner.name, name] = _Shape(
                below.name, _Page(_default_size(field)) if _is_page(field) else BARE_LIST if bare else 1
            )
    return shapes


def _is_page(field: GraphQLField) -> bool:
    named = get_named_type(field.type)
    return named.name.endswith("Connection") or bool({"first", "last"} & field.args.keys())


def _default_size(field: GraphQLField) -> int:
    argument = field.args.get("first")
    default = argument.default_value if argument else None
    return _clamp(default) if isinstance(default, int) else DEFAULT_PAGE


def _leaves_first(fragments: Mapping[str, FragmentDefinitionNode]) -> list[str]:
    """Names of fragments, each after those it spreads; a spread that closes a cycle is passed over."""
    order: list[str] = []
    entered: set[str] = set()
    for root in fragments:
        path = [] if root in entered else [(root, iter(_spreads(fragments[root])))]
        entered.add(root)
        while path:
            name, spreads = path[-1]
            if (spread := next(spreads, None)) is None:
                order.append(name)
                path.pop()
            elif spread in fragments and spread not in entered:
                entered.add(spread)
                path.append((spread, iter(_spreads(fragments[spread]))))
    return order


def _spreads(definition: FragmentDefinitionNode) -> list[str]:
    names: list[str] = []
    waiting = [definition.selection_set]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FragmentSpreadNode):
                names.append(node.name.value)
            elif below := getattr(node, "selection_set", None):
                waiting.append(below)
    return names
