"""The contract's enums: the house's own closed sets, each value described."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry

from core import errors
from models import enums
from services import tasks


def _enum(name: str, cls: type[Enum], description: str, **values: str) -> Any:
    """A GraphQL enum with the values of `cls`; each must be described, and is named as its key here."""
    by_value = {str(member.value): member for member in cls}
    members = {}
    for label, text in values.items():
        member = by_value.pop(label) if label in by_value else cls[label]
        members[label] = strawberry.enum_value(member.value, description=text)
    missing = {member.name for member in cls} - {cls(value.value).name for value in members.values()}
    if missing:
        raise ValueError(f"{name} lacks descriptions of {missing}")
    functional: Any = Enum  # its functional form gives a class, which mypy only sees with literals
    made = functional(name, members, module=__name__)
    return strawberry.enum(made, description=description)


Sender = _enum("Sender", enums.Sender, "Who said it.", USER="The person.", ASSISTANT="The assistant.")
TitleSource = _enum(
    "TitleSource",
    enums.TitleSource,
    "Where a title comes from.",
    AUTO="From the first message.",
    USER="The user gave it; the assistant never overwrites it.",
)
InactiveReason = _enum(
    "InactiveReason",
    enums.InactiveReason,
    "Why nothing can be said in a conversation.",
    IDLE="Nothing was said for too long.",
    CLOSED="The user closed it.",
)
TurnStatus = _enum(
    "TurnStatus",
    enums.TurnStatus,
    "Where a turn stands.",
    QUEUED="Waits for its place.",
    RUNNING="Is being answered.",
    AWAITING_CONFIRMATION="Has calls that wait for the user's word.",
    COMPLETED="Was answered.",
    FAILED="Ended with an error.",
    CANCELLED="Was stopped by its user.",
)
ToolCallStatus = _enum(
    "ToolCallStatus",
    enums.ToolCallStatus,
    "Where a tool call stands.",
    PENDING="Asked for, not run yet.",
    PROCESSING="Runs.",
    COMPLETED="Done, with everything it changed stored.",
    FAILED="Not done: nothing of it was kept.",
)
ToolName = _enum(
    "ToolName",
    enums.ToolName,
    "The tools that the assistant can call.",
    add_task="Adds a task.",
    list_tasks="Lists tasks.",
    update_task="Changes a task.",
    complete_task="Completes or reopens a task.",
    skip_occurrence="Skips an occurrence of a task that repeats.",
    snooze_reminder="Puts a task's reminder off.",
    delete_task="Deletes a task.",
    search_tasks="Finds tasks by words.",
    categorize_tasks="Adds and removes labels.",
    reschedule_tasks="Moves due dates.",
    list_labels="Lists labels.",
    update_label="Makes, renames or colours a label.",
    delete_label="Deletes a label.",
    update_settings="Changes settings.",
    undo="Takes earlier calls back.",
)
OperationType = _enum(
    "OperationType",
    enums.OperationType,
    "What a tool call does to tasks.",
    CREATE="Makes one.",
    UPDATE="Changes, completes, reschedules or takes back.",
    DELETE="Deletes one.",
    SEARCH="Lists or finds; changes nothing.",
    CATEGORIZE="Changes labels.",
)
FinishReason = _enum(
    "FinishReason",
    enums.FinishReason,
    "Why the assistant stopped.",
    STOP="It had said what it had to say.",
    LENGTH="The answer was cut at a limit.",
    CANCELLED="Its user stopped it.",
    ERROR="Something went wrong in mid-answer.",
)
ConfirmPolicy = _enum(
    "ConfirmPolicy",
    enums.ConfirmPolicy,
    "Which tool calls wait for the user's word before they run.",
    NEVER="None.",
    DESTRUCTIVE="Every deletion.",
    BULK_DESTRUCTIVE="Calls of one round that together delete two tasks or more, or change ten or more.",
    ALWAYS="Every call that writes.",
)
WeekStart = _enum(
    "WeekStart",
    enums.WeekStart,
    "The day that weeks begin on.",
    MONDAY="As ISO 8601 has it.",
    SATURDAY="Saturday.",
    SUNDAY="Sunday.",
)
TurnNoticeKind = _enum(
    "TurnNoticeKind",
    enums.TurnNotice,
    "What holds a running turn up.",
    RETRYING="The model call failed and is made again.",
    FALLBACK="The model can't be reached; the built-in interpreter answers.",
)
TaskAction = _enum(
    "TaskAction",
    enums.TaskAction,
    "What happened to a task.",
    CREATED="It was made.",
    UPDATED="Something of it changed.",
    COMPLETED="It was done; of one that repeats, an occurrence: it is open and due at the next.",
    SKIPPED="An occurrence was skipped; it is due at the next.",
    REOPENED="It is to do again.",
    DELETED="It was deleted; it can be restored.",
    RESTORED="Its deletion was taken back.",
)
Actor = _enum(
    "Actor",
    enums.Actor,
    "Who did it.",
    USER="The person, by a mutation.",
    ASSISTANT="The assistant, by a tool call.",
    SYSTEM="The server itself.",
)
ChangeKind = _enum(
    "ChangeKind",
    enums.ChangeKind,
    "What a change is about.",
    MESSAGE="A new message.",
    CONVERSATION="A conversation was made, changed or deleted.",
    TURN="A turn moved on.",
    TOOL_CALL="A tool call moved on.",
    TASK="A task changed.",
    LABEL="A label was made, changed or deleted.",
    SETTINGS="The settings changed.",
    REMINDER="A task's reminder came due.",
)
RecurrenceFrom = _enum(
    "RecurrenceFrom",
    enums.RecurrenceFrom,
    "What the next due date of a task that repeats is counted from.",
    DUE="From the present due date, however late it is done.",
    COMPLETION="From the day on which it is done.",
)
OpenSubtasks = _enum(
    "OpenSubtasks",
    enums.OpenSubtasks,
    "What becomes of a task's open subtasks when it is completed.",
    ASK="Nothing is completed where there are any: OPEN_SUBTASKS says how many.",
    COMPLETE="They are completed as well.",
    KEEP="They stay open.",
)
SearchKind = _enum(
    "SearchKind",
    enums.SearchKind,
    "What can be searched.",
    TASK="Titles and descriptions of tasks.",
    MESSAGE="What was said, by either side.",
    CONVERSATION="Titles of conversations.",
)
Priority = _enum(
    "Priority",
    enums.Priority,
    "How much a task matters.",
    NONE="Not said.",
    LOW="Can wait.",
    MEDIUM="Matters.",
    HIGH="Matters much.",
    URGENT="Before all else.",
)
ListEnd = _enum(
    "ListEnd", tasks.ListEnd, "An end of the user's own order.", TOP="Before all others.", BOTTOM="After all others."
)
DueBucket = _enum(
    "DueBucket",
    tasks.DueBucket,
    "When a task is due, by the days of the viewer's time zone and the weeks of their settings.",
    OVERDUE="Open, and its time or day is past.",
    TODAY="Today.",
    TOMORROW="Tomorrow.",
    THIS_WEEK="Within this week.",
    NEXT_WEEK="Within next week.",
    LATER="After next week.",
    NONE="No due date.",
)
ErrorCode = _enum(
    "ErrorCode",
    errors.ErrorCode,
    "What went wrong, for programs.",
    INVALID="The input can't be as it is; `field` names what.",
    NOT_FOUND="There is no such thing, or it isn't yours.",
    TOO_LONG="Past a limit of length; the message names it.",
    CONVERSATION_INACTIVE="The conversation is idle or closed; reopen it.",
    QUEUE_FULL="Too many messages wait in the conversation.",
    VERSION_CONFLICT="It changed meanwhile; the present object comes with the answer.",
    IDEMPOTENCY_CONFLICT="The key was used with another input.",
    RATE_LIMITED="Too many in a short time; see `retryAt`.",
    QUOTA_EXCEEDED="Today's tokens are used up; see `retryAt`.",
    OPEN_SUBTASKS="The task has open subtasks; say what becomes of them. `nodeId` names the task.",
    NOT_UNDOABLE="It can't be taken back: it changed since, or changed nothing; `nodeId` names the task.",
    NOT_RETRYABLE="Only the conversation's last turn can be retried, once it has ended.",
    ALREADY_DECIDED="The call no longer waits for a decision.",
    REJECTED_BY_USER="The user said no.",
    CONFIRMATION_EXPIRED="The user didn't answer in time.",
    ASSISTANT_UNAVAILABLE="The model can't be reached or refused.",
    ASSISTANT_TIMEOUT="The assistant took too long.",
    TOO_MANY_STEPS="The assistant needed more rounds than it may have.",
    INTERRUPTED="The server was interrupted too often.",
    INTERNAL="Something went wrong on the server.",
)


@strawberry.enum(description="Which way a list runs; tasks without a due date come last in both.")
class SortDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="Smallest or oldest first.")
    DESC = strawberry.enum_value("DESC", description="Largest or newest first.")


@strawberry.enum(description="What tasks are ordered by.")
class TaskOrder(Enum):
    POSITION = strawberry.enum_value("POSITION", description="The user's own order.")
    DUE = strawberry.enum_value("DUE", description="When they are due.")
    CREATED = strawberry.enum_value("CREATED", description="When they were made.")
    UPDATED = strawberry.enum_value("UPDATED", description="When they last changed.")
    PRIORITY = strawberry.enum_value("PRIORITY", description="How much they matter.")
