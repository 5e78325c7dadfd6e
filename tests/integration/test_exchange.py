"""Tasks in and out of files: what goes out comes in the same, twice is once, and a bad row stops nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import icalendar
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

import services.labels
from core.database import Database
from graphql_api.exchange import reader_of
from models.changes import change_log
from models.enums import Actor, Priority, RecurrenceFrom
from models.tasks import Task
from models.tasks import tasks as table
from services.exchange import FORMATS, LINE_LIMIT, Outcome, Result, export_tasks, import_tasks
from services.labels import create_label
from services.tasks import NewTask, complete_task, create_task, delete_task
from services.users import read_settings, update_settings
from tests.conftest import new_user

NOW = datetime(2026, 3, 4, 9, tzinfo=UTC)  # a Wednesday


async def pieces(text: str | bytes, size: int = 7) -> AsyncIterator[bytes]:
    """In pieces that end in the midst of lines and of letters."""
    raw = text.encode() if isinstance(text, str) else text
    for start in range(0, len(raw), size):
        yield raw[start : start + size]


async def bring(
    database: Database, user: str, form: str, text: str | bytes, *, dry_run: bool = False, size: int = 7
) -> list[Outcome]:
    async with database.snapshot(user) as session:
        reader = reader_of(await read_settings(session), NOW)
    chunks = pieces(text, size)
    return [one async for one in import_tasks(database, user, FORMATS[form], chunks, reader, dry_run=dry_run)]


async def exported(database: Database, user: str, form: str) -> str:
    return b"".join([piece async for piece in export_tasks(database, user, FORMATS[form].output)]).decode()


def results(outcomes: list[Outcome]) -> list[tuple[int, str]]:
    return [(one.number, one.result.value) for one in outcomes]


async def stored(database: Database, user: str) -> list[dict[str, Any]]:
    """Each task in a few words, by title."""
    lines = [json.loads(line) for line in (await exported(database, user, "jsonl")).splitlines()]
    tasks = [line for line in lines if line["type"] == "task"]
    names = {task["id"]: task["title"] for task in tasks}
    kept = ("title", "description", "dueDate", "dueAt", "timeZone", "recurrence", "remindBefore", "priority")
    found = []
    for task in sorted(tasks, key=lambda one: str(one["title"])):
        plain = {name: task[name] for name in kept if name in task and task[name] != "NONE"}
        found.append(
            plain
            | ({"labels": task["labels"]} if task["labels"] else {})
            | ({"parent": names[task["parentId"]]} if "parentId" in task else {})
            | ({"done": True} if "completedAt" in task else {})
        )
    return found


async def log_of(database: Database, user: str) -> int:
    async with database.snapshot(user) as session:
        return int(await session.scalar(select(func.count()).select_from(change_log)))


text_ = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda text: bool(text.strip())
)
instants = st.integers(10**9, 38 * 10**8).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
dues: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.builds(lambda day: {"due_date": day}, st.dates(date(2000, 1, 1), date(2090, 1, 1))),
    st.builds(
        lambda at, zone, before: {"due_at": at, "time_zone": zone, "remind_before": before},
        instants,
        st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "America/Sao_Paulo"]),
        st.none() | st.integers(0, 5000),
    ),
    st.builds(
        lambda day, rule, from_: {"due_date": day, "recurrence": rule, "recurrence_from": from_},
        st.dates(date(2026, 1, 1), date(2030, 1, 1)),
        st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=YEARLY;COUNT=3"]),
        st.sampled_from(list(RecurrenceFrom)),
    ),
)
news = st.builds(
    lambda title, description, due, priority, labels: NewTask(
        title, description=description, priority=priority, labels=labels, **due
    ),
    text_,
    st.none() | text_,
    dues,
    st.sampled_from(list(Priority)),
    st.lists(st.sampled_from(["home", "Work", "später", "a b"]), max_size=3),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_=st.lists(st.tuples(news, st.booleans(), st.booleans()), max_size=6))
async def test_json_lines_carry_every_task_whole_to_another_account(
    database: Database, given_: list[tuple[NewTask, bool, bool]]
) -> None:
    here, there = await new_user(database), await new_user(database)
    parent: Task | None = None
    for new, done, child in given_:
        above = parent.id if child and parent is not None else None

        async def make(work: Any, new: NewTask = new, done: bool = done, above: Any = above) -> Task:
            made = await create_task(work, NewTask(**{**_fields(new), "parent_id": above}), Actor.USER)
            return await complete_task(work, made.id, Actor.USER) if done else made

        made = await database.work(here, make)
        parent = made if above is None else parent
    text = await exported(database, here, "jsonl")
    assert all(one.result is Result.MADE for one in await bring(database, there, "jsonl", text, size=1000))
    assert await exported(database, there, "jsonl") == text
    before = await log_of(database, there)
    assert all(one.result is Result.KNOWN for one in await bring(database, there, "jsonl", text, size=1000))
    assert (await exported(database, there, "jsonl"), await log_of(database, there)) == (text, before)
    assert all(one.result is Result.KNOWN for one in await bring(database, here, "jsonl", text, size=1000))


def _fields(new: NewTask) -> dict[str, Any]:
    return {name: getattr(new, name) for name in NewTask.__dataclass_fields__}


TODOIST = """\ufeffTYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\r
task,Pay the rent @money,"to the
landlord",1,1,me (1),,every month on the 1st,en,Europe/Berlin\r
note,by transfer,,,,,,,,\r
section,Garden,,,,,,,,\r
task,Water plants,,4,1,,,2026-03-09,en,\r
task,the herbs too,,3,2,,,tomorrow at 5pm,en,Asia/Tokyo\r
task,and deeper,,4,3,,,,en,\r
task,Broken,,7,1,,,,en,\r
task,Unclear,,4,1,,,when pigs fly,en,\r
task,Last,,2,1,,,,en,
"""


async def test_todoists_csv_brings_sections_notes_labels_dates_and_subtasks(database: Database, user: str) -> None:
    await database.work(user, lambda work: update_settings(work, time_zone="Europe/Berlin"))
    expected = [(2, "MADE"), (6, "MADE"), (7, "MADE"), (8, "MADE"), (9, "BAD"), (10, "BAD"), (11, "MADE")]
    planned = await bring(database, user, "todoist", TODOIST, dry_run=True)
    assert (sorted(results(planned)), await stored(database, user), await log_of(database, user)) == (expected, [], 1)
    assert sorted(results(await bring(database, user, "todoist", TODOIST))) == expected
    assert await stored(database, user) == [
        {"title": "Last", "priority": "HIGH", "labels": ["Garden"]},
        {
            "title": "Pay the rent",
            "description": "to the\nlandlord\nby transfer",
            "dueDate": "2026-04-01",
            "recurrence": "FREQ=MONTHLY;BYMONTHDAY=1",
            "priority": "URGENT",
            "labels": ["money"],
        },
        {"title": "Water plants", "dueDate": "2026-03-09", "labels": ["Garden"]},
        {"title": "and deeper", "labels": ["Garden"], "parent": "Water plants"},
        {
            "title": "the herbs too",
            "dueAt": "2026-03-05T08:00:00Z",
            "timeZone": "Asia/Tokyo",
            "priority": "MEDIUM",
            "labels": ["Garden"],
            "parent": "Water plants",
        },
    ]
    again = await bring(database, user, "todoist", TODOIST)
    assert {one.result for one in again} == {Result.KNOWN, Result.BAD}
    assert [one.message for one in again if one.result is Result.BAD] == [
        "PRIORITY can't be 7.",
        "DATE “when pigs fly” was not understood.",
    ]
    there = await new_user(database)
    await bring(database, there, "todoist", await exported(database, user, "todoist"))
    assert [task["title"] for task in await stored(database, there)] == [
        task["title"] for task in await stored(database, user)
    ]


CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:event
SUMMARY:Not a task
END:VEVENT
BEGIN:VTODO
UID:child
SUMMARY:Buy flour\\, sugar
RELATED-TO:parent
STATUS:COMPLETED
COMPLETED:20260301T100000Z
END:VTODO
BEGIN:VTODO
UID:parent
SUMMARY:Bake a cake with a very long name that is folded over two lines as the
  format wants it
DUE;TZID=Europe/Berlin:20260329T100000
RRULE:FREQ=WEEKLY;BYDAY=SU
CATEGORIES:home,kitchen
PRIORITY:5
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT30M
END:VALARM
END:VTODO
BEGIN:VTODO
UID:nameless
END:VTODO
BEGIN:VTODO
UID:broken
SUMMARY:x
DUE:someday
END:VTODO
BEGIN:VTODO
UID:floating
SUMMARY:Wind the clock
DUE:20260305T080000
END:VTODO
BEGIN:VTODO
UID:cancelled
SUMMARY:Not any more
STATUS:CANCELLED
END:VTODO
BEGIN:VTODO
UID:elsewhere
SUMMARY:When would that be
DUE;TZID=Of our own:20260305T080000
END:VTODO
END:VCALENDAR
"""


