"""What a document is found to cost."""

from __future__ import annotations

import pytest
from graphql import DocumentNode, parse

from graphql_api.limits import Cost, DocumentLimits
from graphql_api.meter import Meter
from tests.support.edge_app import make_schema

METER = Meter(make_schema()._schema)


def measured(text: str, name: str | None = None, variables: dict[str, object] | None = None) -> Cost:
    return METER.measure(parse(text), name, variables)


def test_counts_depth_fields_aliases_directives_and_root_fields() -> None:
    cost = measured("query @a { x: tree @b { name } hello @c }")
    assert (cost.depth, cost.fields, cost.aliases, cost.directives, cost.root_fields) == (2, 3, 1, 3, 2)


def test_fragments_count_wherever_they_are_spread() -> None:
    cost = measured("{ a: tree { ...F } b: tree { ...F ... on Tree { ...F } } } fragment F on Tree { x: name y: name }")
    assert (cost.fields, cost.aliases, cost.depth, cost.root_fields) == (8, 8, 2, 2)


def test_nested_fragments_are_weighed_once_each() -> None:
    chain = " ".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(80))
    cost = measured(f"{{ ...F0 }} {chain} fragment F80 on Query {{ hello }}")
    assert cost.fields == 2**80
    assert cost.beyond(DocumentLimits()) is not None


def test_cycles_of_fragments_end() -> None:
    cost = measured("{ ...A } fragment A on Query { hello ...B } fragment B on Query { hello ...A }")
    assert cost.fields >= 2


def test_deep_nesting_needs_no_deep_stack() -> None:
    deep = "{ tree " + "{ children " * 190 + "{ name }" + " }" * 190 + " }"
    assert measured(deep).depth == 192
    chain = " ".join(f"fragment F{i} on Query {{ tree {{ ...F{i + 1} }} }}" for i in range(3000))
    assert measured(f"{{ ...F0 }} {chain}").depth == 3000


@pytest.mark.parametrize(
    ("arguments", "nodes"),
    [
        ("", 20),
        ("(first: 7)", 7),
        ("(last: 9)", 9),
        ("(first: 3, last: 50)", 50),
        ("(first: 0)", 1),
        ("(first: -5)", 1),
        ("(first: 99999999999999999999)", 100),
        ("(first: " + "9" * 5000 + ")", 100),
        ('(first: "x")', 20),
        ("(first: null)", 20),
    ],
)
def test_a_page_counts_its_size(arguments: str, nodes: int) -> None:
    cost = measured(f"{{ tree {{ leaves{arguments} {{ edges {{ node {{ name }} }} }} }} }}")
    assert (cost.nodes, cost.varies) == (nodes, False)


@pytest.mark.parametrize(
    ("variables", "nodes"),
    [
        ({"n": 30}, 30),
        ({"n": 30.0}, 30),
        ({"n": 10**30}, 20),
        ({"n": 10**6}, 100),
        ({"n": True}, 20),
        ({"n": "30"}, 20),
        ({"n": None}, 20),
        ({"n": [1]}, 20),
        ({}, 5),
        (None, 5),
    ],
)
def test_a_page_sized_by_a_variable_is_looked_up(variables: dict[str, object] | None, nodes: int) -> None:
    text = "query($n: Int = 5) { tree { ...L } } fragment L on Tree { leaves(first: $n) { edges { node { name } } } }"
    cost = measured(text, variables=variables)
    assert (cost.nodes, cost.varies) == (nodes, True)


def test_bare_lists_count_ten_and_multiply_along_a_path() -> None:
    assert (
        measured("{ tree { children { children { leaves(first: 3) { edges { node { tree { name } } } } } } } }").nodes
        == 300
    )


def test_paths_beside_each_other_do_not_multiply() -> None:
    assert measured("{ tree { children { name } leaves(first: 30) { edges { node { name } } } } }").nodes == 30


def test_nodes_are_those_of_the_named_operation_and_the_rest_of_every_one() -> None:
    text = "query A { hello } query B { tree { x: leaves(first: 50) { edges { node { name } } } } }"
    assert (measured(text, "A").nodes, measured(text, "B").nodes) == (1, 50)
    assert measured(text, "A").aliases == 1


def test_unused_fragments_are_measured_as_well() -> None:
    assert measured("{ hello } fragment F on Query { " + "hello " * 400 + "}").fields == 400


@pytest.mark.parametrize(
    "text", ["{ nope { nada(first: 5) { x } } }", "{ ...Nope }", "{ ... on Nope { x } }", "subscription { nope }"]
)
def test_what_the_schema_does_not_know_counts_once(text: str) -> None:
    assert measured(text).nodes == 1


def test_introspection_has_no_depth_and_no_nodes() -> None:
    cost = measured("{ __schema { types { fields { type { ofType { ofType { name } } } } } } }")
    assert (cost.depth, cost.nodes) == (1, 1)


@pytest.mark.parametrize(
    ("cost", "named"),
    [
        (Cost(depth=13), "depth is limited to 12, this asks for 13"),
        (Cost(aliases=16), "aliases is limited to 15"),
        (Cost(fields=301), "fields is limited to 300"),
        (Cost(directives=11), "directives is limited to 10"),
        (Cost(nodes=10_001), "nodes is limited to 10000"),
        (Cost(fields=2**200), "this asks for far more"),
    ],
)
def test_the_complaint_names_limit_and_value(cost: Cost, named: str) -> None:
    assert named in (cost.beyond(DocumentLimits()) or "")


def test_zero_turns_a_limit_off_and_the_limit_itself_is_allowed() -> None:
    off = DocumentLimits(tokens=0, depth=0, aliases=0, fields=0, directives=0, nodes=0)
    assert Cost(10**6, 10**6, 10**6, 10**6, 10**6, 10**6).beyond(off) is None
    assert Cost(depth=12, aliases=15, fields=300, directives=10, nodes=10_000).beyond(DocumentLimits()) is None


def test_an_empty_document_costs_nothing() -> None:
    assert METER.measure(DocumentNode(definitions=())) == Cost()
