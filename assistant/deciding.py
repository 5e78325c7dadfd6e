"""A user's decisions on the calls of a turn that waits: checked as a whole, then written down as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from assistant.calls import Surroundings, read_parameters, stored_parameters, tool_of
from assistant.confirmation import Asked, find_targets
from assistant.history import shown_by
from assistant.tools.base import ToolFailure
from core.errors import DomainError, ErrorCode
from core.unit_of_work import UnitOfWork
from models.base import rows_of
from models.conversations import Conversation
from models.enums import TurnStatus
from models.turns import ToolCall, Turn, tool_calls
from services import turns
from services.context import ASSISTANT_KEY
from services.inputs import Field, clean_optional_text
from services.tool_calls import REASON_LIMIT
from services.turns import Decision, Edited
from services.users import read_settings

DECISIONS_LIMIT: Final = 64


@dataclass(frozen=True, slots=True)
class GivenDecision:
    """One decision as it came; nothing of it is checked yet. `parameters` are the user's own, JSON."""

    call_id: UUID
    approve: bool
    parameters: Any | None = None  # Any: JSON of any shape
    reason: str | None = None


async def decide(work: UnitOfWork, turn_id: UUID, given: Sequence[GivenDecision]) -> None:
    """Write the decisions down; the turn goes on once no call of it waits. All or nothing.

    Raises DomainError NOT_FOUND, INVALID, TOO_LONG, ALREADY_DECIDED or CONFIRMATION_EXPIRED, naming the decision.
    """
    if not 1 <= len(given) <= DECISIONS_LIMIT:
        message = f"decisions takes 1 to {DECISIONS_LIMIT} decisions."
        raise DomainError(ErrorCode.INVALID, message, field=("input", "decisions"))
    conversation, turn = await turns.lock_turn(work, turn_id)
    calls = await _calls(work, turn, given)
    late = turn.status == TurnStatus.AWAITING_CONFIRMATION and await turns.is_expired(work, turn)
    waiting = {call.id for call in await turns.waiting_calls(work, turn.id)}
    decisions = []
    for place, (one, call) in enumerate(zip(given, calls, strict=True)):
        field = ("input", "decisions", str(place))
        if call.id not in waiting or turn.status != TurnStatus.AWAITING_CONFIRMATION:
            raise turns.no_longer_waiting(call, (*field, "toolCallId"))
        if late:
            raise turns.expired(call, (*field, "toolCallId"))
        decisions.append(await _decision(work, conversation, turn, one, call, field))
    await turns.decide(work, turn, decisions)


async def _calls(work: UnitOfWork, turn: Turn, given: Sequence[GivenDecision]) -> list[ToolCall]:
    """The calls that the decisions are about, which must be this turn's and each once."""
    statement = rows_of(tool_calls).where(
        tool_calls.c.user_id == work.user_id,
        tool_calls.c.turn_id == turn.id,
        tool_calls.c.id.in_([one.call_id for one in given]),
    )
    found = {call.id: call for call in await work.all(statement, ToolCall)}
    seen: set[UUID] = set()
    for place, one in enumerate(given):
        field = ("input", "decisions", str(place), "toolCallId")
        if one.call_id not in found:
            raise DomainError(ErrorCode.NOT_FOUND, "The turn has no such call.", field=field)
        if one.call_id in seen:
            raise DomainError(ErrorCode.INVALID, "The call is decided twice here.", field=field)
        seen.add(one.call_id)
    return [found[one.call_id] for one in given]


async def _decision(
    work: UnitOfWork, conversation: Conversation, turn: Turn, given: GivenDecision, call: ToolCall, field: Field
) -> Decision:
    reason = clean_optional_text(given.reason, (*field, "reason"), limit=REASON_LIMIT)
    if given.parameters is None:
        return Decision(call, given.approve, reason)
    if not given.approve:
        message = "parameters go with an approval only."
        raise DomainError(ErrorCode.INVALID, message, field=(*field, "parameters"))
    edited = await _edited(work, conversation, turn, given.parameters, call, (*field, "parameters"))
    return Decision(call, given.approve, reason, edited)


async def _edited(
    work: UnitOfWork, conversation: Conversation, turn: Turn, parameters: object, call: ToolCall, field: Field
) -> Edited:
    """The user's own parameters, validated as the model's are, and the tasks that the call would now change."""
    try:
        read = read_parameters(tool_of(call), parameters)
    except ValueError as error:
        raise DomainError(ErrorCode.INVALID, str(error), field=field) from None
    kept: Mapping[str, Any] = conversation.context.get(ASSISTANT_KEY, {})
    shown: tuple[str, ...] = tuple(kept.get("shown", ()))
    for made in (await turns.read_progress(work, turn.id))[1]:
        shown = shown_by(made, shown)
    around = Surroundings.of(await read_settings(work), work.now, turn.time_zone, shown)
    try:
        targets = await find_targets(work, Asked(call, ""), read, around)
    except ToolFailure as failure:
        raise DomainError(failure.code, failure.message, field=field) from None
    return Edited(stored_parameters(read), targets)
