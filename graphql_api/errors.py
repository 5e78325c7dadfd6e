"""From exceptions to the top-level errors of the contract: a message for a person, `extensions.code`, no internals."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from graphql import GraphQLError

from core.clock import now
from core.errors import DomainError, ErrorCode, RequestError, RequestErrorCode

MASKED = "Something went wrong on the server."
TIMED_OUT = "The server took too long to answer. Try again."
# An error as it stands in a response: GraphQL spec section 7.1.2. Its values are whatever JSON holds.
Formatted = dict[str, Any]

_log = logging.getLogger("tasktalk.edge")
# DomainErrors belong in `userErrors`; one that reaches the top came from a query (a bad cursor, a foreign id).
_DOMAIN_CODES = {
    ErrorCode.RATE_LIMITED: RequestErrorCode.RATE_LIMITED,
    ErrorCode.QUOTA_EXCEEDED: RequestErrorCode.RATE_LIMITED,
    ErrorCode.ASSISTANT_TIMEOUT: RequestErrorCode.TIMEOUT,
    ErrorCode.INTERNAL: RequestErrorCode.INTERNAL,
}


class TooComplex(GraphQLError):
    """The document is over one of its limits; the message names it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is shown of one exception. `retry_after` is in seconds."""

    code: RequestErrorCode
    message: str
    retry_after: float | None = None

    @property
    def extensions(self) -> dict[str, object]:
        shown: dict[str, object] = {"code": self.code.value}
        if self.retry_after is not None:
            shown["retryAfter"] = round(self.retry_after, 3)
        return shown


def never(_error: BaseException) -> bool:
    """No exception is a timeout but Python's own."""
    return False


@dataclass(frozen=True, slots=True)
class Presenter:
    """Turns exceptions into what clients see; logs, once, those that are shown masked.

    `is_timeout` recognises a driver's own timeouts (statement, pool); Python's TimeoutError is known already.
    `suggestions` keeps graphql-core's "Did you mean" in its messages.
    """

    is_timeout: Callable[[BaseException], bool] = field(default=never)
    suggestions: bool = False

    def present(self, errors: Sequence[BaseException]) -> tuple[list[Formatted], tuple[Fault, ...]]:
        """The `errors` entry of a response, and the fault behind each."""
        faults = tuple(self.fault(error) for error in errors)
        return [_formatted(error, fault) for error, fault in zip(errors, faults, strict=True)], faults

    def fault(self, error: BaseException) -> Fault:
        """What to show of an exception. An unexpected one is masked, and logged here."""
        cause = _root(error)
        known = self._expected(error, cause)
        if known is not None:
            return known
        _log_unexpected(cause, error.path if isinstance(error, GraphQLError) else None)
        return Fault(RequestErrorCode.INTERNAL, MASKED)

    def _expected(self, error: BaseException, cause: BaseException) -> Fault | None:
        if isinstance(cause, RequestError):
            return Fault(cause.code, cause.message, cause.retry_after)
        if isinstance(cause, DomainError):
            code = _DOMAIN_CODES.get(cause.code, RequestErrorCode.DOCUMENT_INVALID)
            return (
                Fault(code, cause.message, _seconds_until(cause.retry_at)) if cause.code != ErrorCode.INTERNAL else None
            )
        if isinstance(cause, TimeoutError) or self.is_timeout(cause):
            return Fault(RequestErrorCode.TIMEOUT, TIMED_OUT)
        if isinstance(cause, TooComplex):
            return Fault(RequestErrorCode.DOCUMENT_TOO_COMPLEX, cause.message)
        if isinstance(error, GraphQLError) and _is_about_the_document(error, cause):
            message = error.message if self.suggestions else error.message.split(" Did you mean ")[0]
            return Fault(RequestErrorCode.DOCUMENT_INVALID, message)
        return None


def _formatted(error: BaseException, fault: Fault) -> Formatted:
    shown: Formatted = {"message": fault.message}
    if isinstance(error, GraphQLError):
        if error.locations:
            shown["locations"] = [place.formatted for place in error.locations]
        if error.path is not None:
            shown["path"] = list(error.path)
    return {**shown, "extensions": fault.extensions}


def body_of(fault: Fault) -> dict[str, list[Formatted]]:
    """The JSON body of an HTTP error that isn't GraphQL's."""
    return {"errors": [{"message": fault.message, "extensions": fault.extensions}]}


def _root(error: BaseException) -> BaseException:
    """What a resolver raised, from under graphql-core's wrapping."""
    while isinstance(error, GraphQLError) and error.original_error is not None:
        error = error.original_error
    return error


def _is_about_the_document(error: GraphQLError, cause: BaseException) -> bool:
    """Whether graphql-core is telling the client what is wrong with its document, variables or arguments.

    Errors without a path came before execution: syntax and validation, or a variable (whose cause may be a scalar's own
    ValueError). With a path only those of arguments are the client's: the others quote what a resolver returned.
    """
    if error.path is None:
        return isinstance(cause, GraphQLError) or any(node.kind == "variable_definition" for node in error.nodes or ())
    return isinstance(cause, GraphQLError) and cause.message.startswith("Argument '")


def _seconds_until(instant: datetime | None) -> float | None:
    return None if instant is None else max(0.0, (instant - now()).total_seconds())


def _log_unexpected(cause: BaseException, path: Sequence[str | int] | None) -> None:
    # Frames and types, not texts: an exception's text quotes variables, SQL or the document, which no log may hold.
    frames = "".join(traceback.format_tb(cause.__traceback__))
    kinds = [_name(cause)]
    while (cause := cause.__cause__ or cause.__context__) and len(kinds) < 5:  # type: ignore[assignment]  # None ends it
        kinds.append(_name(cause))
    where = ".".join(str(step) for step in path or ())
    _log.error("unexpected error at %s: %s\n%s", where or "the edge", " from ".join(kinds), frames)


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"