async def test_an_icalendars_todos_come_in_and_go_out(database: Database, user: str) -> None:
    await database.work(user, lambda work: update_settings(work, time_zone="Asia/Kolkata"))
    found = await bring(database, user, "ical", CALENDAR.replace("\n", "\r\n"))
    assert sorted(results(found)) == [
        (1, "MADE"),
        (2, "MADE"),
        (3, "BAD"),
        (4, "BAD"),
        (5, "MADE"),
        (6, "BAD"),
        (7, "BAD"),
    ]
    assert next(one.message for one in found if one.number == 7) == "TZID Of our own is no time zone known by name."
    cake = "Bake a cake with a very long name that is folded over two lines as the format wants it"
    tasks = await stored(database, user)
    assert tasks == [
        {
            "title": cake,
            "dueAt": "2026-03-29T08:00:00Z",
            "timeZone": "Europe/Berlin",
            "recurrence": "FREQ=WEEKLY;BYDAY=SU",
            "remindBefore": 30,
            "priority": "MEDIUM",
            "labels": ["home", "kitchen"],
        },
        {"title": "Buy flour, sugar", "parent": cake, "done": True},
        {"title": "Wind the clock", "dueAt": "2026-03-05T02:30:00Z", "timeZone": "Asia/Kolkata"},
    ]
    for text in (CALENDAR, await exported(database, user, "ical")):
        assert {one.result for one in await bring(database, user, "ical", text)} <= {Result.KNOWN, Result.BAD}
    written = icalendar.Calendar.from_ical(await exported(database, user, "ical"))
    zones, repeating = written.walk("VTIMEZONE"), [one for one in written.walk("VTODO") if "RRULE" in one]
    assert (
        [str(zone["TZID"]) for zone in zones] == [one["DUE"].params["TZID"] for one in repeating] == ["Europe/Berlin"]
    )
    there = await new_user(database)
    await database.work(there, lambda work: update_settings(work, time_zone="Asia/Kolkata"))
    assert {one.result for one in await bring(database, there, "ical", await exported(database, user, "ical"))} == {
        Result.MADE
    }
    assert await stored(database, there) == tasks


