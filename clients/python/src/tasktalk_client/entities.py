"""The entities as they come: the JSON of the schema's types, with the fields that the client's own documents select.

Ids are the schema's global ids, instants RFC 3339 in UTC, days YYYY-MM-DD.
"""

from __future__ import annotations

from typing import Any, TypedDict


class Reference(TypedDict):
    id: str


class Label(TypedDict):
    id: str
    name: str
    color: str | None
    version: int


class Parent(TypedDict):
    id: str


class Task(TypedDict):
    id: str
    title: str
    description: str | None
    isCompleted: bool
    completedAt: str | None
    dueDate: str | None
    dueAt: str | None
    timeZone: str | None
    recurrence: str | None
    recurrenceFrom: str
    remindAt: str | None
    remindBefore: int | None
    snoozedUntil: str | None
    priority: str
    labels: list[Label]
    parent: Parent | None
    position: str
    version: int
    createdAt: str
    updatedAt: str
    deletedAt: str | None


class Conversation(TypedDict):
    id: str
    title: str
    titleSource: str
    isActive: bool
    inactiveReason: str | None
    idleExpiresAt: str | None
    createdAt: str
    updatedAt: str
    lastActivityAt: str
    version: int


class Choice(TypedDict):
    label: str
    content: str


class Message(TypedDict):
    id: str
    conversation: Reference
    turn: Reference
    sender: str
    content: str
    createdAt: str
    idempotencyKey: str | None
    choices: list[Choice]


class Error(TypedDict):
    code: str
    message: str


class TurnError(Error):
    retryable: bool


class NamedTask(TypedDict):
    id: str
    title: str


class ToolCall(TypedDict):
    id: str
    conversation: Reference
    turn: Reference
    toolName: str
    operation: str
    parameters: dict[str, Any]  # JSON by the tool's schema
    status: str
    error: Error | None
    tasks: list[NamedTask]
    needsConfirmation: bool
    createdAt: str
    executedAt: str | None
    undoneAt: str | None
    version: int


class Reply(TypedDict):
    id: str
    content: str


class Notice(TypedDict):
    """What holds a running turn up: RETRYING or FALLBACK."""

    kind: str
    message: str
    until: str | None


class Turn(TypedDict):
    """`toolCalls` come with a followed turn, and not with a change."""

    id: str
    conversation: Reference
    message: Reference
    status: str
    attempt: int
    notice: Notice | None
    confirmUntil: str | None
    version: int
    draft: str
    reply: Reply | None
    error: TurnError | None
    createdAt: str
    startedAt: str | None
    finishedAt: str | None
    canUndo: bool


class FollowedTurn(Turn):
    toolCalls: list[ToolCall]


class Settings(TypedDict):
    id: str
    timeZone: str
    locale: str
    confirm: str
    version: int
