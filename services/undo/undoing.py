"""Undo: by turn, by call, and by any calls together. All or nothing, and repeating one is a success that does nothing.

Locks in the house's order: conversation → turns → tasks by id → labels → settings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from sqlalchemy import select

from core.errors import DomainError, ErrorCode
from core.unit_of_work import Session, UnitOfWork
from models.base import rows_of
from models.enums import Actor, TaskAction, TurnStatus
from models.tasks import Label, Task, TaskRevision
from models.turns import ToolCall, tool_calls
from services.labels import hold_labels
from services.tasks.labelling import Labelling
from services.tasks.reminding import kept, passed_over
from services.tasks.revisions import state
from services.tasks.values import Author
from services.tasks.writing import write
from services.turns import lock_turn
from services.undo.besides import put_back
from services.undo.marking import Marks, write_taken
from services.undo.reading import Record, Undoable, later_revisions, read_record, undoable_calls, wrote
from services.undo.relatives import settle
from services.undo.rewinding import Doubt, Rewind, action_of, keyed

_BATCH: Final = 1000
"""Tasks that are written at once: a statement takes 32,767 parameters."""


@dataclass(frozen=True, slots=True)
class Undone:
    """The calls that were taken back, in that order, and the tasks that they had touched, each once.

    Of a repetition, which takes nothing back: what is undone.
    """

    tool_call_ids: tuple[UUID, ...]
    task_ids: tuple[UUID, ...]


async def undo_turn(work: UnitOfWork, turn_id: UUID, author: Author) -> Undone:
    """Take back what the turn's calls did, the last first. The revisions are of the turn's conversation.

    Raises DomainError NOT_FOUND, or NOT_UNDOABLE: the turn isn't over, it changed nothing, or a task (the error's node)
    has changed since.
    """
    conversation, turn = await lock_turn(work, turn_id)
    if turn.status in (TurnStatus.QUEUED, TurnStatus.RUNNING):
        raise DomainError(ErrorCode.NOT_UNDOABLE, "The turn isn't over yet: stop it first.")
    calls = await undoable_calls(work, turn_id)
    if not calls:
        raise DomainError(ErrorCode.NOT_UNDOABLE, "The turn changed nothing.")
    return await undo_calls(work, calls, replace(author, conversation_id=conversation.id))


async def undo_tool_call(work: UnitOfWork, call_id: UUID, author: Author) -> Undone:
    """Take back what one call did, and do again what it took back itself. Raises DomainError as `undo_turn` does."""
    found = await _call(work, call_id)
    await lock_turn(work, found.turn_id)
    calls = await undoable_call(work, call_id)
    return await undo_calls(work, calls, replace(author, conversation_id=found.conversation_id))


async def undoable_call(session: Session, call_id: UUID) -> Undoable:
    """The one call, if it wrote. Raises DomainError NOT_FOUND or NOT_UNDOABLE."""
    call = await _call(session, call_id)
    if await session.scalar(select(tool_calls.c.id).where(wrote(session), tool_calls.c.id == call_id)) is None:
        raise DomainError(ErrorCode.NOT_UNDOABLE, "The call changed nothing.")
    return [call]


async def undo_calls(work: UnitOfWork, calls: Undoable, author: Author) -> Undone:
    """Take these calls back in the order given, those aside that are undone. Their conversation is locked by now.

    Each task that changes has one revision, by the author. Where the author is a tool call, what it took back is kept.
    Raises DomainError NOT_UNDOABLE with the task as its node.
    """
    record = await read_record(work, calls, hold=True)
    marks = Marks(record.calls, record.took_back)
    taken = [call.id for call in calls if marks.take_back(call.id)]
    if taken:
        await _write(work, record, await _rewound(work, record, taken), author)
        await put_back(work, [record.calls[call_id] for call_id in taken], author.tool_call_id)
        await marks.write(work)
        if author.tool_call_id is not None:
            await write_taken(work, author.tool_call_id, taken)
    undone = taken or [call.id for call in calls]
    return Undone(tuple(undone), _touched(record, undone))


async def preview(session: Session, calls: Undoable) -> list[UUID]:
    """The tasks that taking these calls back would change. Raises as `undo_calls` would."""
    record = await read_record(session, calls, hold=False)
    marks = Marks(record.calls, record.took_back)
    taken = [call.id for call in calls if marks.take_back(call.id)]
    rewind = await _rewound(session, record, taken)
    return [task_id for task_id in dict.fromkeys([*_touched(record, taken), *record.tasks]) if rewind.changed(task_id)]


async def _call(session: Session, call_id: UUID) -> ToolCall:
    statement = rows_of(tool_calls).where(tool_calls.c.user_id == session.user_id, tool_calls.c.id == call_id)
    call = await session.one(statement, ToolCall)
    if call is None:
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such tool call.", field=("input", "toolCallId"))
    return call


def _touched(record: Record, call_ids: Sequence[UUID]) -> tuple[UUID, ...]:
    return tuple(dict.fromkeys(one.task_id for call_id in call_ids for one in record.revisions[call_id]))


async def _rewound(session: Session, record: Record, taken: Sequence[UUID]) -> Rewind:
    """The tasks as they were before these calls. Raises DomainError NOT_UNDOABLE."""
    names = {task_id: [label.name for label in borne] for task_id, borne in record.labels.items()}
    rewind = Rewind({task.id: state(task, names[task.id]) for task in record.tasks.values()}, session.now)
    for call_id in taken:
        for revision in reversed(record.revisions[call_id]):
            rewind.take_off(revision)
    if rewind.doubts:
        await _check(session, record, rewind.doubts, frozenset(taken))
    for task_id, field in (*rewind.clashes(), *await settle(session, record, rewind)):
        raise _changed_since(record.tasks[task_id], field)
    return rewind


async def _check(session: Session, record: Record, doubts: Sequence[Doubt], taken: frozenset[UUID]) -> None:
    """A field may differ where nobody but the system, or what is taken back as well, has written it since."""
    lowest = min(doubt.version for doubt in doubts)
    later: dict[UUID, list[TaskRevision]] = defaultdict(list)
    for revision in await later_revisions(session, {doubt.task_id for doubt in doubts}, lowest):
        if revision.actor != Actor.SYSTEM and revision.tool_call_id not in taken:
            later[revision.task_id].append(revision)
    for doubt in doubts:
        for revision in later[doubt.task_id]:
            if revision.version > doubt.version and any(change["field"] == doubt.field for change in revision.changes):
                raise _changed_since(record.tasks[doubt.task_id], doubt.field)


def _changed_since(task: Task, field: str) -> DomainError:
    message = f"“{task.title}” can't be put back as it was: its {field} has changed since."
    return DomainError(ErrorCode.NOT_UNDOABLE, message, node=("Task", task.id))


async def _write(work: UnitOfWork, record: Record, rewind: Rewind, author: Author) -> None:
    """One net change a task, those of one kind together."""
    plans = await _plan_labels(work, record, rewind)
    by_action: dict[TaskAction, list[tuple[Task, Task]]] = defaultdict(list)
    for before in record.tasks.values():
        after = passed_over(before, kept(rewind.task(before)), work.now)
        by_action[action_of(before, after)].append((before, after))
    for action, pairs in by_action.items():
        for start in range(0, len(pairs), _BATCH):
            batch = pairs[start : start + _BATCH]
            await write(work, [one for one, _ in batch], [one for _, one in batch], action, author, plans)


async def _plan_labels(work: UnitOfWork, record: Record, rewind: Rewind) -> dict[UUID, Labelling]:
    """The labels that each task shall bear; those that are gone are made again."""
    borne = {task_id: {label.name_key: label for label in several} for task_id, several in record.labels.items()}
    wanted = {task_id: keyed(rewind.fields[task_id]["labels"]) for task_id in record.tasks}
    missing = {
        key: name for task_id, names in wanted.items() for key, name in names.items() if key not in borne[task_id]
    }
    try:
        held = await hold_labels(work, list(missing.values()))
    except DomainError as error:  # there is no room for them any more
        raise DomainError(ErrorCode.NOT_UNDOABLE, error.message) from error
    return {
        task_id: Labelling(record.labels[task_id], _named(names, {**held, **borne[task_id]}))
        for task_id, names in wanted.items()
        if names.keys() != borne[task_id].keys()
    }


def _named(keys: Iterable[str], labels: Mapping[str, Label]) -> tuple[Label, ...]:
    return tuple(labels[key] for key in sorted(keys))