async def test_markdown_and_plain_lines_come_in_and_go_out(database: Database, user: str) -> None:
    text = "# Trip\n\n- [ ] Pack\n  warm things\n  - [x] socks\n  - [ ] boots\n- [x] Book\n## \n* plain\n3. numbered\n"
    assert [one.result for one in await bring(database, user, "markdown", text)] == [Result.MADE] * 6
    tasks = [
        {"title": "Book", "labels": ["Trip"], "done": True},
        {"title": "Pack", "description": "warm things", "labels": ["Trip"]},
        {"title": "boots", "labels": ["Trip"], "parent": "Pack"},
        {"title": "numbered"},
        {"title": "plain"},
        {"title": "socks", "labels": ["Trip"], "parent": "Pack", "done": True},
    ]
    assert await stored(database, user) == tasks
    assert [one.result for one in await bring(database, user, "markdown", text)] == [Result.KNOWN] * 6
    assert await exported(database, user, "markdown") == (
        "- [ ] Pack\n    warm things\n  - [x] socks\n  - [ ] boots\n- [x] Book\n- [ ] plain\n- [ ] numbered\n".replace(
            "    warm", "  warm"
        )
    )
    there = await new_user(database)
    lines = "milk\n\n  bread  \nmilk\n" + "x" * 501 + "\n"
    found = await bring(database, there, "lines", lines)
    assert results(found) == [(1, "MADE"), (3, "MADE"), (4, "MADE"), (5, "BAD")]
    assert [one["title"] for one in await stored(database, there)] == ["bread", "milk", "milk"]
    assert {one.result for one in await bring(database, there, "lines", lines)} == {Result.KNOWN, Result.BAD}
    assert await exported(database, there, "lines") == "milk\nbread\nmilk\n"


