"""`tasktalk understand`: what the built-in interpreter makes of a sentence, without a server and without a database."""

from __future__ import annotations

import sys
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from assistant.interpreter import commands, dates
from core import clock
from core.errors import ConfigurationError
from graphql_api.cli.understand_lines import answers, command_answer, date_answer


def understand(
    text: Annotated[str | None, typer.Argument(help="The sentence.", show_default=False)] = None,
    at: Annotated[
        str | None, typer.Option(help="When it is said: RFC 3339, or wall time in the zone. Now by default.")
    ] = None,
    zone: Annotated[str, typer.Option(help="The speaker's IANA time zone.")] = "UTC",
    locale: Annotated[str, typer.Option(help="Decides between 3/4 and 4/3.")] = "en",
    dates_jsonl: Annotated[
        bool, typer.Option("--dates-jsonl", help="Answer a date request a line on standard input.")
    ] = False,
    commands_jsonl: Annotated[
        bool, typer.Option("--commands-jsonl", help="Answer a command request a line on standard input.")
    ] = False,
) -> None:
    """Show what the built-in interpreter makes of a sentence: its dates, its commands, how sure it is."""
    if dates_jsonl or commands_jsonl:
        if text is not None or dates_jsonl == commands_jsonl:
            raise ConfigurationError("one of a sentence, --dates-jsonl and --commands-jsonl at a time.")
        _answer_lines(dates_jsonl)
        return
    if text is None:
        raise ConfigurationError("a sentence is missing.")
    now = _moment(at, _zone(zone))
    for line in report(text, now=now, time_zone=zone, locale=locale):
        typer.echo(line)


def _answer_lines(of_dates: bool) -> None:
    """Each answer is written out before the next line is read: whoever asks may wait for it."""
    try:
        for line in answers(sys.stdin, date_answer if of_dates else command_answer):
            typer.echo(line)
            sys.stdout.flush()
    except (ValueError, KeyError, ZoneInfoNotFoundError) as error:
        raise ConfigurationError(f"a line isn't a request: {error}.") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError):
        raise ConfigurationError(f"--zone: {name} is no IANA time zone.") from None


def _moment(at: str | None, zone: ZoneInfo) -> datetime:
    if at is None:
        return clock.now()
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise ConfigurationError("--at: not a time such as 2026-03-10T09:30:00+01:00.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def report(text: str, *, now: datetime, time_zone: str, locale: str) -> list[str]:
    """The lines to show."""
    zone = ZoneInfo(time_zone)
    lines = [f"said {_wall(now, zone)} in {time_zone}", "", "dates"]
    spans = dates.find(text, now=now, time_zone=time_zone, locale=locale)
    lines += [f"  {span.start}-{span.end}  “{span.text}”  {_span_words(span, zone)}" for span in spans]
    if not spans:
        lines.append("  none")
    whole = dates.whole(text, now=now, time_zone=time_zone, locale=locale)
    lines.append(f"  as a whole: {_span_words(whole, zone) if whole else 'no date'}")
    understood = commands.understand(text, now=now, time_zone=time_zone, locale=locale)
    lines += ["", f"commands  (asked for: {understood.intent}, confidence {understood.confidence:.2f})"]
    return lines + [f"  {_command_words(command)}" for command in understood.commands]


def _span_words(span: dates.Span, zone: ZoneInfo) -> str:
    side = f"{span.bound} " if span.bound else ""
    return f"{side}{value_words(span.value, zone)}" + (f", of {value_words(span.extent, zone)}" if span.extent else "")


def value_words(value: dates.Value, zone: ZoneInfo) -> str:
    """A value for people to read."""
    match value:
        case dates.DateValue(day):
            return f"date {day:%a %Y-%m-%d}"
        case dates.DateTimeValue(at, _):
            return f"date-time {_wall(at, zone)}"
        case dates.IntervalValue(start, end, grain):
            return f"interval of a {grain}: {_bound(start, zone)} to {_bound(end, zone)} (exclusive)"
        case dates.DurationValue(months, seconds):
            return f"duration {months} months and {timedelta(seconds=seconds)}"
        case dates.RecurrenceValue(rrule, first):
            return f"recurrence {rrule}, first {value_words(first, zone)}"


def _bound(moment: object, zone: ZoneInfo) -> str:
    return _wall(moment, zone) if isinstance(moment, datetime) else f"{moment:%a %Y-%m-%d}"


def _wall(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M:%S %z}"


def _command_words(command: commands.Command) -> str:
    given = {field.name: getattr(command, field.name) for field in fields(command)}
    return " ".join([command.kind, *(f"{name}={value!r}" for name, value in given.items() if value)])
