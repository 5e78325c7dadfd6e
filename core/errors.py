"""The one tree of errors: what a person can cause (`DomainError`) and what ends a whole request (`RequestError`)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ErrorCode(StrEnum):
    """Codes of `userErrors`, of failed turns and of failed tool calls (contract.graphql `ErrorCode`)."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    TOO_LONG = "TOO_LONG"
    CONVERSATION_INACTIVE = "CONVERSATION_INACTIVE"
    QUEUE_FULL = "QUEUE_FULL"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    OPEN_SUBTASKS = "OPEN_SUBTASKS"
    NOT_UNDOABLE = "NOT_UNDOABLE"
    NOT_RETRYABLE = "NOT_RETRYABLE"
    ALREADY_DECIDED = "ALREADY_DECIDED"
    REJECTED_BY_USER = "REJECTED_BY_USER"
    CONFIRMATION_EXPIRED = "CONFIRMATION_EXPIRED"
    ASSISTANT_UNAVAILABLE = "ASSISTANT_UNAVAILABLE"
    ASSISTANT_TIMEOUT = "ASSISTANT_TIMEOUT"
    TOO_MANY_STEPS = "TOO_MANY_STEPS"
    INTERRUPTED = "INTERRUPTED"
    INTERNAL = "INTERNAL"


class RequestErrorCode(StrEnum):
    """`extensions.code` of top-level errors."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    RATE_LIMITED = "RATE_LIMITED"
    DOCUMENT_INVALID = "DOCUMENT_INVALID"
    DOCUMENT_TOO_COMPLEX = "DOCUMENT_TOO_COMPLEX"
    TIMEOUT = "TIMEOUT"
    INTERNAL = "INTERNAL"


class TasktalkError(Exception):
    """Root of the tree. `message` is written for a person and never carries internals."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class DomainError(TasktalkError):
    """Something the user can cause and mend; shown as one of `userErrors`, or as a tool call's error.

    `field` is the path of the input field in GraphQL's spelling, e.g. ("input", "title").
    `node` is the (type name, id) that the error is about; with VERSION_CONFLICT it is the present object.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        field: tuple[str, ...] | None = None,
        node: tuple[str, UUID | str] | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.node = node
        self.retry_at = retry_at


class RequestError(TasktalkError):
    """Ends the operation with a top-level error carrying `extensions.code`."""

    def __init__(self, code: RequestErrorCode, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


class Unauthenticated(RequestError):
    """No token, or one that is malformed, expired, revoked or not ours. The message never says which check failed."""

    def __init__(self, message: str = "A valid bearer token is needed.") -> None:
        super().__init__(RequestErrorCode.UNAUTHENTICATED, message)


class UserGone(Unauthenticated, LookupError):
    """The user's data was deleted while this was under way. Signing in again makes them anew."""

    def __init__(self, message: str = "Your data was deleted; sign in again.") -> None:
        super().__init__(message)


class ConfigurationError(TasktalkError):
    """A setting is wrong; the message names the setting. Refused at start."""
