"""The small words of replies: days, due times and titles, as the user reads them where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from assistant.interpreter.outcomes import Shown

TITLE_AT_MOST = 120
_TWELVE_HOURS = frozenset({"US", "CA", "AU", "NZ", "IN", "PH", "PK", "EG", "SA", "MY", "CO"})
"""Countries that write a time of day with am and pm."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """When, where and how the user reads this: an aware instant, an IANA zone and a BCP 47 tag."""

    now: datetime
    time_zone: str
    locale: str = "en"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()


def calendar_day(day: date, today: date) -> str:
    """ "Fri 27 Nov", with the year where it isn't the present one: it stays true on later days."""
    year = f" {day.year}" if day.year != today.year else ""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}{year}"


def day_words(day: date, today: date) -> str:
    """ "tomorrow (Tue 24 Nov)", "Fri 27 Nov", with the year where it isn't the present one."""
    plain = calendar_day(day, today)
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}.get((day - today).days)
    return f"{near} ({plain})" if near else plain


def clock_time(local: datetime, locale: str) -> str:
    """ "17:00", or "5:00 pm" in the countries that write it so; a bare language has 24 hours."""
    region = locale.replace("_", "-").upper().partition("-")[2].rpartition("-")[2]
    if region not in _TWELVE_HOURS:
        return f"{local:%H:%M}"
    return f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"


def due_words(task: Shown, view: Viewpoint) -> str | None:
    """When a task is due, in the user's zone, or None."""
    if task.due_at is not None:
        return moment_words(task.due_at, view)
    return day_words(task.due_date, view.today) if task.due_date else None


def moment_words(at: datetime, view: Viewpoint) -> str:
    """ "today (Mon 23 Nov) at 15:10", in the user's zone."""
    local = at.astimezone(view.zone)
    return f"{day_words(local.date(), view.today)} at {clock_time(local, view.locale)}"


def repeat_words(task: Shown, view: Viewpoint) -> str | None:
    """ "every Monday at 09:00, next on Mon 3 Aug", in the user's zone; None where it doesn't repeat."""
    if task.repeats is None:
        return None
    local = task.due_at.astimezone(view.zone) if task.due_at else None
    clock = f" at {clock_time(local, view.locale)}" if local else ""
    day = local.date() if local else task.due_date
    return f"{task.repeats}{clock}" + (f", next on {calendar_day(day, view.today)}" if day else "")


def one_line(text: str) -> str:
    """A title on one line, cut where it is very long."""
    line = " ".join(text.split())
    return line if len(line) <= TITLE_AT_MOST else line[: TITLE_AT_MOST - 1] + "…"


def title(text: str) -> str:
    """A title on one line, in quotation marks."""
    return f"“{one_line(text)}”"


def joined(parts: Sequence[str]) -> str:
    """ "a, b and c"; empty for none."""
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