async def test_an_open_subtask_of_what_is_done_is_written_where_only_open_tasks_are(
    database: Database, user: str
) -> None:
    await bring(database, user, "markdown", "- [ ] first\n- [x] party\n  - [ ] balloons\n  - [x] cake\n- [ ] last\n")
    assert await exported(database, user, "lines") == "first\nballoons\nlast\n"
    written = [line.split(",")[1::3][:2] for line in (await exported(database, user, "todoist")).splitlines()[1:]]
    assert written == [["first", "1"], ["balloons", "1"], ["last", "1"]], "content and indent"


async def test_a_bad_row_is_named_and_stops_nothing_else(database: Database, user: str) -> None:
    await database.work(user, lambda work: create_label(work, "home", "#112233"))
    [task] = [
        json.loads(line)
        for line in (await _one_exported(database, "fine")).splitlines()
        if json.loads(line)["type"] == "task"
    ]
    rows: list[str | bytes] = [
        json.dumps({"type": "label", "name": "HOME", "color": "#000000"}),
        json.dumps({"type": "label", "name": "new", "color": "red"}),
        "{",
        "[1]",
        json.dumps({"type": "spell"}),
        json.dumps({**task, "title": " "}),
        json.dumps({**task, "unknown": 1}),
        json.dumps({**task, "dueAt": "yesterday"}),
        json.dumps({**task, "recurrence": "FREQ=DAILY"}),
        json.dumps({**task, "snoozedUntil": "2026-01-01T00:00:00Z"}),
        json.dumps({**task, "parentId": "00000000-0000-7000-8000-000000000000"}),
        json.dumps({**task, "position": "0"}),
        json.dumps({**task, "remindBefore": 10**30}),
        b"\xff\xfe",
        "x" * (LINE_LIMIT + 10),
        json.dumps(task),
    ]
    text = b"\n".join(row.encode() if isinstance(row, str) else row for row in rows)
    found = await bring(database, user, "jsonl", text, size=5000)
    assert results(found) == [(1, "KNOWN"), *((number, "BAD") for number in range(2, 16)), (16, "MADE")]
    assert all(one.message for one in found if one.result is Result.BAD)
    assert found[14].message == f"The line has more than {LINE_LIMIT:,} bytes."
    noted = await bring(database, user, "todoist", "TYPE,CONTENT,DATE\ntask,a,some time\nnote,b,\n")
    assert results(noted) == [(2, "BAD"), (3, "BAD")]
    async with database.snapshot(user) as session:
        assert await session.scalar(select(func.count()).select_from(table)) == 1


async def test_a_file_made_to_be_slow_is_read_like_any_other(database: Database, user: str) -> None:
    """Each of these took time, or memory, that grew with the square of its length."""
    many = 60_000
    markdown = ["- " + " " * many, "# " + " " * many + "x", "- a", *(["  b"] * many), "- [x] c  "]
    assert results(await bring(database, user, "markdown", "\n".join(markdown), size=9000)) == [
        (3, "BAD"),
        (many + 4, "MADE"),
    ]
    head = "TYPE,CONTENT,PRIORITY,INDENT,DATE\n"
    notes = await bring(database, user, "todoist", head + "task,a,1,1,\n" + "note,b,,,\n" * many, size=9000)
    assert results(notes) == [(2, "BAD")]
    assert "10,000" in notes[0].message
    open_quote = await bring(database, user, "todoist", head + 'task,"' + "\n" * many, size=9000)
    assert results(open_quote) == [(2, "BAD")]
    todo = (
        "BEGIN:VTODO\nUID:1\nSUMMARY:a\nDUE:2026-01-01\nEND:VTODO\nBEGIN:VTODO\n" + "BEGIN:VALARM\n" * 9 + "END:VTODO\n"
    )
    malformed = await bring(database, user, "ical", todo)
    assert results(malformed) == [(1, "BAD"), (2, "BAD")]
    assert all("\n" not in one.message and len(one.message) < 200 for one in malformed)


