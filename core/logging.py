"""Logs: JSON lines to stderr where nobody watches, short lines on a terminal. Events carry ids, no content."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any, Final, TextIO

import structlog
from structlog.types import EventDict, Processor

QUIET: Final = (
    "alembic",
    "asyncio",
    "httpcore2",
    "httpx2",
    "openai",
    "procrastinate",
    "psycopg.pool",
    "sqlalchemy",
    "uvicorn.access",
    "websockets",
)
"""Libraries whose lower levels say what was sent: prompts, rows, arguments, addresses. Warnings only, at any level."""

_SECRET_WORDS: Final = ("token_hash", "token", "secret", "password", "authorization", "api_key", "cookie")
_LONGEST_CHAIN: Final = 5


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's events, of `level` and above, to `stream` (default: stderr)."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_secrets,
        _frames_only,
    ]
    last: Processor = structlog.dev.ConsoleRenderer() if stream.isatty() else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


# Any: structlog hands its processors whatever logger it wraps.
def _without_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A last line of defence: nothing should log these at all."""
    for name in event:
        if any(word in name.lower() for word in _SECRET_WORDS):
            event[name] = "***"
    return event


def _frames_only(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Types and frames of an exception, not its text: that quotes SQL with its parameters, documents or a message."""
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    elif error and not isinstance(error, BaseException):
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["error"] = _kinds(error)
        event["exception"] = "".join(traceback.format_tb(error.__traceback__))
    return event


def _kinds(error: BaseException) -> str:
    """The error's type and those behind it."""
    kinds: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(kinds) < _LONGEST_CHAIN:
        kinds.append(f"{type(cause).__module__}.{type(cause).__qualname__}")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return " from ".join(kinds)
