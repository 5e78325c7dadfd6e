"""What an undo reads before it does anything: calls, what these took back themselves, their revisions, the tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from core.unit_of_work import Session
from models.base import rows_of
from models.enums import ToolCallStatus, ToolName
from models.tasks import Label, Task, TaskRevision, task_revisions, tasks
from models.turns import ToolCall, call_changes, tool_calls, turns, undone_calls
from services.labels import labels_of

Undoable = Sequence[ToolCall]
"""Calls that wrote, in the order in which they are taken back: the newest first. Some may be undone already."""


@dataclass(frozen=True, slots=True)
class Record:
    """All that an undo of some calls goes by."""

    calls: Mapping[UUID, ToolCall]
    """Those asked for, in order, and after them what these took back themselves, at any remove."""
    took_back: Mapping[UUID, Sequence[UUID]]
    """The calls that a call of the tool `undo` took back."""
    revisions: Mapping[UUID, Sequence[TaskRevision]]
    """What each call asked for did to tasks, oldest first."""
    tasks: dict[UUID, Task]
    """Those that the revisions are of; the undo adds the subtasks that it takes along."""
    labels: dict[UUID, tuple[Label, ...]]


def wrote(session: Session) -> ColumnElement[bool]:
    """Whether a tool call completed and changed something, as a condition on `tool_calls`."""
    revision = select(task_revisions.c.id).where(
        task_revisions.c.user_id == session.user_id, task_revisions.c.tool_call_id == tool_calls.c.id
    )
    beside = select(call_changes.c.position).where(
        call_changes.c.user_id == session.user_id, call_changes.c.tool_call_id == tool_calls.c.id
    )
    return and_(
        tool_calls.c.user_id == session.user_id,
        tool_calls.c.status == ToolCallStatus.COMPLETED.value,
        or_(revision.exists(), beside.exists()),
    )


async def undoable_calls(session: Session, turn_id: UUID) -> Undoable:
    """The calls of the turn that wrote."""
    statement = rows_of(tool_calls).where(wrote(session), tool_calls.c.turn_id == turn_id)
    return await session.all(statement.order_by(tool_calls.c.round.desc(), tool_calls.c.index.desc()), ToolCall)


async def last_undoable(session: Session, conversation_id: UUID, before_turn_number: int) -> Undoable:
    """The calls of the newest turn before that number with something to take back; empty where there is none.

    A call of the tool `undo` counts like any other: taking it back does again what it took back.
    """
    in_force = select(tool_calls.c.id).where(
        wrote(session), tool_calls.c.turn_id == turns.c.id, tool_calls.c.undone_at.is_(None)
    )
    newest = (
        select(turns.c.id)
        .where(
            turns.c.user_id == session.user_id,
            turns.c.conversation_id == conversation_id,
            turns.c.number < before_turn_number,
            in_force.exists(),
        )
        .order_by(turns.c.number.desc())
        .limit(1)
    )
    turn_id = await session.scalar(newest)
    return [] if turn_id is None else await undoable_calls(session, turn_id)


async def read_record(session: Session, asked: Undoable, *, hold: bool) -> Record:
    """The record of these calls. With `hold`, turns and then tasks by id are locked until COMMIT."""
    took_back = await _took_back(session, asked)
    ids = list(dict.fromkeys([call.id for call in asked] + [taken for ids in took_back.values() for taken in ids]))
    if hold:
        concerned = select(tool_calls.c.turn_id).where(_in(session, tool_calls, ids))
        held = select(turns.c.id).where(turns.c.user_id == session.user_id, turns.c.id.in_(concerned))
        await session.execute(held.order_by(turns.c.number).with_for_update(key_share=True))
    found = {
        call.id: call for call in await session.all(rows_of(tool_calls).where(_in(session, tool_calls, ids)), ToolCall)
    }
    revisions = await _revisions(session, [call.id for call in asked])
    touched = {revision.task_id for several in revisions.values() for revision in several}
    statement = rows_of(tasks).where(_in(session, tasks, touched)).order_by(tasks.c.id)
    present = await session.all(statement.with_for_update(key_share=True) if hold else statement, Task)
    return Record(
        calls={call_id: found[call_id] for call_id in ids},
        took_back=took_back,
        revisions=revisions,
        tasks={task.id: task for task in present},
        labels=await labels_of(session, touched),
    )


async def later_revisions(session: Session, task_ids: Iterable[UUID], version: int) -> list[TaskRevision]:
    """The revisions of these tasks past that version."""
    statement = rows_of(task_revisions).where(
        task_revisions.c.user_id == session.user_id,
        task_revisions.c.task_id.in_(list(task_ids)),
        task_revisions.c.version > version,
    )
    return await session.all(statement, TaskRevision)


async def _took_back(session: Session, asked: Undoable) -> dict[UUID, list[UUID]]:
    """What the undo calls among these took back, what the undo calls among those took back, and so on."""
    undos = [call.id for call in asked if call.tool_name == ToolName.UNDO]
    if not undos:
        return {}
    columns = (undone_calls.c.tool_call_id, undone_calls.c.position, undone_calls.c.undone_call_id)
    mine = undone_calls.c.user_id == session.user_id
    first = select(*columns).where(mine, undone_calls.c.tool_call_id.in_(undos)).cte("chain", recursive=True)
    further = select(*columns).join(first, undone_calls.c.tool_call_id == first.c.undone_call_id).where(mine)
    chain = first.union(further)
    took_back: dict[UUID, list[UUID]] = defaultdict(list)
    for row in await session.execute(select(chain).order_by(chain.c.tool_call_id, chain.c.position)):
        took_back[row.tool_call_id].append(row.undone_call_id)
    return dict(took_back)


async def _revisions(session: Session, call_ids: Sequence[UUID]) -> dict[UUID, list[TaskRevision]]:
    statement = rows_of(task_revisions).where(
        task_revisions.c.user_id == session.user_id, task_revisions.c.tool_call_id.in_(call_ids)
    )
    revisions: dict[UUID, list[TaskRevision]] = {call_id: [] for call_id in call_ids}
    for revision in await session.all(statement.order_by(task_revisions.c.id), TaskRevision):
        assert revision.tool_call_id is not None, "it was looked for by that"
        revisions[revision.tool_call_id].append(revision)
    return revisions


def _in(session: Session, table: Any, ids: Iterable[UUID]) -> ColumnElement[bool]:
    return and_(table.c.user_id == session.user_id, table.c.id.in_(list(ids)))
