"""One tool call: validated, run and stored with everything it changed in a single fenced transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import DBAPIError

from assistant.tools import TOOLS
from assistant.tools.base import Tool, ToolContext, ToolFailure, ToolOutcome
from core.database import Database
from core.errors import DomainError, ErrorCode
from core.ids import parse_global_id
from core.unit_of_work import UnitOfWork
from models.enums import ToolCallStatus, ToolName, WeekStart
from models.turns import ToolCall
from models.users import Settings
from services import conversations, tool_calls
from services.tasks import check_unchanged
from services.tool_calls import Target
from services.turns import Lease, LeaseLost, begin_call, fence

log = structlog.get_logger()

_TOO_LONG: Final = frozenset({"string_too_long", "too_long"})

ARGUMENTS_LIMIT: Final = 64 * 1024
"""Characters of a call's raw arguments."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a tool may know of its turn. `shown` are the tasks of the list last shown, in order."""

    now: datetime
    time_zone: str
    locale: str
    shown: tuple[UUID, ...]
    week_start: WeekStart = WeekStart.MONDAY
    due_time: time | None = None

    @classmethod
    def of(cls, settings: Settings, now: datetime, time_zone: str, shown: Sequence[str]) -> Surroundings:
        """Those of a turn of that user; `shown` are global ids."""
        return cls(
            now=now,
            time_zone=time_zone,
            locale=settings.locale,
            shown=tuple(parse_global_id(task, "Task") for task in shown),
            week_start=WeekStart(settings.week_start),
            due_time=settings.default_due_time,
        )


def find_tool(name: str) -> Tool | None:
    """The tool of that name, or None: a model may ask for anything."""
    return TOOLS.get(name)


def tool_of(call: ToolCall) -> Tool:
    """The tool that a stored call names."""
    return TOOLS[ToolName(call.tool_name).value]


