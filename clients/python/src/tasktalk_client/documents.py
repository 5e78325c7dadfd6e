"""What the client asks the server, and which requests may be sent twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_LABEL: Final = "fragment LabelFields on Label { id name color version }"
_TASK: Final = """fragment TaskFields on Task {
  id title description isCompleted completedAt dueDate dueAt timeZone recurrence recurrenceFrom
  remindAt remindBefore snoozedUntil priority labels { id name color version }
  parent { id } position version createdAt updatedAt deletedAt
}"""
_CONVERSATION: Final = """fragment ConversationFields on Conversation {
  id title titleSource isActive inactiveReason idleExpiresAt createdAt updatedAt lastActivityAt version
}"""
_MESSAGE: Final = """fragment MessageFields on Message {
  id conversation { id } turn { id } sender content createdAt idempotencyKey choices { label content }
}"""
_CALL: Final = """fragment CallFields on ToolCall {
  id conversation { id } turn { id } toolName operation parameters status error { code message }
  tasks { id title } needsConfirmation createdAt executedAt undoneAt version
}"""
_TURN: Final = """fragment TurnFields on Turn {
  id conversation { id } message { id } status attempt notice { kind message until } confirmUntil version draft
  reply { id content }
  error { code message retryable } createdAt startedAt finishedAt canUndo
}"""
_SETTINGS: Final = "fragment SettingsFields on Settings { id timeZone locale confirm version }"


def _with(document: str, *fragments: str) -> str:
    return "\n".join([document, *fragments])


CHANGES: Final = _with(
    """subscription Changes($after: String, $kinds: [ChangeKind!], $conversationId: ID) {
  changes(after: $after, kinds: $kinds, conversationId: $conversationId) {
    __typename cursor at
    ... on MessageAdded { conversationId messageId message { ...MessageFields } }
    ... on ConversationChanged { conversationId conversation { ...ConversationFields } }
    ... on TurnChanged { conversationId turnId turn { ...TurnFields } }
    ... on ToolCallChanged { conversationId toolCallId toolCall { ...CallFields } }
    ... on TaskChanged { taskId action actor task { ...TaskFields } toolCall { id turn { id } } }
    ... on LabelChanged { labelId label { ...LabelFields } }
    ... on SettingsChanged { settings { ...SettingsFields } }
    ... on ReminderDue { taskId task { ...TaskFields } }
  }
}""",
    _MESSAGE,
    _CONVERSATION,
    _TURN,
    _CALL,
    _TASK,
    _LABEL,
    _SETTINGS,
)
"""All changes, with all that `Store` keeps."""

FOLLOW_TURN: Final = _with(
    """subscription FollowTurn($id: ID!) {
  turn(id: $id) {
    __typename
    ... on TurnSnapshot { attempt draft turn { ...TurnFields toolCalls { ...CallFields } } }
    ... on TextDelta { attempt offset text }
    ... on ToolCallUpdate { toolCall { ...CallFields } }
    ... on TurnEnded { turn { ...TurnFields toolCalls { ...CallFields } } }
  }
}""",
    _TURN,
    _CALL,
)

READ_TURN: Final = _with(
    "query ReadTurn($id: ID!) { turn(id: $id) { ...TurnFields toolCalls { ...CallFields } } }", _TURN, _CALL
)

START: Final = _with(
    """query Start($conversations: Int!, $messages: Int!) {
  viewer { cursor settings { ...SettingsFields } }
  labels { ...LabelFields }
  tasks(first: 100) { edges { node { ...TaskFields } } pageInfo { hasNextPage endCursor } }
  conversations(first: $conversations) {
    edges { node {
      ...ConversationFields
      messages(last: $messages) { edges { node { ...MessageFields } } }
      activeTurn { ...TurnFields toolCalls { ...CallFields } }
    } }
  }
}""",
    _SETTINGS,
    _LABEL,
    _TASK,
    _CONVERSATION,
    _MESSAGE,
    _TURN,
    _CALL,
)
"""The present state and the cursor to go on from, in one snapshot."""

MORE_TASKS: Final = _with(
    """query MoreTasks($after: String!) {
  tasks(first: 100, after: $after) { edges { node { ...TaskFields } } pageInfo { hasNextPage endCursor } }
}""",
    _TASK,
)

REFRESH: Final = """mutation Refresh($input: RefreshAuthenticationInput!) {
  refreshAuthentication(input: $input) { authenticationToken { expiresAt } userErrors { code message } }
}"""

_UNREAD: Final = re.compile(r'#[^\n]*|"""(?:\\"""|[^"]|"(?!""))*"""|"(?:\\.|[^"\\\n])*"')
_OPERATION: Final = re.compile(r"[{}()]|\bmutation\b")


def is_mutation(document: str) -> bool:
    """Whether a mutation stands in the document: the word outside of brackets, strings and comments.

    An operation of that name is taken for one too, which is the safe way to be wrong.
    """
    depth = 0
    for found in _OPERATION.findall(_UNREAD.sub(" ", document)):
        if found == "mutation" and depth == 0:
            return True
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(found, 0)
    return False


def is_repeatable(document: str, variables: Mapping[str, object]) -> bool:
    """Whether it may be sent again where its answer was lost: it changes nothing, or has an idempotency key."""
    given = variables.get("input")
    keyed = isinstance(given, Mapping) and bool(given.get("idempotencyKey"))
    return keyed or bool(variables.get("idempotencyKey")) or not is_mutation(document)
