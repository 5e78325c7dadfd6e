"""Which fields of a target a selection asks for: so that expressions are computed only where they are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode


def names_below(
    nodes: Iterable[FieldNode], path: Sequence[str], fragments: Mapping[str, FragmentDefinitionNode]
) -> frozenset[str]:
    """The names of the fields selected under `path` (e.g. edges, node) of these fields, fragments included."""
    sets = [node.selection_set for node in nodes if node.selection_set]
    for name in path:
        below = [field for one in sets for field in _fields(one, fragments, set()) if field.name.value == name]
        sets = [field.selection_set for field in below if field.selection_set]
    return frozenset(field.name.value for one in sets for field in _fields(one, fragments, set()))


def _fields(
    selected: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[FieldNode]:
    for selection in selected.selections:
        match selection:
            case FieldNode():
                yield selection
            case InlineFragmentNode():
                yield from _fields(selection.selection_set, fragments, seen)
            case FragmentSpreadNode() if selection.name.value not in seen:
                seen.add(selection.name.value)
                if fragment := fragments.get(selection.name.value):
                    yield from _fields(fragment.selection_set, fragments, seen)
