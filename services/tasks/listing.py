"""Lists of tasks for the assistant's tools, by due date. What is read doesn't grow with what the user has.

An index gives the due order for no zone in particular; how far the viewer's can be from it is known, so the first tasks
of theirs are among the first of that one and what lies so near behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, DateTime, and_, cast, func, literal, literal_column, select, text

from core.unit_of_work import Session
from models.base import rows_of
from models.enums import Priority
from models.tasks import Label, Task, tasks
from services.labels import label_named
from services.search import narrowed
from services.tasks import filters
from services.tasks.filters import Days, DueBucket, Span
from services.tasks.reading import LIST_LIMIT, LabelledTask, with_labels

COUNTED: Final = 10_000
"""Tasks that a list counts; of more it says that there are so many."""

WORD_LIMIT: Final = 8
"""Words of a search that are looked for; more say nothing more."""

_ASIDE: Final = timedelta(days=2)
"""Further than any zone's due order is from the index's: an all-day task begins up to 38 hours before its place."""

_UNDATED: Final[ColumnElement[datetime]] = literal_column("'infinity'::timestamp")
_PLAN_BY_VALUE: Final = text("SET LOCAL plan_cache_mode = force_custom_plan")

Due = Days | Span | DueBucket


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """What a tool lists. Deleted tasks never are; `label` is a name in any case; `text` a substring.

    All of `words` (the first 8) must stand in the title or the description. `completed` is when it was done.
    `among`: only these tasks.
    """

    is_completed: bool | None = None
    due: Due | None = None
    label: str | None = None
    priority_at_least: Priority | None = None
    text: str | None = None
    words: Sequence[str] = ()
    completed: Days | Span | None = None
    among: Sequence[UUID] | None = None


async def list_tasks(
    session: Session, query: TaskQuery, zone: ZoneInfo, *, now: datetime | None = None, limit: int = LIST_LIMIT
) -> tuple[list[LabelledTask], int]:
    """The first `limit` (1..100) tasks by due then position, and how many there are in all, 10,000 at most.

    `now` is an aware instant, the session's own by default. An all-day task comes before the timed ones of its day;
    undated ones come last.
    """
    most = min(max(limit, 1), LIST_LIMIT)
    label = None if query.label is None else await label_named(session, query.label)
    if query.label is not None and label is None:
        return [], 0
    conditions = [tasks.c.user_id == session.user_id, *_conditions(query, label, zone, now or session.now)]
    if texts := [*query.words[:WORD_LIMIT], *([query.text] if query.text and query.text.strip() else [])]:
        conditions += await narrowed(session, tasks.c.id, texts)
    await session.execute(_PLAN_BY_VALUE)
    found = await session.all(_dated(conditions, zone, most), Task)
    if len(found) < most:
        undated = rows_of(tasks).where(*conditions, tasks.c.due_order == _UNDATED)
        ordered = undated.order_by(tasks.c.position, tasks.c.id).limit(most - len(found))
        found += await session.all(ordered, Task)
    total = len(found) if len(found) < most else await _total(session, conditions)
    return await with_labels(session, found), total


def _dated(conditions: Sequence[ColumnElement[bool]], zone: ZoneInfo, most: int) -> Any:  # Any: as rows_of gives it
    """The first of those that have a due date, in the zone's order."""
    last = (
        select(tasks.c.due_order)
        .where(*conditions)
        .order_by(tasks.c.due_order, tasks.c.id)
        .offset(most - 1)
        .limit(1)
        .scalar_subquery()
    )
    near = and_(tasks.c.due_order < _UNDATED, tasks.c.due_order <= func.coalesce(last, _UNDATED) + literal(_ASIDE))
    begins = func.coalesce(tasks.c.due_at, func.timezone(zone.key, cast(tasks.c.due_date, DateTime)))
    return rows_of(tasks).where(*conditions, near).order_by(begins, tasks.c.position, tasks.c.id).limit(most)


async def _total(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int:
    counted = select(literal(1)).select_from(tasks).where(*conditions).limit(COUNTED).subquery()
    return int(await session.scalar(select(func.count()).select_from(counted)))


def _conditions(query: TaskQuery, label: Label | None, zone: ZoneInfo, now: datetime) -> list[ColumnElement[bool]]:
    bucket = query.due if isinstance(query.due, DueBucket) else None
    plain = filters.TaskFilter(
        is_completed=query.is_completed, due=bucket, priority_at_least=query.priority_at_least, text=query.text
    )
    found = filters.task_conditions(plain, now, zone)
    found += [filters.containing(word) for word in query.words[:WORD_LIMIT]]
    if query.among is not None:
        found.append(tasks.c.id.in_(query.among))
    if isinstance(query.due, Days):
        found.append(filters.due_in(query.due, zone))
    elif isinstance(query.due, Span):
        found.append(filters.due_within(query.due))
    if query.completed is not None:
        found.append(filters.completed_within(query.completed, zone))
    if label is not None:  # by its id: how many bear it, the planner knows
        found.append(filters.labelled([label.id]))
    return found
