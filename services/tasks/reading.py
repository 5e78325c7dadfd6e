"""Reading tasks for the assistant's tools: lists by due date, single tasks, and what a target's words could mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, DateTime, case, cast, func, literal, select
from sqlalchemy.sql import Select

from core.unit_of_work import Session
from models.base import rows_of, stored
from models.enums import Priority
from models.tasks import Label, Task, labels, task_labels, tasks
from services.labels import labels_of, name_key
from services.tasks import filters
from services.tasks.filters import Days, DueBucket, Span

LIST_LIMIT: Final = 100
WORD_LIMIT: Final = 8
"""Words of a search or a target that are looked for; more say nothing more."""

_WORD: Final = re.compile(r"\w{2,}")
_EMPTY: Final = frozenset({"the", "an", "my", "our", "that", "this", "to", "of", "and", "task", "one"})
"""Words that say nothing about which task is meant."""

Due = Days | Span | DueBucket


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """What a tool lists. Deleted tasks never are; `label` is a name in any case; `text` a substring.

    All of `words` (the first 8) must stand in the title or the description. `completed` is when it was done.
    """

    is_completed: bool | None = None
    due: Due | None = None
    label: str | None = None
    priority_at_least: Priority | None = None
    text: str | None = None
    words: Sequence[str] = ()
    completed: Days | Span | None = None


@dataclass(frozen=True, slots=True)
class LabelledTask:
    task: Task
    labels: tuple[Label, ...]


async def get_task(session: Session, task_id: UUID) -> Task | None:
    """The task, deleted ones too, or None where the user has no such task."""
    return await session.one(_own(session).where(tasks.c.id == task_id), Task)


async def get_tasks(session: Session, task_ids: Sequence[UUID], *, deleted: bool = False) -> list[Task]:
    """Those of the tasks that exist, in the order given, each once; deleted ones only where `deleted` is set."""
    if not task_ids:
        return []
    statement = _own(session).where(tasks.c.id.in_(task_ids))
    found = await session.all(statement if deleted else statement.where(tasks.c.deleted_at.is_(None)), Task)
    by_id = {task.id: task for task in found}
    return [by_id[task_id] for task_id in dict.fromkeys(task_ids) if task_id in by_id]


async def with_labels(session: Session, found: Sequence[Task]) -> list[LabelledTask]:
    """Each task beside its labels, in one statement."""
    borne = await labels_of(session, [task.id for task in found])
    return [LabelledTask(task, borne[task.id]) for task in found]


async def list_tasks(
    session: Session, query: TaskQuery, zone: ZoneInfo, *, now: datetime | None = None, limit: int = LIST_LIMIT
) -> tuple[list[LabelledTask], int]:
    """The first `limit` (1..100) tasks by due then position, and how many there are in all, in two statements.

    `now` is an aware instant, the session's own by default. An all-day task comes before the timed ones of its day;
    undated ones come last.
    """
    conditions = [tasks.c.user_id == session.user_id, *_conditions(session, query, zone, now or session.now)]
    total = select(func.count()).select_from(tasks).where(*conditions).scalar_subquery()
    statement = (
        select(*stored(tasks), total)
        .where(*conditions)
        .order_by(_due_order(zone).asc().nulls_last(), tasks.c.position, tasks.c.id)
        .limit(min(max(limit, 1), LIST_LIMIT))
    )
    rows = [tuple(row) for row in await session.execute(statement)]
    found = [Task(*row[:-1]) for row in rows]
    return await with_labels(session, found), int(rows[0][-1]) if rows else 0


async def candidates(session: Session, words: str, shown: Sequence[UUID] = (), limit: int = 300) -> list[Task]:
    """Tasks that these words could mean, most likely first, and with them those of the list last shown.

    The very title comes first, then titles with more of the words (or of their beginnings: a word may be mistyped or
    inflected), then open tasks, then the newest. One statement that reads each title once.
    """
    title = func.lower(tasks.c.title)
    score: ColumnElement[int] = case((title == func.lower(words.strip()), 100), else_=0)
    said = set(_WORD.findall(words.casefold()))
    longest_first = sorted(said - _EMPTY or said, key=lambda word: (-len(word), word))
    for word in longest_first[:WORD_LIMIT]:
        score += case((func.strpos(title, word) > 0, 3), (func.strpos(title, word[:3]) > 0, 1), else_=0)
    is_shown = case((tasks.c.id.in_(shown), 0), else_=1) if shown else literal(1)
    statement = (
        _own(session)
        .where(tasks.c.deleted_at.is_(None))
        .order_by(is_shown, score.desc(), tasks.c.completed_at.is_not(None), tasks.c.id.desc())
        .limit(limit)
    )
    return await session.all(statement, Task)


async def deleted_tasks(session: Session, limit: int) -> list[Task]:
    """Tasks that can be restored, the last deleted first; a parent before the subtasks that went along with it."""
    statement = _own(session).where(tasks.c.deleted_at.is_not(None))
    newest = statement.order_by(tasks.c.deleted_at.desc(), tasks.c.parent_id.is_not(None), tasks.c.id.desc())
    return await session.all(newest.limit(limit), Task)


def _own(session: Session) -> Select[Any]:  # Any: as rows_of gives it
    return rows_of(tasks).where(tasks.c.user_id == session.user_id)


def _due_order(zone: ZoneInfo) -> ColumnElement[Any]:  # Any: an instant
    return func.coalesce(tasks.c.due_at, func.timezone(zone.key, cast(tasks.c.due_date, DateTime)))


def _conditions(session: Session, query: TaskQuery, zone: ZoneInfo, now: datetime) -> list[ColumnElement[bool]]:
    bucket = query.due if isinstance(query.due, DueBucket) else None
    plain = filters.TaskFilter(
        is_completed=query.is_completed, due=bucket, priority_at_least=query.priority_at_least, text=query.text
    )
    found = filters.task_conditions(plain, now, zone)
    found += [filters.containing(word) for word in query.words[:WORD_LIMIT]]
    if isinstance(query.due, Days):
        found.append(filters.due_in(query.due, zone))
    elif isinstance(query.due, Span):
        found.append(filters.due_within(query.due))
    if query.completed is not None:
        found.append(filters.completed_within(query.completed, zone))
    if query.label is not None:
        bearers = (
            select(task_labels.c.task_id)
            .join(labels, (labels.c.user_id == task_labels.c.user_id) & (labels.c.id == task_labels.c.label_id))
            .where(labels.c.user_id == session.user_id, labels.c.name_key == name_key(query.label))
        )
        found.append(tasks.c.id.in_(bearers))
    return found
