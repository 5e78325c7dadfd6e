"""One tool call: validated, run and stored with everything it changed in a single fenced transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import structlog
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DBAPIError

from assistant.providers.base import ModelCall
from assistant.tools import TOOLS
from assistant.tools.base import Tool, ToolContext, ToolFailure, ToolOutcome
from core.errors import DomainError, ErrorCode
from core.unit_of_work import UnitOfWork
from models.enums import ToolCallStatus, ToolName
from models.turns import ToolCall
from services import tool_calls
from services.turns import Lease, fence

log = structlog.get_logger()

ARGUMENTS_LIMIT = 64 * 1024
"""Characters of a call's raw arguments."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a tool may know of its turn. `shown` are the tasks of the list last shown, in order."""

    now: datetime
    time_zone: str
    locale: str
    shown: tuple[UUID, ...]


def find_tool(name: str) -> Tool | None:
    """The tool of that name, or None: a model may ask for anything."""
    return TOOLS.get(name)


async def run_call(work: UnitOfWork, lease: Lease, call: ToolCall, raw: ModelCall, surroundings: Surroundings) -> None:
    """Run a PENDING call to COMPLETED or FAILED; one that is further already is left alone. Raises LeaseLost.

    The call's row, what it changed, the revisions and the log entries commit together or not at all.
    """
    await fence(work, lease)
    tool = TOOLS[ToolName(call.tool_name).value]
    try:
        parameters = _read(tool, raw.arguments)
    except ValueError as error:
        await _fail(work, call, ToolCallStatus.PENDING, ErrorCode.INVALID, str(error))
        return
    running = await tool_calls.begin(work, call.id, parameters.model_dump(mode="json", exclude_unset=True))
    if running is None:
        return
    try:
        async with work.savepoint():
            outcome = await _handle(tool, work, running, parameters, surroundings)
    except ToolFailure as failure:
        await _fail(work, call, ToolCallStatus.PROCESSING, failure.code, failure.message, failure.answer())
    except DomainError as failure:
        await _fail(work, call, ToolCallStatus.PROCESSING, failure.code, failure.message)
    except DBAPIError:
        raise  # a deadlock runs the whole unit of work again; anything else ends the turn
    except Exception:
        # The tool's own fault must not take the turn with it; nothing of it was kept.
        log.exception("tool_failed", tool=tool.name.value, call=str(call.id))
        await _fail(work, call, ToolCallStatus.PROCESSING, ErrorCode.INTERNAL, "Something went wrong on the server.")
    else:
        await tool_calls.complete(work, running, answer=outcome.answer, total=outcome.total, tasks=outcome.tasks)


async def _handle(
    tool: Tool, work: UnitOfWork, call: ToolCall, parameters: BaseModel, surroundings: Surroundings
) -> ToolOutcome:
    context = ToolContext(
        work=work,
        now=surroundings.now,
        time_zone=surroundings.time_zone,
        locale=surroundings.locale,
        shown=surroundings.shown,
        conversation_id=call.conversation_id,
        tool_call_id=call.id,
        message_text=call.input_text,
    )
    return await tool.run(context, parameters)


def _read(tool: Tool, arguments: str) -> BaseModel:
    """The parameters of a call. Raises ValueError with a text that the model can act on."""
    if len(arguments) > ARGUMENTS_LIMIT:
        raise ValueError(f"The arguments may take {ARGUMENTS_LIMIT} characters.")
    try:
        parsed = orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:
        raise ValueError("The arguments are not valid JSON.") from None
    try:
        return tool.parameters.model_validate(parsed)
    except ValidationError as error:
        faults = (f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()[:5])
        raise ValueError("The arguments don't match the tool's schema. " + "; ".join(faults)) from None


async def _fail(
    work: UnitOfWork,
    call: ToolCall,
    came_from: ToolCallStatus,
    code: ErrorCode,
    message: str,
    answer: Mapping[str, Any] | None = None,
) -> None:
    told = answer or {"ok": False, "error": {"code": code.value, "message": message}}
    await tool_calls.fail(work, call.id, came_from, code=code, message=message, answer=told)
