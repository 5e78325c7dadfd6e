"""Putting a reminder off."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from core.errors import DomainError, ErrorCode
from core.unit_of_work import Session, UnitOfWork
from models.enums import TaskAction
from models.tasks import Task, tasks
from services.tasks.values import Author
from services.tasks.writing import hold_one, write

SNOOZE_LIMIT: Final = 60 * 24 * 366
"""Minutes."""


async def snooze(
    work: UnitOfWork,
    task_id: UUID,
    author: Author,
    *,
    minutes: int | None = None,
    until: datetime | None = None,
    expected_version: int | None = None,
) -> Task:
    """Let the task's reminder come (again) in so many minutes, or at that aware instant; exactly one is given.

    Its own time stays: the next occurrence of a task that repeats reminds as before. Raises DomainError INVALID where
    the task has no reminder or is completed, NOT_FOUND, or VERSION_CONFLICT.
    """
    at = _time(work.now, minutes, until)
    before = await hold_one(work, task_id, expected_version)
    if before.remind_at is None or before.completed_at is not None:
        reason = "The task is completed." if before.completed_at else "The task has no reminder to snooze."
        raise DomainError(ErrorCode.INVALID, reason, field=("input", "taskId"))
    [after] = await write(work, [before], [replace(before, snoozed_until=at)], TaskAction.UPDATED, author)
    return after


def _time(now: datetime, minutes: int | None, until: datetime | None) -> datetime:
    if (minutes is None) == (until is None):
        message = "Give either minutes or until."
        raise DomainError(ErrorCode.INVALID, message, field=("input", "minutes"))
    at = until if minutes is None else now + timedelta(minutes=min(max(minutes, 0), SNOOZE_LIMIT + 1))
    assert at is not None, "one of them is given"
    if not timedelta(0) < at - now <= timedelta(minutes=SNOOZE_LIMIT):
        name = "until" if minutes is None else "minutes"
        limit = f"1..{SNOOZE_LIMIT:,}" if minutes is not None else f"ahead by at most {SNOOZE_LIMIT:,} minutes"
        raise DomainError(ErrorCode.INVALID, f"{name} must be {limit}.", field=("input", name))
    return at


async def last_reminded(session: Session) -> UUID | None:
    """The open task whose reminder came last, or None."""
    statement = (
        select(tasks.c.id)
        .where(
            tasks.c.user_id == session.user_id,
            tasks.c.reminded_for <= session.now,
            tasks.c.remind_at.is_not(None),
            tasks.c.completed_at.is_(None),
            tasks.c.deleted_at.is_(None),
        )
        .order_by(tasks.c.reminded_for.desc(), tasks.c.id)
        .limit(1)
    )
    found: UUID | None = await session.scalar(statement)
    return found
