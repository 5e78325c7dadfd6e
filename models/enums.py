"""Closed sets of words, spelled as in the contract and in the database alike."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Sender(StrEnum):
    USER = "USER"
    ASSISTANT = "ASSISTANT"


class TitleSource(StrEnum):
    AUTO = "AUTO"
    USER = "USER"


class InactiveReason(StrEnum):
    IDLE = "IDLE"
    CLOSED = "CLOSED"


class TurnStatus(StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    AWAITING_CONFIRMATION = "AWAITING_CONFIRMATION"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        return self in (TurnStatus.COMPLETED, TurnStatus.FAILED, TurnStatus.CANCELLED)

    @property
    def settled(self) -> bool:
        """Ended, or waiting for the user: nothing moves on by itself."""
        return self.ended or self is TurnStatus.AWAITING_CONFIRMATION


class TurnNotice(StrEnum):
    """What a running turn is held up by, as its subscribers are told."""

    RETRYING = "RETRYING"
    FALLBACK = "FALLBACK"


class ToolCallStatus(StrEnum):
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class ToolName(StrEnum):
    ADD_TASK = "add_task"
    LIST_TASKS = "list_tasks"
    UPDATE_TASK = "update_task"
    COMPLETE_TASK = "complete_task"
    SKIP_OCCURRENCE = "skip_occurrence"
    SNOOZE_REMINDER = "snooze_reminder"
    DELETE_TASK = "delete_task"
    SEARCH_TASKS = "search_tasks"
    CATEGORIZE_TASKS = "categorize_tasks"
    RESCHEDULE_TASKS = "reschedule_tasks"
    LIST_LABELS = "list_labels"
    UPDATE_LABEL = "update_label"
    DELETE_LABEL = "delete_label"
    UPDATE_SETTINGS = "update_settings"
    UNDO = "undo"


class OperationType(StrEnum):
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    SEARCH = "SEARCH"
    CATEGORIZE = "CATEGORIZE"


class FinishReason(StrEnum):
    STOP = "STOP"
    LENGTH = "LENGTH"
    CANCELLED = "CANCELLED"
    ERROR = "ERROR"


class ConfirmPolicy(StrEnum):
    """Which tool calls wait for the user's word (`assistant.confirmation` says what each holds back)."""

    NEVER = "NEVER"
    DESTRUCTIVE = "DESTRUCTIVE"
    BULK_DESTRUCTIVE = "BULK_DESTRUCTIVE"
    ALWAYS = "ALWAYS"


class WeekStart(StrEnum):
    """The day that weeks begin on."""

    MONDAY = "MONDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"

    @property
    def weekday(self) -> int:
        """As `date.weekday` counts."""
        return {"MONDAY": 0, "SATURDAY": 5, "SUNDAY": 6}[self.value]


class TaskAction(StrEnum):
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    COMPLETED = "COMPLETED"
    SKIPPED = "SKIPPED"
    REOPENED = "REOPENED"
    DELETED = "DELETED"
    RESTORED = "RESTORED"


class OpenSubtasks(StrEnum):
    """What becomes of a task's open subtasks when it is completed."""

    ASK = "ASK"
    COMPLETE = "COMPLETE"
    KEEP = "KEEP"


class Actor(StrEnum):
    USER = "USER"
    ASSISTANT = "ASSISTANT"
    SYSTEM = "SYSTEM"


class ChangeKind(StrEnum):
    MESSAGE = "MESSAGE"
    CONVERSATION = "CONVERSATION"
    TURN = "TURN"
    TOOL_CALL = "TOOL_CALL"
    TASK = "TASK"
    LABEL = "LABEL"
    SETTINGS = "SETTINGS"
    REMINDER = "REMINDER"


class RecurrenceFrom(StrEnum):
    """What the next due date of a repeating task is counted from."""

    DUE = "DUE"
    COMPLETION = "COMPLETION"


class SearchKind(StrEnum):
    """What can be searched."""

    TASK = "TASK"
    MESSAGE = "MESSAGE"
    CONVERSATION = "CONVERSATION"


class Priority(IntEnum):
    """Stored as a smallint, so that "at least" and ordering use an index."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    URGENT = 4
