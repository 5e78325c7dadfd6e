"""A tool call's row through its states, each step in the transaction that does the call's work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Text, Update, Uuid, bindparam, column, delete, func, insert, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from core.errors import ErrorCode
from core.statements import Prepared, prepared
from core.unit_of_work import Change, Session, UnitOfWork
from models.enums import ChangeKind, ToolCallStatus
from models.turns import ToolCall, Turn, tool_call_tasks, tool_calls

REASON_LIMIT = 1_000
"""Code points of the reason that a user gives for a decision."""


@dataclass(frozen=True, slots=True)
class Target:
    """A task that a waiting call would change, as it was when the user was asked."""

    task_id: UUID
    version: int


def _from(status: ToolCallStatus) -> Update:
    """A step of the call of the argument `id`, if it is in that state."""
    return (
        update(tool_calls)
        .where(
            tool_calls.c.user_id == bindparam("user_id"),
            tool_calls.c.id == bindparam("id"),
            tool_calls.c.status == status.value,
        )
        .values(version=tool_calls.c.version + 1)
    )


@cache
def _stepping(came_from: ToolCallStatus, names: tuple[str, ...]) -> Prepared[ToolCall]:
    return prepared(_from(came_from).returning(*tool_calls.c), ToolCall, columns=names)


def _completed() -> ReturningUpdate[Any]:
    """The tasks of the argument `tasks` are kept with the call, in their order."""
    tasks = func.unnest(bindparam("tasks", type_=ARRAY(Uuid)))
    touched = tasks.table_valued(column("task_id", Uuid), with_ordinality="place", name="touched").render_derived()
    rows = select(bindparam("user_id", type_=Text), bindparam("id", type_=Uuid), touched.c.place - 1, touched.c.task_id)
    kept = insert(tool_call_tasks).from_select(["user_id", "tool_call_id", "position", "task_id"], rows)
    step = _from(ToolCallStatus.PROCESSING).values(status=ToolCallStatus.COMPLETED.value)
    return step.add_cte(kept.cte("kept")).returning(*tool_calls.c)


_COMPLETED: Final = prepared(_completed(), ToolCall, columns=("answer", "total_count", "executed_at"))
_TASK: Final = prepared(insert(tool_call_tasks), columns=("user_id", "tool_call_id", "position", "task_id", "version"))


async def complete(
    work: UnitOfWork, call: ToolCall, *, answer: Mapping[str, Any], total: int | None, tasks: Sequence[UUID]
) -> ToolCall:
    """PROCESSING to COMPLETED, with what it answered and the tasks it touched or found, in order."""
    if call.asked_at is not None:
        await _forget_targets(work, call.id)
    done = await work.first(
        _COMPLETED, id=call.id, answer=dict(answer), total_count=total, executed_at=work.now, tasks=list(tasks)
    )
    assert done is not None, "this transaction began it"
    work.record(Change(ChangeKind.TOOL_CALL, done.id, conversation_id=done.conversation_id))
    return done


async def fail(
    work: UnitOfWork,
    call_id: UUID,
    came_from: ToolCallStatus,
    *,
    code: ErrorCode,
    message: str,
    answer: Mapping[str, Any],
) -> ToolCall | None:
    """PENDING (its parameters don't validate) or PROCESSING (the tool couldn't do it) to FAILED."""
    return await _step(
        work,
        call_id,
        came_from,
        status=ToolCallStatus.FAILED.value,
        error_code=code.value,
        error_message=message,
        answer=dict(answer),
        executed_at=work.now if came_from is ToolCallStatus.PROCESSING else None,
    )


async def fail_pending(work: UnitOfWork, turn: Turn, code: ErrorCode, message: str) -> None:
    """PENDING to FAILED for all calls of a turn that ends: they were never run."""
    left = await work.execute(
        update(tool_calls)
        .where(
            tool_calls.c.user_id == work.user_id,
            tool_calls.c.turn_id == turn.id,
            tool_calls.c.status == ToolCallStatus.PENDING.value,
        )
        .values(
            status=ToolCallStatus.FAILED.value,
            error_code=code.value,
            error_message=message,
            answer=failure(code, message),
            version=tool_calls.c.version + 1,
        )
        .returning(tool_calls.c.id)
    )
    for call_id in left.scalars():
        work.record(Change(ChangeKind.TOOL_CALL, call_id, conversation_id=turn.conversation_id))


async def ask(
    work: UnitOfWork, call: ToolCall, parameters: Mapping[str, Any], targets: Sequence[Target]
) -> ToolCall | None:
    """Let a PENDING call wait for the user: what it would do, and to which tasks as they are now, is kept with it."""
    asked = await _step(
        work, call.id, ToolCallStatus.PENDING, parameters=dict(parameters), asked_at=work.now, decided_at=None
    )
    if asked is not None:
        await _forget_targets(work, call.id)
        await _insert_tasks(work, call.id, [(target.task_id, target.version) for target in targets])
    return asked


async def approve(work: UnitOfWork, call: ToolCall, reason: str | None) -> None:
    """The user's yes to a waiting call: it stays PENDING until its turn goes on."""
    await _step(work, call.id, ToolCallStatus.PENDING, decided_at=work.now, decision_reason=reason)


async def reject(work: UnitOfWork, call: ToolCall, reason: str | None) -> None:
    """The user's no to a waiting call: FAILED, with the reason for the model to read."""
    message = f"The user said no: {reason}" if reason else "The user said no."
    await _step(
        work,
        call.id,
        ToolCallStatus.PENDING,
        status=ToolCallStatus.FAILED.value,
        decided_at=work.now,
        decision_reason=reason,
        error_code=ErrorCode.REJECTED_BY_USER.value,
        error_message=message,
        answer=failure(ErrorCode.REJECTED_BY_USER, message),
    )


async def targets_of(session: Session, call_id: UUID) -> list[Target]:
    """The tasks that a waiting or approved call would change, in order."""
    statement = (
        select(tool_call_tasks.c.task_id, tool_call_tasks.c.version)
        .where(tool_call_tasks.c.user_id == session.user_id, tool_call_tasks.c.tool_call_id == call_id)
        .where(tool_call_tasks.c.version.is_not(None))
        .order_by(tool_call_tasks.c.position)
    )
    return await session.all(statement, Target)


def failure(code: ErrorCode, message: str) -> dict[str, Any]:
    """The JSON that tells the model of a call that failed."""
    return {"ok": False, "error": {"code": code.value, "message": message}}


async def _forget_targets(work: UnitOfWork, call_id: UUID) -> None:
    await work.execute(
        delete(tool_call_tasks).where(
            tool_call_tasks.c.user_id == work.user_id, tool_call_tasks.c.tool_call_id == call_id
        )
    )


async def _insert_tasks(work: UnitOfWork, call_id: UUID, found: Sequence[tuple[UUID, int | None]]) -> None:
    rows = [
        {"tool_call_id": call_id, "position": position, "task_id": task_id, "version": version}
        for position, (task_id, version) in enumerate(found)
    ]
    await work.run_each(_TASK, rows)


async def _step(work: UnitOfWork, call_id: UUID, came_from: ToolCallStatus, **values: Any) -> ToolCall | None:
    moved = await work.first(_stepping(came_from, tuple(sorted(values))), id=call_id, **values)
    if moved is not None:
        work.record(Change(ChangeKind.TOOL_CALL, moved.id, conversation_id=moved.conversation_id))
    return moved
