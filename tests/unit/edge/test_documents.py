"""Documents are prepared once a text, within limits, and their errors give nothing away."""

from __future__ import annotations

import pytest
from graphql import OperationType, get_introspection_query

from graphql_api.documents import MAX_ERRORS, DocumentPolicy, DocumentRefused, Documents
from graphql_api.errors import TooComplex
from graphql_api.limits import DocumentLimits
from tests.support.edge_app import make_schema


def documents(policy: DocumentPolicy | None = None) -> Documents:
    return make_schema(policy).documents


def refused(found: Documents, text: str, *arguments: object) -> list[str]:
    with pytest.raises(DocumentRefused) as caught:
        found.prepare(text, *arguments)  # type: ignore[arg-type]  # the tests pass what a request would hold
    return [error.message for error in caught.value.errors]


def test_a_text_is_parsed_and_validated_once() -> None:
    found = documents()
    first, second = found.prepare("{ hello }"), found.prepare("{ hello }")
    assert first.document is second.document
    assert (str(first), first.operation, len(found)) == ("{ hello }", OperationType.QUERY, 1)


def test_the_cache_is_bounded_by_entries_tokens_and_length() -> None:
    found = documents(DocumentPolicy(cached=3))
    for number in range(10):
        found.prepare(f"query Q{number} {{ hello }}")
    assert len(found) == 3
    by_tokens = documents(DocumentPolicy(cached_tokens=12))
    for number in range(10):
        by_tokens.prepare(f"query Q{number} {{ hello }}")
    assert len(by_tokens) == 2
    by_length = documents(DocumentPolicy(cached_characters=20))
    by_length.prepare("{ hello }" + " " * 20)
    assert len(by_length) == 0


def test_the_least_recently_used_text_goes_first() -> None:
    found = documents(DocumentPolicy(cached=2))
    kept = found.prepare("{ hello }").document
    found.prepare("{ who }")
    found.prepare("{ hello }")
    found.prepare("{ contextNumber }")
    assert found.prepare("{ hello }").document is kept


def test_invalid_documents_are_refused_again_from_the_cache() -> None:
    found = documents()
    assert refused(found, "{ nope }") == refused(found, "{ nope }") == ["Cannot query field 'nope' on type 'Query'."]
    assert len(found) == 1


def test_a_document_over_a_limit_is_refused_before_validation() -> None:
    found = documents()
    messages = refused(found, "{ " + " ".join(f"a{i}: nope" for i in range(16)) + " }")
    assert messages == ["The document is too complex: aliases is limited to 15, this asks for 16."]


def test_too_many_tokens_are_too_complex() -> None:
    found = documents(DocumentPolicy(limits=DocumentLimits(tokens=5)))
    with pytest.raises(DocumentRefused) as caught:
        found.prepare("{ hello who hello who }")
    assert isinstance(caught.value.errors[0], TooComplex)
    assert "tokens is limited to 5" in caught.value.errors[0].message
    documents(DocumentPolicy(limits=DocumentLimits(tokens=0))).prepare("{" + " hello" * 299 + "}")


def test_a_cached_document_is_measured_again_for_other_variables() -> None:
    found = documents(DocumentPolicy(limits=DocumentLimits(nodes=50)))
    text = "query($n: Int) { tree { leaves(first: $n) { edges { node { name } } } } }"
    found.prepare(text, None, {"n": 50})
    assert "nodes is limited to 50, this asks for 51" in refused(found, text, None, {"n": 51})[0]
    found.prepare(text, None, {"n": 50})


def test_a_cached_document_is_measured_for_each_of_its_operations() -> None:
    found = documents(DocumentPolicy(limits=DocumentLimits(nodes=50)))
    text = "query A { hello } query B { tree { leaves(first: 60) { edges { node { name } } } } }"
    found.prepare(text, "A")
    assert "nodes is limited to 50" in refused(found, text, "B")[0]


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("", None, "Syntax Error: Unexpected <EOF>."),
        ("{ a ", None, "Syntax Error: Expected Name, found <EOF>."),
        ("query A { hello } query B { who }", None, "Must provide operation name"),
        ("query A { hello }", "C", "Unknown operation named 'C'."),
        ("fragment F on Query { hello }", None, "Fragment 'F' is never used."),
        ("type A { b: Int }", None, "not executable"),
    ],
)
def test_what_can_not_run_is_refused(text: str, name: str | None, said: str) -> None:
    assert said in " ".join(refused(documents(), text, name))


def test_suggestions_are_left_out_unless_enabled() -> None:
    assert "Did you mean" not in refused(documents(), "{ hell }")[0]
    assert "Did you mean" in refused(documents(DocumentPolicy(suggestions=True)), "{ hell }")[0]


def test_introspection_is_refused_unless_enabled() -> None:
    assert "introspection" in refused(documents(), "{ __schema { queryType { name } } }")[0].lower()
    documents(DocumentPolicy(introspection=True)).prepare(get_introspection_query())
    documents().prepare("{ __typename }")


def test_validation_stops_after_a_bounded_number_of_errors() -> None:
    messages = refused(documents(), "{ " + " ".join(f"x{i}" for i in range(200)) + " }")
    assert len(messages) == MAX_ERRORS + 1


async def test_the_schema_runs_bare_texts_through_the_same_cache() -> None:
    schema = make_schema()
    for _ in range(2):
        result = await schema.run("{ hello }")
        assert (result.data, result.errors) == ({"hello": "world"}, None)
    assert len(schema.documents) == 1
    broken = await schema.run("{ nope }")
    assert [error.message for error in broken.errors or ()] == ["Cannot query field 'nope' on type 'Query'."]
