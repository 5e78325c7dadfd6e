"""The filter of task lists as SQL conditions: pure, so that resolvers and tools ask the database the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, literal_column, or_, select

from core.errors import DomainError, ErrorCode
from models.enums import Priority, WeekStart
from models.tasks import TASK_TITLE_LIMIT, task_labels, tasks
from services.inputs import Field, check_characters, check_length


class DueBucket(StrEnum):
    """When a task is due, in days of the viewer's zone; weeks begin on the day of their settings."""

    OVERDUE = "OVERDUE"
    TODAY = "TODAY"
    TOMORROW = "TOMORROW"
    THIS_WEEK = "THIS_WEEK"
    NEXT_WEEK = "NEXT_WEEK"
    LATER = "LATER"
    NONE = "NONE"


_ZONES: Final = timedelta(hours=15)
_DAY_OF_ZONES: Final = _ZONES + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """The contract's TaskFilter. All given parts must hold; of `label_ids` one that the task bears is enough.

    `due_after` is inclusive and `due_before` exclusive; an all-day task counts as due when its day begins in the
    viewer's zone. An empty `label_ids` or `text` filters nothing.
    """

    is_completed: bool | None = None
    due_before: datetime | None = None
    due_after: datetime | None = None
    due: DueBucket | None = None
    label_ids: Sequence[UUID] | None = None
    priority_at_least: Priority | None = None
    parent_id: UUID | None = None
    is_subtask: bool | None = None
    text: str | None = None
    include_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days, `end` exclusive; None is no bound."""

    start: date | None
    end: date | None


@dataclass(frozen=True, slots=True)
class Span:
    """From one aware instant to another, `end` exclusive."""

    start: datetime
    end: datetime


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The UTC instant at which the day begins there (after the gap where midnight falls into one)."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def due_in(days: Days, zone: ZoneInfo) -> ColumnElement[bool]:
    """Due on one of these days, at a time or all day."""
    all_day: list[ColumnElement[bool]] = [tasks.c.due_date.is_not(None)]
    timed: list[ColumnElement[bool]] = [tasks.c.due_at.is_not(None)]
    if days.start is not None:
        all_day.append(tasks.c.due_date >= days.start)
        timed.append(tasks.c.due_at >= start_of(days.start, zone))
    if days.end is not None:
        all_day.append(tasks.c.due_date < days.end)
        timed.append(tasks.c.due_at < start_of(days.end, zone))
    return and_(or_(and_(*all_day), and_(*timed)), *_between(days, zone))


def _between(days: Days, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    """Where the due order of what is due on these days lies: an index range with little else in it.

    A timed task sorts at its instant, an all-day one at the end of its day by UTC: never before the day began in any
    zone, and after its end there by no more than the zone is ahead.
    """
    found: list[ColumnElement[bool]] = []
    if days.start is not None:
        found.append(tasks.c.due_order >= _wall(start_of(days.start, zone)))
    if days.end is not None:
        found.append(tasks.c.due_order <= max(_wall(start_of(days.end, zone)), datetime.combine(days.end, time.min)))
    return found


def _about(start: datetime | None, end: datetime | None) -> list[ColumnElement[bool]]:
    """Where the due order of what is due from one wall time to another lies at most, in whatever zone: an index range.

    Zones reach 14 hours from UTC, and an all-day task sorts at the end of its day.
    """
    found: list[ColumnElement[bool]] = []
    if start is not None and start.year > 1:
        found.append(tasks.c.due_order >= start - _ZONES)
    if end is not None and end.year < 9999:
        found.append(tasks.c.due_order <= end + _DAY_OF_ZONES)
    return found


def due_within(span: Span) -> ColumnElement[bool]:
    """Due at a time inside the span; all-day tasks have none."""
    return and_(tasks.c.due_at >= span.start, tasks.c.due_at < span.end, *_about(_wall(span.start), _wall(span.end)))


def overdue(now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
    """Open, and due before this instant or, all day, before today."""
    today = now.astimezone(zone).date()
    due = or_(tasks.c.due_at < now, tasks.c.due_date < today)
    return and_(tasks.c.completed_at.is_(None), due, *_about(None, _wall(now)))


def undated() -> ColumnElement[bool]:
    return and_(
        tasks.c.due_at.is_(None),
        tasks.c.due_date.is_(None),
        tasks.c.due_order == literal_column("'infinity'::timestamp"),
    )


def _wall(at: datetime) -> datetime:
    """The instant as the due order has it: UTC, naive."""
    return at.astimezone(UTC).replace(tzinfo=None)


def completed(wanted: bool) -> ColumnElement[bool]:
    return tasks.c.completed_at.is_not(None) if wanted else tasks.c.completed_at.is_(None)


def completed_within(time: Days | Span, zone: ZoneInfo) -> ColumnElement[bool]:
    """Done on one of these days of the zone, or inside the span."""
    start, end = (
        (time.start, time.end)
        if isinstance(time, Span)
        else tuple(start_of(day, zone) if day else None for day in (time.start, time.end))
    )
    bounds = [tasks.c.completed_at >= start] if start else []
    return and_(completed(True), *bounds, *([tasks.c.completed_at < end] if end else []))


def labelled(label_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Bears one of these labels."""
    borne = select(task_labels.c.task_id).where(
        task_labels.c.user_id == tasks.c.user_id,
        task_labels.c.task_id == tasks.c.id,
        task_labels.c.label_id.in_(label_ids),
    )
    return borne.correlate(tasks).exists()


