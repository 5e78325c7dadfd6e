"""Every list and page of the contract, as documents: in each order, and under each filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bench.growing.rows import COMMON, PARENT, RARE, SHARED, row_id
from core.ids import to_global_id

ORDERS: Final = ("POSITION", "DUE", "CREATED", "UPDATED", "PRIORITY")
BUCKETS: Final = ("OVERDUE", "TODAY", "TOMORROW", "THIS_WEEK", "NEXT_WEEK", "LATER", "NONE")
PAGE: Final = "{ edges { cursor node { id } } pageInfo { hasNextPage endCursor } }"
WHOLE: Final = (
    "{ edges { node { id title isCompleted dueDate dueAt priority position version } } pageInfo { endCursor } }"
)


@dataclass(frozen=True)
class Listed:
    """A list to be read."""

    name: str
    document: str
    variables: dict[str, Any] = field(default_factory=dict)  # Any: JSON

    @property
    def ordered(self) -> bool:
        """Whether an index gives it in its order, so that nothing has to be sorted."""
        unfiltered = "due" not in self.variables.get("filter", {})
        return unfiltered and self.name.startswith(("tasks by", "tasks open by", "tasks done by", "tasks the last by"))


def lists(user: int) -> tuple[Listed, ...]:
    """All of them, with the ids of that user's rows."""
    return (*_others(user), *_tasks_lists(user))


def _id(kind: str, user: int, number: int) -> str:
    return to_global_id(kind, row_id(user, number))


def _tasks(name: str, filter_: dict[str, Any] | None = None, **arguments: str) -> Listed:
    given = "".join(f", {argument}: {value}" for argument, value in ({"first": "20"} | arguments).items() if value)
    document = f"query ($filter: TaskFilter, $after: String) {{ tasks(filter: $filter, after: $after{given}) {WHOLE} }}"
    return Listed(f"tasks {name}", document, {"filter": filter_ or {}})


def _tasks_lists(user: int) -> Iterator[Listed]:
    for order in ORDERS:
        for direction in ("ASC", "DESC"):
            named = f"by {order} {direction}"
            yield _tasks(named, orderBy=order, direction=direction)
            yield _tasks(f"open {named}", {"isCompleted": False}, orderBy=order, direction=direction)
        yield _tasks(f"done by {order}", {"isCompleted": True}, orderBy=order)
        yield _tasks(f"the last by {order}", orderBy=order, first="", last="20")
        yield _tasks(f"of a rare label by {order}", {"labelIds": [_id("Label", user, RARE)]}, orderBy=order)
        yield _tasks(f"of a common label by {order}", {"labelIds": [_id("Label", user, COMMON)]}, orderBy=order)
        yield _tasks(f"of high priority by {order}", {"priorityAtLeast": "HIGH"}, orderBy=order)
        yield _tasks(f"of a parent by {order}", {"parentId": _id("Task", user, PARENT)}, orderBy=order)
        yield _tasks(f"without parent by {order}", {"isSubtask": False}, orderBy=order)
        for bucket in BUCKETS:
            yield _tasks(f"{bucket} by {order}", {"due": bucket}, orderBy=order, first="5")
            yield _tasks(f"open {bucket} by {order}", {"due": bucket, "isCompleted": False}, orderBy=order, first="5")
    yield _tasks("deleted as well", {"includeDeleted": True})
    yield _tasks(
        "due between by DUE", {"dueAfter": "2026-01-01T00:00:00Z", "dueBefore": "2026-01-08T00:00:00Z"}, orderBy="DUE"
    )
    yield _tasks("with a common text", {"text": "word1"})
    yield _tasks("with a rare text", {"text": "no such text"})
    yield _tasks("with a rare part of a word", {"text": "xyzz"})
    yield _tasks("with a number", {"text": "task 77 "})


def _others(user: int) -> Iterator[Listed]:
    conversation = _id("Conversation", user, 1)

    def calls(name: str, **filter_: str) -> Listed:
        document = f"query ($filter: ToolCallFilter) {{ toolCalls(first: 20, filter: $filter) {PAGE} }}"
        return Listed(f"toolCalls {name}", document, {"filter": filter_})

    def of_conversation(name: str, field_: str) -> Listed:
        document = f"query ($id: ID!) {{ conversation(id: $id) {{ {field_} {PAGE} }} }}"
        return Listed(f"conversation.{name}", document, {"id": conversation})

    for kind in ("", "(filter: {isActive: true})", "(filter: {isActive: false})", "(last: 20)"):
        yield Listed(f"conversations{kind}", f"{{ conversations{kind} {PAGE} }}")
    for rest in ("", ", first: 20"):
        document = f"query ($id: ID!) {{ messages(conversationId: $id{rest}) {PAGE} }}"
        yield Listed(f"messages{rest}", document, {"id": conversation})
    yield of_conversation("messages", "messages")
    yield of_conversation("toolCallHistory", "toolCallHistory")
    yield of_conversation("toolCallHistory the last", "toolCallHistory(last: 20)")
    yield calls("all")
    yield calls("of a conversation", conversationId=conversation)
    yield calls("of a task", taskId=_id("Task", user, SHARED))
    yield calls("that wait", status="PENDING")
    yield calls("that update", operation="UPDATE")
    yield calls("of a tool", toolName="add_task")
    yield Listed("labels", "{ labels { id name color } }")
    history = f"query ($id: ID!) {{ task(id: $id) {{ history(first: 20) {PAGE} }} }}"
    yield Listed("task.history", history, {"id": _id("Task", user, SHARED)})
    subtasks = "query ($id: ID!) { task(id: $id) { subtasks { id title parent { id } labels { id } } } }"
    yield Listed("task.subtasks", subtasks, {"id": _id("Task", user, PARENT)})
    nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Task { title labels { name } } } }"
    yield Listed("nodes", nodes, {"ids": [_id("Task", user, number) for number in range(1, 21)]})
    changes = """query ($after: String, $kinds: [ChangeKind!]) {
      changes(first: 50, after: $after, kinds: $kinds) { cursor changes { cursor } }
    }"""
    yield Listed("changes", changes)
    yield Listed("changes of a kind", changes, {"kinds": ["LABEL"]})
