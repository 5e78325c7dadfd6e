"""Exceptions become the contract's errors, and nothing else of them gets out."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
from graphql import GraphQLError, Source

from core.clock import set_to
from core.errors import DomainError, ErrorCode, RequestError, RequestErrorCode, Unauthenticated
from graphql_api.errors import MASKED, Presenter, TooComplex
from tests.support.edge_app import SECRET, make_schema

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def wrapped(error: Exception) -> GraphQLError:
    """As graphql-core wraps what a resolver raises."""
    return GraphQLError(str(error), path=["tasks", 0], original_error=error)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (Unauthenticated(), "UNAUTHENTICATED", "A valid bearer token is needed."),
        (RequestError(RequestErrorCode.FORBIDDEN, "No."), "FORBIDDEN", "No."),
        (wrapped(RequestError(RequestErrorCode.FORBIDDEN, "No.")), "FORBIDDEN", "No."),
        (wrapped(DomainError(ErrorCode.INVALID, "Bad cursor.")), "DOCUMENT_INVALID", "Bad cursor."),
        (wrapped(DomainError(ErrorCode.QUOTA_EXCEEDED, "Enough.")), "RATE_LIMITED", "Enough."),
        (wrapped(DomainError(ErrorCode.INTERNAL, "Leak.")), "INTERNAL", MASKED),
        (wrapped(TimeoutError()), "TIMEOUT", "The server took too long to answer. Try again."),
        (TooComplex("Too deep."), "DOCUMENT_TOO_COMPLEX", "Too deep."),
        (GraphQLError("Syntax Error: x"), "DOCUMENT_INVALID", "Syntax Error: x"),
        (wrapped(GraphQLError(f"Int cannot represent {SECRET}")), "INTERNAL", MASKED),
        (wrapped(ValueError(SECRET)), "INTERNAL", MASKED),
        (GraphQLError(SECRET, original_error=ValueError(SECRET)), "INTERNAL", MASKED),
        (ValueError(SECRET), "INTERNAL", MASKED),
    ],
)
def test_every_exception_has_its_code_and_message(error: Exception, code: str, message: str) -> None:
    shown, faults = Presenter().present([error])
    assert (shown[0]["extensions"]["code"], shown[0]["message"]) == (code, message)
    assert faults[0].code.value == code


def test_a_driver_timeout_is_recognised_by_the_hook() -> None:
    assert Presenter(is_timeout=lambda error: isinstance(error, KeyError)).fault(KeyError()).code.value == "TIMEOUT"


def test_the_time_to_wait_is_shown_in_seconds() -> None:
    with set_to(NOON):
        error = DomainError(ErrorCode.RATE_LIMITED, "Later.", retry_at=NOON + timedelta(seconds=90))
        assert Presenter().fault(error).extensions == {"code": "RATE_LIMITED", "retryAfter": 90.0}


def test_the_place_of_an_error_is_shown() -> None:
    error = GraphQLError("x", source=Source("{ a }"), positions=[2], path=["a"], original_error=Unauthenticated())
    shown, _ = Presenter().present([error])
    assert (shown[0]["locations"], shown[0]["path"]) == ([{"line": 1, "column": 3}], ["a"])


def test_an_unexpected_error_is_logged_once_without_any_text_of_it(caplog: pytest.LogCaptureFixture) -> None:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(SECRET) from error
    except ValueError as error:
        caught = wrapped(error)
    with caplog.at_level(logging.DEBUG):
        Presenter().present([caught])
    assert len(caplog.records) == 1
    assert "tasks.0: builtins.ValueError from builtins.KeyError" in caplog.text
    assert "test_edge_errors.py" in caplog.text


async def test_neither_answer_nor_log_of_a_crash_quotes_query_or_variables(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        result = await make_schema().run("query($t: String!) { crash(text: $t) }", {"t": "canary-variable"})
        shown, _ = Presenter().present(result.errors or [])
    assert shown[0]["message"] == MASKED
    assert "canary-variable" not in caplog.text
    assert "query($t" not in caplog.text
    assert [record.name for record in caplog.records] == ["tasktalk.edge"]


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ('query($n: Int!) { echo(text: "x", number: $n) }', {"n": "many"}),
        ('query($n: Int!) { echo(text: "x", number: $n) }', {}),
        ('query($n: Int = 5) { echo(text: "x", number: $n) }', {"n": None}),
    ],
)
async def test_wrong_variables_are_the_documents_fault(text: str, variables: dict[str, object]) -> None:
    result = await make_schema().run(text, variables)
    shown, _ = Presenter().present(result.errors or [])
    assert [error["extensions"]["code"] for error in shown] == ["DOCUMENT_INVALID"]


def test_suggestions_in_errors_of_variables_are_cut_unless_enabled() -> None:
    error = GraphQLError("Value 'RED' does not exist in 'Hue' enum. Did you mean 'REED'?")
    assert Presenter().fault(error).message == "Value 'RED' does not exist in 'Hue' enum."
    assert "REED" in Presenter(suggestions=True).fault(error).message