class _Failed(Exception):
    """The call failed as it ran: its transaction is given up, and another one says so."""

    def __init__(self, code: ErrorCode, message: str, answer: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.answer = answer


async def run_call(
    database: Database, lease: Lease, call: ToolCall, arguments: str, surroundings: Surroundings
) -> ToolCall:
    """Run a PENDING call to COMPLETED or FAILED; the call as it then is. Raises LeaseLost.

    `arguments` is what the model wrote; a call that its user agreed to runs with what they were shown instead. The
    call's row, what it changed, the revisions and the log entries commit together or not at all: of one that fails
    nothing but the failure is kept, in a transaction of its own.
    """
    tool = tool_of(call)
    try:
        parameters = read_parameters(tool, call.parameters) if call.decided_at else read_arguments(tool, arguments)
    except ValueError as error:
        fault = str(error)
        return await database.work(lease.user_id, lambda work: _refuse(work, lease, call, fault))
    try:
        return await database.work(
            lease.user_id, lambda work: _run(work, lease, call, arguments, parameters, surroundings)
        )
    except _Failed as failed:
        failure = failed
    return await database.work(lease.user_id, lambda work: _note_failure(work, lease, call, parameters, failure))


async def _refuse(work: UnitOfWork, lease: Lease, call: ToolCall, fault: str) -> ToolCall:
    await fence(work, lease)
    return await refuse(work, call, ErrorCode.INVALID, fault)


async def _run(
    work: UnitOfWork, lease: Lease, call: ToolCall, arguments: str, parameters: BaseModel, surroundings: Surroundings
) -> ToolCall:
    tool = tool_of(call)
    running = await _begin(work, lease, call, parameters)
    try:
        context = context_of(work, running, surroundings)
        agreed = await tool_calls.targets_of(work, call.id) if call.decided_at else []
        outcome = await _handle(tool, context, parameters, agreed)
    except ToolFailure as failure:
        raise _Failed(failure.code, failure.message, failure.answer()) from failure
    except DomainError as failure:
        raise _Failed(failure.code, failure.message) from failure
    except DBAPIError:
        raise  # a deadlock runs the whole unit of work again; anything else ends the turn
    except Exception as fault:
        # The tool's own fault must not take the turn with it; nothing of it is kept.
        log.exception("tool_failed", tool=tool.name.value, call=str(call.id))
        raise _Failed(ErrorCode.INTERNAL, "Something went wrong on the server.") from fault
    answer = {**outcome.answer, **_users_word(tool, call, arguments)}
    return await tool_calls.complete(work, running, answer=answer, total=outcome.total, tasks=outcome.tasks)


def _users_word(tool: Tool, call: ToolCall, arguments: str) -> dict[str, Any]:
    """What the model is told of a call that its user agreed to: their reason, and what they put in its place."""
    if call.decided_at is None:
        return {}
    word: dict[str, Any] = {"user_said": call.decision_reason} if call.decision_reason else {}
    if stored_parameters(read_arguments(tool, arguments)) != dict(call.parameters):
        word["user_changed_parameters_to"] = dict(call.parameters)
    return word


async def _begin(work: UnitOfWork, lease: Lease, call: ToolCall, parameters: BaseModel) -> ToolCall:
    """PENDING to PROCESSING under the turn's lock. Raises LeaseLost."""
    if tool_of(call).reaches_back:
        await conversations.lock(work, call.conversation_id)
    running = await begin_call(work, lease, call.id, stored_parameters(parameters))
    if running is None:
        raise LeaseLost
    return running


async def _note_failure(
    work: UnitOfWork, lease: Lease, call: ToolCall, parameters: BaseModel, failure: _Failed
) -> ToolCall:
    await _begin(work, lease, call, parameters)
    return await _fail(work, call, failure.code, failure.message, failure.answer)


async def _handle(tool: Tool, context: ToolContext, parameters: BaseModel, agreed: Sequence[Target]) -> ToolOutcome:
    """Run the tool on what it finds, or on the very tasks that the user agreed to, if they are as they were."""
    if agreed:
        seen = [(target.task_id, target.version) for target in agreed]
        await check_unchanged(context.work, seen, turn_id=context.turn_id)
        targets = tuple(target.task_id for target in agreed)
    else:
        targets = tuple(await tool.affected(context, parameters)) if tool.affected is not None else ()
    return await tool.run(context.with_targets(targets), parameters)


def context_of(work: UnitOfWork, call: ToolCall, surroundings: Surroundings) -> ToolContext:
    """What the call runs in, before its targets are found."""
    return ToolContext(
        work=work,
        now=surroundings.now,
        time_zone=surroundings.time_zone,
        locale=surroundings.locale,
        shown=surroundings.shown,
        conversation_id=call.conversation_id,
        turn_id=call.turn_id,
        tool_call_id=call.id,
        message_text=call.input_text,
        week_start=surroundings.week_start,
        due_time=surroundings.due_time,
    )


def read_arguments(tool: Tool, arguments: str) -> BaseModel:
    """The parameters in a model's text. Raises ValueError with a text that the model can act on."""
    if len(arguments) > ARGUMENTS_LIMIT:
        raise ValueError(f"The arguments may take {ARGUMENTS_LIMIT} characters.")
    try:
        parsed = orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:
        raise ValueError("The arguments are not valid JSON.") from None
    return read_parameters(tool, parsed)


def read_parameters(tool: Tool, parsed: object) -> BaseModel:
    """The parameters of parsed JSON. Raises ValueError that names what doesn't match the tool's schema."""
    try:
        return tool.parameters.model_validate(parsed)
    except ValidationError as error:
        faults = error.errors()[:5]
        # What a person said is too long: no fault of a model's.
        if all(fault["type"] in _TOO_LONG for fault in faults):
            raise ValueError(" ".join(map(_too_long, faults))) from None
        told = (f"{'.'.join(_named(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults)
        raise ValueError("The arguments don't match the tool's schema. " + "; ".join(told)) from None


def _too_long(fault: ErrorDetails) -> str:
    """Which field is over its limit, in a sentence for the person."""
    field, most, given = fault["loc"][0], fault.get("ctx", {})["max_length"], fault["input"]
    if isinstance(given, str):
        one = str(field).removesuffix("s") if len(fault["loc"]) > 1 else str(field)
        return (
            f"The {one} is too long: it has {len(given):,} characters, and {most:,} are the most. Nothing was changed."
        )
    return f"That is too much at once: {len(given):,} {field}, and {most:,} are the most. Nothing was changed."


def _named(part: int | str) -> str:
    """A name out of the arguments: short, and nothing in it that can't be stored."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(part)[:60])


def stored_parameters(parameters: BaseModel) -> dict[str, Any]:
    """The structured command as a call keeps it: what was given, and no defaults."""
    return parameters.model_dump(mode="json", exclude_unset=True)


async def refuse(
    work: UnitOfWork, call: ToolCall, code: ErrorCode, message: str, answer: Mapping[str, Any] | None = None
) -> ToolCall:
    """PENDING to FAILED: the call was never run."""
    return await _fail(work, call, code, message, answer, came_from=ToolCallStatus.PENDING)


async def _fail(
    work: UnitOfWork,
    call: ToolCall,
    code: ErrorCode,
    message: str,
    answer: Mapping[str, Any] | None = None,
    *,
    came_from: ToolCallStatus = ToolCallStatus.PROCESSING,
) -> ToolCall:
    told = answer or tool_calls.failure(code, message)
    failed = await tool_calls.fail(work, call.id, came_from, code=code, message=message, answer=told)
    assert failed is not None, "this transaction holds it in that state"
    return failed