def containing(words: str) -> ColumnElement[bool]:
    """The words stand in the title or the description, whatever their case; % and _ mean themselves."""
    return or_(*(contains(column, words) for column in (tasks.c.title, tasks.c.description)))


def task_conditions(
    filter: TaskFilter, now: datetime, zone: ZoneInfo, week_start: WeekStart = WeekStart.MONDAY
) -> list[ColumnElement[bool]]:
    """Conditions on `models.tasks.tasks` for a query that already is the user's own.

    `now` is an aware instant, `zone` and `week_start` are the viewer's. Raises DomainError INVALID or TOO_LONG that
    names the field.
    """
    found: list[ColumnElement[bool]] = []
    if not filter.include_deleted:
        found.append(tasks.c.deleted_at.is_(None))
    if filter.is_completed is not None:
        found.append(completed(filter.is_completed))
    if filter.due_before is not None:
        found.append(_due_before(filter.due_before, zone, ("filter", "dueBefore")))
    if filter.due_after is not None:
        found.append(_due_after(filter.due_after, zone, ("filter", "dueAfter")))
    if filter.due is not None:
        found.append(_bucket(filter.due, now, zone, week_start))
    if filter.label_ids:
        found.append(labelled(filter.label_ids))
    if filter.priority_at_least is not None:
        found.append(tasks.c.priority >= int(filter.priority_at_least))
    if filter.parent_id is not None:
        found.append(tasks.c.parent_id == filter.parent_id)
    if filter.is_subtask is not None:
        found.append(tasks.c.parent_id.is_not(None) if filter.is_subtask else tasks.c.parent_id.is_(None))
    if filter.text and (words := filter.text.strip()):
        field = ("filter", "text")
        found.append(containing(check_characters(check_length(words, field, limit=TASK_TITLE_LIMIT), field)))
    return found


def _bucket(bucket: DueBucket, now: datetime, zone: ZoneInfo, week_start: WeekStart) -> ColumnElement[bool]:
    if bucket is DueBucket.OVERDUE:
        return overdue(now, zone)
    if bucket is DueBucket.NONE:
        return undated()
    return due_in(bucket_days(bucket, now.astimezone(zone).date(), week_start), zone)


def bucket_days(bucket: DueBucket, today: date, week_start: WeekStart = WeekStart.MONDAY) -> Days:
    """The days of a bucket that is made of days. Raises KeyError for OVERDUE and NONE."""
    first = today - timedelta(days=(today.weekday() - week_start.weekday) % 7)
    tomorrow, following, after = today + timedelta(days=1), first + timedelta(days=7), first + timedelta(days=14)
    return {
        DueBucket.TODAY: Days(today, tomorrow),
        DueBucket.TOMORROW: Days(tomorrow, tomorrow + timedelta(days=1)),
        DueBucket.THIS_WEEK: Days(first, following),
        DueBucket.NEXT_WEEK: Days(following, after),
        DueBucket.LATER: Days(after, None),
    }[bucket]


def _last_begun(at: datetime, zone: ZoneInfo, field: Field) -> date:
    """The last day that began before this instant."""
    try:
        local = at.astimezone(zone).date()
        return local if start_of(local, zone) < at else local - timedelta(days=1)
    except OverflowError as error:
        raise DomainError(ErrorCode.INVALID, f"{field[-1]} is outside the years 1 to 9999.", field=field) from error


def _due_before(at: datetime, zone: ZoneInfo, field: Field) -> ColumnElement[bool]:
    due = or_(tasks.c.due_at < at, tasks.c.due_date <= _last_begun(at, zone, field))
    return and_(due, *_about(None, _wall(at)))


def _due_after(at: datetime, zone: ZoneInfo, field: Field) -> ColumnElement[bool]:
    due = or_(tasks.c.due_at >= at, tasks.c.due_date > _last_begun(at, zone, field))
    return and_(due, *_about(_wall(at), None))


def contains(column: ColumnElement[str] | ColumnElement[str | None], words: str) -> ColumnElement[bool]:
    return func.strpos(func.lower(column), func.lower(words)) > 0
