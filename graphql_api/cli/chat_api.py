"""What the terminal client asks of the API: its documents, and the shapes of the answers it reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from tasktalk_client import Client, OperationFailed
from tasktalk_client.errors import UNREADABLE

Shape = TypeVar("Shape", bound=BaseModel)

_TASK = "title dueDate dueAt timeZone priority isCompleted labels { name }"
_CALL = f"""id toolName status error {{ message }} tasks {{ {_TASK} }}
  result {{ __typename ... on TasksFound {{ totalCount }} }}"""
_TURN = f"id status reply {{ content }} error {{ message }} toolCalls {{ {_CALL} }}"

VIEWER: Final = "query Start { viewer { name email cursor } }"
TASKS: Final = f"""query OpenTasks {{
  tasks(first: 100, filter: {{isCompleted: false}}, orderBy: DUE) {{
    edges {{ node {{ {_TASK} }} }} pageInfo {{ hasNextPage }} totalCount
  }}
}}"""
SEND: Final = """mutation Say($input: SendMessageInput!) {
  sendMessage(input: $input) { conversation { id } turn { id } userErrors { code message retryAt } }
}"""
TURN: Final = f"query Turn($id: ID!) {{ turn(id: $id) {{ {_TURN} }} }}"
FOLLOW_TURN: Final = f"""subscription FollowTurn($id: ID!) {{
  turn(id: $id) {{
    __typename
    ... on TurnSnapshot {{ attempt draft turn {{ {_TURN} }} }}
    ... on TextDelta {{ attempt offset text }}
    ... on ToolCallUpdate {{ toolCall {{ {_CALL} }} }}
    ... on TurnEnded {{ turn {{ {_TURN} }} }}
  }}
}}"""
FOLLOW_CHANGES: Final = """subscription FollowChanges($after: String) {
  changes(after: $after, kinds: [MESSAGE, TASK, REMINDER]) {
    __typename cursor
    ... on MessageAdded { conversationId message { sender content turn { id } } }
    ... on TaskChanged { action task { title } toolCall { turn { id } } }
    ... on ReminderDue { task { title } }
  }
}"""


class Answer(BaseModel):
    """What the server says is data from outside: read strictly by shape, and only the fields that are shown."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class Label(Answer):
    name: str


class Task(Answer):
    title: str
    due_date: date | None = None
    due_at: datetime | None = None
    time_zone: str | None = None
    priority: str = "NONE"
    is_completed: bool = False
    labels: tuple[Label, ...] = ()


class Problem(Answer):
    message: str


class CallResult(Answer):
    """Only TasksFound has a count."""

    total_count: int | None = None


class Call(Answer):
    """`tasks` are those it touched, or would touch where it waits."""

    id: str
    tool_name: str
    status: str
    tasks: tuple[Task, ...] = ()
    error: Problem | None = None
    result: CallResult | None = None


class Said(Answer):
    content: str


class Turn(Answer):
    id: str
    status: str
    reply: Said | None = None
    error: Problem | None = None
    tool_calls: tuple[Call, ...] = ()


class TurnSnapshot(Answer):
    kind: Literal["TurnSnapshot"] = Field(alias="__typename")
    attempt: int
    draft: str
    turn: Turn


class TextDelta(Answer):
    """`offset` is in UTF-16 code units."""

    kind: Literal["TextDelta"] = Field(alias="__typename")
    attempt: int
    offset: int
    text: str


class ToolCallUpdate(Answer):
    kind: Literal["ToolCallUpdate"] = Field(alias="__typename")
    tool_call: Call


class TurnEnded(Answer):
    kind: Literal["TurnEnded"] = Field(alias="__typename")
    turn: Turn


TurnUpdate = Annotated[TurnSnapshot | TextDelta | ToolCallUpdate | TurnEnded, Field(discriminator="kind")]


class TurnData(Answer):
    """The data of `FOLLOW_TURN`."""

    turn: TurnUpdate


class Reference(Answer):
    id: str


class OfTurn(Answer):
    turn: Reference


class MessageSaid(Answer):
    sender: str
    content: str
    turn: Reference


class Change(Answer):
    """Any member of Change; what its kind doesn't have is None."""

    kind: str = Field(alias="__typename")
    cursor: str
    conversation_id: str | None = None
    message: MessageSaid | None = None
    action: str | None = None
    task: Task | None = None
    tool_call: OfTurn | None = None


class ChangeData(Answer):
    """The data of `FOLLOW_CHANGES`."""

    changes: Change


class UserError(Answer):
    code: str
    message: str
    retry_at: datetime | None = None


class SendPayload(Answer):
    conversation: Reference | None = None
    turn: Reference | None = None
    user_errors: tuple[UserError, ...] = ()


class Sent(Answer):
    """The data of `SEND`."""

    send_message: SendPayload


class TaskEdge(Answer):
    node: Task


class PageInfo(Answer):
    has_next_page: bool


class TaskPage(Answer):
    edges: tuple[TaskEdge, ...]
    page_info: PageInfo
    total_count: int | None = None


class TasksRead(Answer):
    """The data of `TASKS`."""

    tasks: TaskPage


class Viewer(Answer):
    name: str | None = None
    email: str | None = None
    cursor: str


class ViewerRead(Answer):
    """The data of `VIEWER`."""

    viewer: Viewer


async def ask(client: Client, document: str, variables: Mapping[str, object], shape: type[Shape]) -> Shape:
    """One answer, by its shape."""
    return read_as(shape, await client.execute(document, variables))


def read_as(shape: type[Shape], data: Mapping[str, object]) -> Shape:
    """Raises OperationFailed for an answer of another shape."""
    try:
        return shape.model_validate(data)
    except ValidationError:
        raise OperationFailed(UNREADABLE) from None
