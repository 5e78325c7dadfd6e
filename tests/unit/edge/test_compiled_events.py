"""Events that are written past the executor are what the executor would have made of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import strawberry
from graphql import parse
from graphql.execution import Executor, execute_subscription_event
from hypothesis import given, settings
from hypothesis import strategies as st

from core.settings import Settings
from graphql_api.compiled import EventWriters
from graphql_api.documents import PreparedQuery
from graphql_api.schema import make_schema
from graphql_api.transport.encoding import encode
from models.changes import LoggedChange
from models.enums import ChangeKind
from resolvers.changes import Progress, event_of
from resolvers.conversations.live import TextDelta, TurnEnded, TurnSnapshot

SCHEMA = make_schema(Settings())
HERE = UUID(int=7)
FEW = settings(max_examples=60)
FLAGS = "$yes: Boolean!, $no: Boolean = false"

DIRECTIVES = st.sampled_from(
    ["", "", "", "@include(if: $yes)", "@skip(if: $yes)", "@include(if: $no)", "@skip(if: true)"]
)


def fields(*names: str) -> st.SearchStrategy[str]:
    """A field, perhaps under another name (which always means that field), perhaps on condition."""
    aliases = st.sampled_from(["", "", "one", "two"])
    return st.builds(
        lambda name, alias, directive: f"{alias + name.strip('_') + ': ' if alias else ''}{name} {directive}",
        st.sampled_from([*names, "__typename"]),
        aliases,
        DIRECTIVES,
    )


def selections(of: dict[str, tuple[str, ...]], anywhere: tuple[str, ...], above: str) -> st.SearchStrategy[str]:
    """Selection sets of an abstract type `above`, which has the fields `anywhere`."""

    def fragments(inner: st.SearchStrategy[str], kind: str) -> st.SearchStrategy[str]:
        return st.builds(lambda directive, body: f"... {kind} {directive} {body}", DIRECTIVES, inner)

    def sets(one: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.lists(one, min_size=1, max_size=3).map(lambda all_: "{ " + " ".join(all_) + " }")

    inside = [
        fragments(sets(fields(*names) | fragments(sets(fields(*names)), "")), f"on {kind}")
        for kind, names in of.items()
    ]
    common = fields(*anywhere)
    return sets(
        common | st.one_of(inside) | fragments(sets(common | st.one_of(inside)), f"on {above}") | st.just("...F")
    )


TURNS = selections(
    {"TextDelta": ("turnId", "attempt", "offset", "text"), "TurnSnapshot": ("attempt", "draft")}, (), "TurnUpdate"
).map(
    lambda body: (
        f'subscription S({FLAGS}) {{ other: turn(id: "x") {body} }}'
        " fragment F on TurnUpdate { __typename ... on TextDelta @include(if: $yes) { text again: text } }"
    )
)
CHANGES = selections(
    {"TaskChanged": ("taskId", "action", "actor"), "MessageAdded": ("conversationId", "messageId")},
    ("cursor", "at"),
    "Change",
).map(
    lambda body: (
        f"subscription S({FLAGS}) {{ changes {body} }} fragment F on Change {{ at ... on TaskChanged {{ taskId }} }}"
    )
)

VALUES: st.SearchStrategy[Any] = (
    st.text() | st.integers() | st.sampled_from([None, True, 1.5, "\ud83d", b"x", ["x"], 2**31])
)
DELTAS = st.builds(
    TextDelta,
    turn_id=VALUES,
    attempt=st.integers(0, 9) | VALUES,
    offset=st.integers(0, 9) | VALUES,
    text=st.text() | VALUES,
)


def logged(kind: str, conversation: UUID | None = HERE) -> Any:
    at = datetime(2026, 3, 1, 12, 30, 0, 1, tzinfo=UTC)
    change = LoggedChange("u", 3, at, kind, HERE, conversation, "CREATED", "USER", None, None)
    return event_of(change, HERE)


LOGGED = [
    logged(ChangeKind.TASK, None),
    logged(ChangeKind.MESSAGE),
    Progress(cursor="c", at=datetime(2026, 1, 1, tzinfo=UTC)),
]


def executor_of(document: str, **variables: Any) -> Executor[Any]:
    """Of a document that need not use all of its variables and fragments."""
    query = PreparedQuery(document)
    query.document, query.operation_name = parse(document), None
    built = SCHEMA.executor(query, variables, None)
    assert isinstance(built, Executor), built
    return built


def compare(executor: Executor[Any], event: object) -> bool:
    """Whether the event was written past the executor; it must be what the executor makes of it, to the byte."""
    written = EventWriters(executor).write(event)
    result: Any = execute_subscription_event(executor.build_per_event_executor(event))
    try:
        executed = None if result.errors else encode({"data": result.data})
    except TypeError:  # half a character
        executed = None
    assert written == executed or (written is None and executed is not None)
    return written is not None


@FEW
@given(TURNS, DELTAS, st.booleans())
def test_a_delta_is_written_as_it_would_be_executed(document: str, delta: TextDelta, yes: bool) -> None:
    compare(executor_of(document, yes=yes), delta)


@FEW
@given(TURNS, st.text(), st.booleans())
def test_a_sound_delta_is_never_executed(document: str, text: str, yes: bool) -> None:
    delta = TextDelta(turn_id=strawberry.ID("VHVybg"), attempt=1, offset=len(text), text=text)
    assert compare(executor_of(document, yes=yes, no=not yes), delta)


@FEW
@given(CHANGES, st.sampled_from(LOGGED), st.booleans())
def test_a_change_of_which_only_plain_fields_are_asked_is_written_as_it_would_be_executed(
    document: str, change: object, yes: bool
) -> None:
    compare(executor_of(document, yes=yes), change)


@pytest.mark.parametrize(
    ("document", "event"),
    [
        ('subscription S { turn(id: "x") { ... on TurnEnded { turn { id } } } }', TurnEnded(turn_key=HERE)),
        ("subscription S { changes { cursor ... on TaskChanged { task { id } } } }", LOGGED[0]),
        ('subscription S { turn(id: "x") { ... on TextDelta { text } } }', "no event at all"),
    ],
)
def test_what_needs_more_than_the_event_is_left_to_the_executor(document: str, event: object) -> None:
    writers = EventWriters(executor_of(document))
    assert writers.write(event) is None


def test_a_change_with_its_ids_is_not_executed() -> None:
    document = "subscription { changes { __typename cursor at ... on TaskChanged { id: taskId action actor } } }"
    assert compare(executor_of(document), LOGGED[0])


def test_an_event_of_which_nothing_is_asked_is_an_empty_object() -> None:
    document = 'subscription S($yes: Boolean!) { turn(id: "x") { ... on TextDelta @skip(if: $yes) { text } } }'
    snapshot = TurnSnapshot(turn_key=HERE, attempt=1, draft="", offset=0)
    assert EventWriters(executor_of(document, yes=True)).write(snapshot) == b'{"data":{"turn":{}}}'