async def _one_exported(database: Database, title: str) -> str:
    other = await new_user(database)

    async def make(work: Any) -> None:
        await create_task(work, NewTask(title), Actor.USER)
        gone = await create_task(work, NewTask("gone"), Actor.USER)
        await delete_task(work, gone.id, Actor.USER)

    await database.work(other, make)
    return await exported(database, other, "jsonl")


async def test_many_rows_go_both_ways_in_pages(database: Database, user: str) -> None:
    text = "\n".join(f"task {number}" for number in range(450))
    assert len(await bring(database, user, "lines", text, size=100)) == 450
    assert await exported(database, user, "lines") == text + "\n"


async def test_a_time_that_the_clock_skips_is_meant_again_after_it(database: Database, user: str) -> None:
    calendar = (
        "BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:gap\r\nSUMMARY:Backup\r\nDTSTART;TZID=Europe/Berlin:20270328T023000\r\n"
        "DUE;TZID=Europe/Berlin:20270328T023000\r\nRRULE:FREQ=DAILY\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
    )
    await bring(database, user, "ical", calendar)
    lines = await exported(database, user, "jsonl")
    backup = json.loads(lines)
    assert (backup["dueAt"], backup["recurrenceTime"]) == ("2027-03-28T01:30:00Z", "02:30:00")
    written = await exported(database, user, "ical")
    assert "DTSTART;TZID=Europe/Berlin:20270328T023000" in written

    for form, text in (("jsonl", lines), ("ical", written)):
        other = await new_user(database)
        assert results(await bring(database, other, form, text)) == [(1, "MADE")]
        assert json.loads(await exported(database, other, "jsonl"))["recurrenceTime"] == "02:30:00"
        task_id = UUID(json.loads(await exported(database, other, "jsonl"))["id"])
        done = await database.work(other, lambda work, task_id=task_id: complete_task(work, task_id, Actor.USER))
        assert (done.due_at, done.recurrence_time) == (datetime(2027, 3, 29, 0, 30, tzinfo=UTC), None)

    for wrong in ("02:30:00+01:00", "05:00:00", "no time"):
        bad = lines.replace('"recurrenceTime":"02:30:00"', f'"recurrenceTime":"{wrong}"')
        [outcome] = await bring(database, await new_user(database), "jsonl", bad)
        assert (outcome.result, "recurrenceTime can't be" in outcome.message) == (Result.BAD, True)
    alone = lines.replace('"recurrence":"FREQ=DAILY",', "")
    [outcome] = await bring(database, await new_user(database), "jsonl", alone)
    assert "recurrenceTime goes with recurrence" in outcome.message


async def test_rows_past_the_labels_that_a_user_may_have_are_bad_and_the_others_come(
    database: Database, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.labels, "LABELS_PER_USER", 2)
    text = "# one\n- a\n# two\n- b\n# three\n- c\n# One\n- d\n"
    for dry_run in (True, False):
        outcomes = await bring(database, user, "markdown", text, dry_run=dry_run)
        assert results(outcomes) == [(2, "MADE"), (4, "MADE"), (6, "BAD"), (8, "MADE")]
        assert "2 labels at most" in outcomes[2].message
    assert [task["title"] for task in await stored(database, user)] == ["a", "b", "d"]
    lines = '{"type":"label","name":"three"}\n{"type":"label","name":"ONE"}\n'
    assert results(await bring(database, user, "jsonl", lines)) == [(1, "BAD"), (2, "KNOWN")]
