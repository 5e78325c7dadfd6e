"""Making tasks: once a key, at the end of the list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from core.errors import DomainError, ErrorCode
from core.ids import new_id
from core.statements import prepared
from core.unit_of_work import UnitOfWork
from models.base import columns_of, rows_of
from models.enums import Actor, Priority, RecurrenceFrom, TaskAction
from models.tasks import Task, task_labels, tasks
from services.inputs import check_idempotency_key, digest
from services.labels import clean_names, hold_labels
from services.tasks.checks import clean_new, default_zone
from services.tasks.family import check_parent
from services.tasks.positions import last_position
from services.tasks.reminding import check_ahead, with_reminder
from services.tasks.repeating import with_rule
from services.tasks.revisions import NOTHING, Revised, differences, instant, state, write_revisions
from services.tasks.values import Author, NewTask

_INSERTED: Final = prepared(
    insert(tasks)
    .on_conflict_do_nothing(
        index_elements=["user_id", "idempotency_key"], index_where=text("idempotency_key IS NOT NULL")
    )
    .returning(tasks.c.id),
    columns=list(Task.__dataclass_fields__),
)


async def create_task(
    work: UnitOfWork,
    new: NewTask,
    actor: Actor,
    tool_call_id: UUID | None = None,
    conversation_id: UUID | None = None,
) -> Task:
    """Make a task. The same key and input answer the same task before any other check, also when they race.

    A `due_at` without a zone is meant in the zone of the user's settings. Missing labels are made.
    Raises DomainError INVALID, TOO_LONG, IDEMPOTENCY_CONFLICT, or NOT_FOUND for its parent.
    """
    key = check_idempotency_key(new.idempotency_key)
    fingerprint = digest(_canonical(new)) if key else None
    if key and (before := await _made_before(work, key, fingerprint)):
        return before
    cleaned = clean_new(new)
    if cleaned.remind_at is not None:
        check_ahead(cleaned.remind_at, work.now)
    if cleaned.parent_id is not None:
        await check_parent(work, cleaned.parent_id)
    task = await _task(work, cleaned, key, fingerprint)
    if (
        await work.value(_INSERTED, **columns_of(task)) is None
    ):  # a request with the same key ran beside this one and has committed
        assert key is not None, "only a key can conflict"
        raced = await _made_before(work, key, fingerprint)
        assert raced is not None, "what conflicted is committed, and a task that is open isn't purged"
        return raced
    await _written(work, task, cleaned.labels, Author(actor, tool_call_id, conversation_id))
    return task


async def plan_task(work: UnitOfWork, new: NewTask, key: str | None = None) -> Task:
    """The task that `create_task` would make, not stored yet; its reminder may be over for long.

    Raises DomainError, for its parent as well.
    """
    cleaned = clean_new(new)
    if cleaned.parent_id is not None:
        await check_parent(work, cleaned.parent_id)
    return await _task(work, cleaned, key, digest(_canonical(new)) if key else None)


async def adopt_task(work: UnitOfWork, task: Task, labels: Sequence[str], actor: Actor) -> None:
    """Store a task that was planned, or comes whole from elsewhere: its id, times and place stay as they are.

    Raises DomainError INVALID for the labels, and what the database raises for values that exclude each other.
    """
    await work.value(_INSERTED, **columns_of(task))
    await _written(work, task, clean_names(labels, ("input", "labels")), Author(actor))


async def _written(work: UnitOfWork, task: Task, labels: Sequence[str], author: Author) -> None:
    names = await _attach_labels(work, task.id, labels)
    write_revisions(work, [Revised(task, differences(NOTHING, state(task, names)))], TaskAction.CREATED, author)


async def _task(work: UnitOfWork, new: NewTask, key: str | None, fingerprint: bytes | None) -> Task:
    starts = new.recurrence is not None and new.due_at is None and new.due_date is None
    zone = await default_zone(work) if starts or (new.due_at and not new.time_zone) else ""
    made = Task(
        user_id=work.user_id,
        id=new_id(),
        title=new.title,
        description=new.description,
        completed_at=None,
        due_date=new.due_date,
        due_at=new.due_at,
        time_zone=new.time_zone or (zone if new.due_at else None),
        recurrence=None,
        recurrence_from=(new.recurrence_from or RecurrenceFrom.DUE).value,
        recurrence_time=None,
        remind_at=None,
        remind_before=None,
        snoozed_until=None,
        reminded_for=None,
        priority=int(new.priority or Priority.NONE),
        parent_id=new.parent_id,
        position=last_position(),
        version=1,
        created_at=work.now,
        updated_at=work.now,
        deleted_at=None,
        idempotency_key=key,
        idempotency_digest=fingerprint,
    )
    repeating = with_rule(made, new.recurrence, work.now, zone) if new.recurrence else made
    return with_reminder(repeating, new.remind_at, new.remind_before, work.now)


async def _attach_labels(work: UnitOfWork, task_id: UUID, labels: Sequence[str]) -> list[str]:
    """The names of the labels, by name, as they are spelled where they existed before."""
    if not labels:
        return []
    held = await hold_labels(work, labels)
    rows = [{"user_id": work.user_id, "task_id": task_id, "label_id": label.id} for label in held.values()]
    await work.execute(insert(task_labels).values(rows))
    return [held[key].name for key in sorted(held)]


def _canonical(new: NewTask) -> dict[str, Any]:
    """The input as its digest sees it: trimmed, and with one spelling of each value."""
    aware = new.due_at is not None and new.due_at.tzinfo is not None
    later = {
        "recurrence": new.recurrence,
        "recurrenceFrom": new.recurrence_from,
        "remindAt": str(new.remind_at) if new.remind_at else None,
        "remindBefore": new.remind_before,
        "parentId": str(new.parent_id) if new.parent_id else None,
    }  # left out where they aren't given: digests of before they were known stay the same
    return {
        "title": new.title.strip(),
        "description": (new.description or "").strip(),
        "dueDate": str(new.due_date),
        "dueAt": instant(new.due_at) if aware else str(new.due_at),
        "timeZone": new.time_zone,
        **{name: value for name, value in later.items() if value is not None},
        "priority": int(new.priority or Priority.NONE),
        "labels": [name.strip() for name in new.labels],
    }


async def _made_before(work: UnitOfWork, key: str, fingerprint: bytes | None) -> Task | None:
    statement = rows_of(tasks).where(tasks.c.user_id == work.user_id, tasks.c.idempotency_key == key)
    found = await work.one(statement, Task)
    if found is not None and found.idempotency_digest != fingerprint:
        message = "idempotencyKey was used before with other input."
        raise DomainError(ErrorCode.IDEMPOTENCY_CONFLICT, message, field=("input", "idempotencyKey"))
    return found
