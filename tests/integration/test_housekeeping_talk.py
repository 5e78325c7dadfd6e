"""Labels, settings and deleted tasks by talking: what is said, what it comes to, and that it can be taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from assistant.interpreter.withholding import Planned, asks
from core import clock
from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from models.enums import ConfirmPolicy, WeekStart
from services.labels import list_labels
from services.users import read_settings
from tests.support.talking import Talk, assistant

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
async def talk(database: Database, bus: Bus, dsn: Dsn, user: str) -> AsyncIterator[Talk]:
    generous = Settings(limit_sends_per_minute=0)
    with clock.set_to(NOW):
        async with assistant(database, bus, dsn, user, settings=generous) as talk:
            yield talk


async def said(talk: Talk, *texts: str) -> list[str | None]:
    return [(await talk.say(text)).reply for text in texts]


async def labels(talk: Talk) -> dict[str, str | None]:
    async with talk.database.snapshot(talk.user) as session:
        return {label.name: label.color for label in await list_labels(session)}


async def test_labels_are_made_named_coloured_listed_and_deleted(talk: Talk) -> None:
    assert await said(
        talk,
        "what labels do I have?",
        "create a label work in blue",
        "add milk #shopping",
        "make the work label red",
        "rename label shopping to groceries",
        "show my labels",
    ) == [
        "You have no labels. Say “add milk #shopping” to make one.",
        "Made the label “work” in blue.",
        "Added “milk”, labelled “shopping”.",
        "The label “work” is now red.",
        "The label is now called “groceries”.",
        "You have 2 labels:\n- groceries — 1 open task\n- work — no open tasks",
    ]
    assert await labels(talk) == {"groceries": None, "work": "#e53935"}
    assert await said(talk, "delete the groceries label", "show my labels", "undo") == [
        "Deleted the label “groceries” and took it off 1 task. Say “undo” to take that back.",
        "You have 1 label:\n- work — no open tasks",
        "Undone: the label is back.",
    ]
    assert await labels(talk) == {"groceries": None, "work": "#e53935"}
    assert await said(talk, "delete the nope label") == ["There is no label “nope”. There are: groceries, work."]


async def test_the_label_of_one_task_is_another_matter(talk: Talk) -> None:
    await said(talk, "add milk #home", "add a label cold to milk", "remove the tag home from milk")
    shown = await said(talk, "show all tasks")
    assert shown == ["You have 1 task:\n1. milk — #cold"]
    assert set(await labels(talk)) == {"home", "cold"}


def test_what_is_about_to_become_of_labels_and_settings_is_asked() -> None:
    planned = [
        Planned("delete_label", {"label": "Job"}),
        Planned("update_label", {"label": "Work", "name": "Job"}),
        Planned("update_label", {"label": "New", "create": True}),
        Planned("update_settings", {"time_zone": "paris", "week_start": "SUNDAY"}),
    ]
    assert asks(planned) == (
        "I'm about to delete the label “Job”, rename the label “Work” to “Job”, make the label “New” and change your"
        " time zone and the first day of your week. Shall I?"
    )
    assert asks([Planned("update_label", {"label": "Job", "color": "red"})]) == (
        "I'm about to change the colour of the label “Job”. Shall I?"
    )


async def test_settings_are_changed_in_words_but_not_who_is_asked(talk: Talk) -> None:
    assert await said(
        talk,
        "change my time zone to Tokyo",
        "my weeks start on sunday",
        "set my default due time to 9am",
        "my time zone is Mars",
        "remove my default due time",
        "undo",
    ) == [
        "Your time zone is now Asia/Tokyo.",
        "Your weeks now start on Sunday.",
        "Tasks that are due on a day are due at 09:00 now.",
        "I don't know which time zone “Mars” is. Give an IANA name, e.g. Europe/Berlin.",
        "Tasks that are due on a day are due all day now.",
        "Undone: your settings are as they were.",
    ]
    await said(talk, "never ask me to confirm anything", "change my confirmation setting to never")
    async with talk.database.snapshot(talk.user) as session:
        now = await read_settings(session)
    assert (now.time_zone, now.week_start, now.confirm) == (
        "Asia/Tokyo",
        WeekStart.SUNDAY,
        ConfirmPolicy.BULK_DESTRUCTIVE,
    )
    assert now.default_due_time is not None


async def test_deleted_tasks_are_listed_and_brought_back(talk: Talk) -> None:
    assert await said(talk, "what did I delete?") == ["You have no deleted tasks."]
    await said(talk, "add milk", "add eggs", "delete milk", "delete eggs")
    assert await said(
        talk, "show deleted tasks", "restore the second one", "bring back the eggs", "what did I delete?"
    ) == [
        "You have 2 deleted tasks:\n1. eggs\n2. milk",
        "Restored “milk”.",
        "Restored “eggs”.",
        "You have no deleted tasks.",
    ]
