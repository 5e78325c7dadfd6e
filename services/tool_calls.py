"""A tool call's row through its states, each step in the transaction that does the call's work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from core.errors import ErrorCode
from core.unit_of_work import Change, UnitOfWork
from models.enums import ChangeKind, ToolCallStatus
from models.turns import ToolCall, tool_call_tasks, tool_calls


async def begin(work: UnitOfWork, call_id: UUID, parameters: Mapping[str, Any]) -> ToolCall | None:
    """PENDING to PROCESSING, or None where the call was already run or refused: it is never run twice."""
    return await _step(
        work, call_id, ToolCallStatus.PENDING, status=ToolCallStatus.PROCESSING.value, parameters=dict(parameters)
    )


async def complete(
    work: UnitOfWork, call: ToolCall, *, answer: Mapping[str, Any], total: int | None, tasks: Sequence[UUID]
) -> None:
    """PROCESSING to COMPLETED, with what it answered and the tasks it touched or found, in order."""
    await _step(
        work,
        call.id,
        ToolCallStatus.PROCESSING,
        status=ToolCallStatus.COMPLETED.value,
        answer=dict(answer),
        total_count=total,
        executed_at=work.now,
    )
    if tasks:
        await work.execute(
            insert(tool_call_tasks).values(
                [
                    {"user_id": work.user_id, "tool_call_id": call.id, "position": position, "task_id": task_id}
                    for position, task_id in enumerate(tasks)
                ]
            )
        )


async def fail(
    work: UnitOfWork,
    call_id: UUID,
    came_from: ToolCallStatus,
    *,
    code: ErrorCode,
    message: str,
    answer: Mapping[str, Any],
) -> None:
    """PENDING (its parameters don't validate) or PROCESSING (the tool couldn't do it) to FAILED."""
    await _step(
        work,
        call_id,
        came_from,
        status=ToolCallStatus.FAILED.value,
        error_code=code.value,
        error_message=message,
        answer=dict(answer),
        executed_at=work.now if came_from is ToolCallStatus.PROCESSING else None,
    )


async def _step(work: UnitOfWork, call_id: UUID, came_from: ToolCallStatus, **values: Any) -> ToolCall | None:
    moved = await work.one(
        update(tool_calls)
        .where(tool_calls.c.user_id == work.user_id, tool_calls.c.id == call_id, tool_calls.c.status == came_from.value)
        .values(**values, version=tool_calls.c.version + 1)
        .returning(*tool_calls.c),
        ToolCall,
    )
    if moved is not None:
        work.record(Change(ChangeKind.TOOL_CALL, moved.id, conversation_id=moved.conversation_id))
    return moved
