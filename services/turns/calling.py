"""The first step of a tool call: it begins under its turn's lease, and is never run twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, select, update

from core.statements import prepared
from core.unit_of_work import Change, UnitOfWork
from models.enums import ChangeKind, ToolCallStatus
from models.turns import ToolCall, tool_calls, turns
from services.turns.leases import UNDER_LEASE, Lease, lease_arguments

_held: Final = select(turns.c.id).where(UNDER_LEASE).with_for_update(key_share=True).cte("held")
_BEGUN: Final = prepared(
    update(tool_calls)
    .where(
        tool_calls.c.user_id == bindparam("user_id"),
        tool_calls.c.id == bindparam("call_id"),
        tool_calls.c.turn_id == _held.c.id,
        tool_calls.c.status == ToolCallStatus.PENDING.value,
    )
    .values(status=ToolCallStatus.PROCESSING.value, version=tool_calls.c.version + 1)
    .returning(*tool_calls.c),
    ToolCall,
    columns=("parameters",),
)


async def begin_call(work: UnitOfWork, lease: Lease, call_id: UUID, parameters: Mapping[str, Any]) -> ToolCall | None:
    """PENDING to PROCESSING, the turn locked. None where the lease is lost, or the call was already run or refused."""
    begun = await work.first(_BEGUN, **lease_arguments(lease), call_id=call_id, parameters=dict(parameters))
    if begun is not None:
        work.record(Change(ChangeKind.TOOL_CALL, begun.id, conversation_id=begun.conversation_id))
    return begun
