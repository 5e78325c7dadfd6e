"""What the built-in interpreter makes of requests, one JSON object a line: the form that evaluations are scored by.

A date request is {"id", "text", "reference", "tz", "hints"}: `reference` is wall time in `tz`. Its answer says `kind`
(date, datetime, interval, recurrence, duration or none) and, as the kind has them, `start` and `end` (wall time in
`tz`, the end exclusive), `grain`, `seconds` and `rrule`. A command request is {"id", "text"}; its answer says `intent`
and, where there are any, `title`, `date_text` and `list_name`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from assistant.interpreter import commands, dates
from core import clock

Answer = dict[str, object]

_Timed = dates.DateValue | dates.DateTimeValue | dates.IntervalValue


def answers(lines: Iterable[str], answer: Callable[[Mapping[str, object]], Answer]) -> Iterator[str]:
    """The answer to each line that isn't blank. Raises ValueError at one that holds no request."""
    for line in lines:
        if not line.strip():
            continue
        request = json.loads(line)
        if not isinstance(request, dict) or not isinstance(request.get("text"), str):
            raise ValueError("a request is a JSON object with a text")
        yield json.dumps({"id": request.get("id"), **answer(request)})


def date_answer(request: Mapping[str, object]) -> Answer:
    """What the first date expression of the text means; the text as a whole where it is one."""
    zone = str(request.get("tz") or "UTC")
    hints = request.get("hints")
    locale = "en-GB" if isinstance(hints, Mapping) and hints.get("day_first") else "en-US"
    now = datetime.fromisoformat(str(request["reference"])).replace(tzinfo=ZoneInfo(zone))
    text = str(request["text"])
    span = dates.whole(text, now=now, time_zone=zone, locale=locale)
    if span is None:
        span = next(iter(dates.find(text, now=now, time_zone=zone, locale=locale)), None)
    return span_answer(span, now) if span else {"kind": "none"}


def span_answer(span: dates.Span, now: datetime) -> Answer:
    """What the words cover, open at one side where they say "before" or "after"; else the value itself."""
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    value = span.extent or span.value
    if not span.bound or not isinstance(value, _Timed):
        return value_answer(value, zone)
    start, end = _ends(value)
    sides: dict[str, tuple[date | datetime | None, date | datetime | None]] = {
        "before": (None, start), "by": (now, end), "after": (end, None), "since": (start, None),
    }  # fmt: skip
    first, last = sides[span.bound]
    return {"kind": "interval", "start": first and _wall(first, zone), "end": last and _wall(last, zone)}


def _ends(
    value: dates.DateValue | dates.DateTimeValue | dates.IntervalValue,
) -> tuple[date | datetime, date | datetime]:
    match value:
        case dates.DateValue(day):
            return day, day + timedelta(days=1)
        case dates.DateTimeValue(at, _):
            return at, at
        case dates.IntervalValue(start, end, _):
            return start, end


def value_answer(value: dates.Value, zone: ZoneInfo) -> Answer:
    """A value in words and figures that JSON has."""
    match value:
        case dates.DateValue() | dates.DateTimeValue():
            return {"kind": "date" if isinstance(value, dates.DateValue) else "datetime", **_point(value, zone)}
        case dates.IntervalValue(start, end, grain):
            return {"kind": "interval", "start": _wall(start, zone), "end": _wall(end, zone), "grain": grain}
        case dates.DurationValue(months, seconds):
            return {"kind": "duration", "seconds": months * _month_seconds(months) + seconds}
        case dates.RecurrenceValue(rrule, first):
            return {"kind": "recurrence", **_point(first, zone), "rrule": _rule(rrule, first, zone)}


def _month_seconds(months: int) -> int:
    """A month as a mere length: thirty days, but a twelfth of 365 where there is a year or more of them."""
    return 365 * 7200 if months >= 12 else 30 * 86400


def _point(value: dates.DateValue | dates.DateTimeValue, zone: ZoneInfo) -> Answer:
    if isinstance(value, dates.DateValue):
        return {"start": value.date.isoformat(), "grain": "day"}
    return {"start": _wall(value.at, zone), "grain": "minute"}


def _wall(moment: date | datetime, zone: ZoneInfo) -> str:
    """An instant as wall time without its offset; a day as it is."""
    if isinstance(moment, datetime):
        return moment.astimezone(zone).replace(tzinfo=None).isoformat()
    return moment.isoformat()


def _rule(rrule: str, first: dates.DateValue | dates.DateTimeValue, zone: ZoneInfo) -> Answer:
    """The rule's parts by name, and the time of day, which the rule itself leaves to its first occurrence."""
    parts: Answer = {"interval": 1}
    for part in rrule.split(";"):
        name, _, value = part.partition("=")
        parts[name.lower()] = value.split(",") if name.startswith("BY") else value
    fine = parts["freq"] in ("SECONDLY", "MINUTELY", "HOURLY")
    if isinstance(first, dates.DateTimeValue) and "byhour" not in parts and not fine:
        wall = first.at.astimezone(zone)
        parts |= {"byhour": [wall.hour], "byminute": [wall.minute]}
    return parts


def command_answer(request: Mapping[str, object]) -> Answer:
    """What the text asks for first: its intent, its title or target, its due words and its label.

    Where it asks back instead of doing it, the intent is that of the question.
    """
    found = commands.understand(str(request["text"]), now=clock.now(), time_zone="UTC")
    first = next((one for one in found.commands if commands.intent_of([one]) == found.intent), found.commands[0])
    slots: Answer = {"title": _title(first), "date_text": getattr(first, "due", None), "list_name": _label(first)}
    return {"intent": found.intent, **{name: value for name, value in slots.items() if value}}


def _title(command: commands.Command) -> str | None:
    match command:
        case commands.Add(title=title):
            return title
        case commands.Search(query=query):
            return query
        case commands.Nothing(question=question):
            return commands.suggested(question)
        case commands.Reschedule(targets=targets) | commands.Categorize(targets=targets):
            return " and ".join(targets)
        case _:
            return getattr(command, "target", None)


def _label(command: commands.Command) -> str | None:
    match command:
        case commands.Add(labels=(label, *_)):
            return label
        case commands.ListTasks(label=label):
            return label
        case _:
            return None
