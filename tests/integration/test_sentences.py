"""What people say to the built-in interpreter, through a whole turn on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from assistant.interpreter.phrases import left_over
from core import clock
from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from models.base import rows_of
from models.enums import ConfirmPolicy
from models.tasks import Task, tasks
from services.users import update_settings
from tests.support.talking import Talk, assistant

MONDAY_MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
async def talk(database: Database, bus: Bus, dsn: Dsn, user: str) -> AsyncIterator[Talk]:
    await database.work(user, lambda work: update_settings(work, time_zone="Europe/Berlin", locale=None))
    generous = Settings(limit_sends_per_minute=0)
    with clock.set_to(MONDAY_MORNING):
        async with assistant(database, bus, dsn, user, settings=generous) as talk:
            yield talk


async def titles(talk: Talk) -> dict[str, tuple[object, ...]]:
    """Open tasks by title: due date, due instant, priority."""
    async with talk.database.snapshot(talk.user) as session:
        rows = await session.execute(
            select(tasks.c.title, tasks.c.due_date, tasks.c.due_at, tasks.c.priority).where(
                tasks.c.deleted_at.is_(None), tasks.c.completed_at.is_(None)
            )
        )
        return {title: tuple(rest) for title, *rest in rows}


async def test_a_time_is_meant_in_the_users_zone(talk: Talk) -> None:
    ended = await talk.say("add buy milk tomorrow at 5pm")

    assert ended.turn.status == "COMPLETED"
    assert [call.status for call in ended.calls] == ["COMPLETED"]
    assert (await titles(talk))["buy milk"][1] == datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
    assert ended.reply is not None
    assert "buy milk" in ended.reply


async def test_a_list_is_several_tasks(talk: Talk) -> None:
    ended = await talk.say("add eggs, bread and butter")

    assert len(ended.calls) == 3
    assert set(await titles(talk)) == {"eggs", "bread", "butter"}


async def test_an_ordinal_is_of_the_list_just_shown(talk: Talk) -> None:
    await talk.say("add eggs, bread and butter")
    shown = await talk.say("show my open tasks")
    assert shown.reply is not None
    assert all(title in shown.reply for title in ("eggs", "bread", "butter"))

    await talk.say("delete the second one")

    listed = [line for line in shown.reply.splitlines() if line.startswith("2.")]
    assert len(listed) == 1
    left = await titles(talk)
    assert len(left) == 2
    assert not any(title in listed[0] for title in left)


async def test_two_matches_ask_back_and_delete_nothing(talk: Talk) -> None:
    await talk.say("add peanut butter")
    await talk.say("add almond butter")

    ended = await talk.say("delete butter")

    assert ended.reply is not None
    assert "1." in ended.reply
    assert "2." in ended.reply
    assert set(await titles(talk)) == {"peanut butter", "almond butter"}


async def test_picking_one_goes_on_where_it_stopped(talk: Talk) -> None:
    for title in ("peanut butter", "almond butter", "call mom", "call dad"):
        await talk.say(f"add {title}")
    asked = await talk.say("delete butter and complete call")
    assert asked.reply is not None
    first = next(line for line in asked.reply.splitlines() if line.startswith("1."))
    assert "butter" in first
    assert "call mom" not in asked.reply

    picked = await talk.say("the first one")

    assert [(call.tool_name, call.status) for call in picked.calls] == [
        ("delete_task", "COMPLETED"),
        ("complete_task", "FAILED"),
    ]
    left = await titles(talk)
    assert len(left) == 3
    assert not any(title in first for title in left)
    assert picked.reply is not None
    assert "call dad" in picked.reply

    await talk.say("call dad")
    assert set(await titles(talk)) == set(left) - {"call dad"}


@pytest.mark.parametrize("sentence", ["hello", "what can you do?", "what's the weather?", "I like milk"])
async def test_talk_changes_nothing(talk: Talk, sentence: str) -> None:
    await talk.say("add milk")
    ended = await talk.say(sentence)

    assert ended.turn.status == "COMPLETED"
    assert ended.calls == []
    assert ended.reply
    assert set(await titles(talk)) == {"milk"}


async def test_a_task_that_repeats_is_lived_with_by_talking(talk: Talk) -> None:
    said = [
        ("remind me to call mom on Friday at 3pm", "You'll get a reminder then."),
        ("add standup every weekday at 9am", "every weekday at 09:00, first on Tue 24 Nov"),
        ("mark standup as done", "Marked “standup” as done. It is next due Wed 25 Nov at 09:00."),
        ("undo that", "“standup” is as it was"),
        ("skip the standup", "It is next due Wed 25 Nov at 09:00."),
        ("remind me 30 minutes before the standup", "with a reminder Wed 25 Nov at 08:30"),
        ("snooze the standup for 10 minutes", "comes today (Mon 23 Nov) at 10:10"),
        ("make standup repeat every other monday", "due every other Monday at 09:00, next on Mon 30 Nov"),
        ("standup doesn't repeat any more", "no longer repeating"),
    ]
    for sentence, reply in said:
        ended = await talk.say(sentence)
        assert [call.status for call in ended.calls] == ["COMPLETED"], (sentence, ended.reply)
        assert reply in (ended.reply or ""), sentence
    async with talk.database.snapshot(talk.user) as session:
        [standup] = await session.all(rows_of(tasks).where(tasks.c.title == "standup"), Task)
        [call] = await session.all(rows_of(tasks).where(tasks.c.title == "call mom"), Task)
    assert (standup.recurrence, standup.due_at) == (None, datetime(2026, 11, 30, 8, 0, tzinfo=UTC))
    assert call.remind_at == call.due_at == datetime(2026, 11, 27, 14, 0, tzinfo=UTC)


async def test_the_usual_day(talk: Talk) -> None:
    for sentence in (
        "add eggs, bread and butter",
        "remind me to call mom on Friday",
        "move call mom to next Monday 9am",
        "rename bread to sourdough bread",
        "make eggs high priority",
        "label butter as groceries",
        "add buy milk",
        "mark buy milk as done",
    ):
        ended = await talk.say(sentence)
        assert [call.status for call in ended.calls] == ["COMPLETED"] * len(ended.calls), sentence
        assert ended.calls, sentence

    left = await titles(talk)
    assert set(left) == {"eggs", "sourdough bread", "butter", "call mom"}
    assert left["eggs"][2] == 3
    assert left["call mom"][1] == datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


async def test_words_for_several_tasks_are_each_of_them(talk: Talk) -> None:
    await talk.database.work(talk.user, lambda work: update_settings(work, confirm=ConfirmPolicy.NEVER))
    await talk.say("- eggs\n- bread\n- butter\n- milk today\n- tea today")
    await talk.say("show my open tasks")

    finished = await talk.say("complete the last two")
    assert [call.tool_name for call in finished.calls] == ["complete_task", "complete_task"]
    assert len(await titles(talk)) == 3

    moved = await talk.say("move everything due today to friday")
    assert [call.tool_name for call in moved.calls] == ["list_tasks", "reschedule_tasks"]
    assert moved.reply is not None
    assert moved.reply == "“milk” and “tea” are now due Fri 27 Nov. Say “undo” to take that back."

    gone = await talk.say("delete all done ones")
    assert [call.tool_name for call in gone.calls] == ["list_tasks", "delete_task", "delete_task"]
    assert (await talk.say("delete all done ones")).reply == "You have no completed tasks."


async def test_what_was_just_looked_for_is_what_it_means(talk: Talk) -> None:
    await talk.say("add buy groceries")
    ended = await talk.say("find the groceries task and mark it done")
    assert [call.tool_name for call in ended.calls] == ["complete_task"]
    assert await titles(talk) == {}


async def test_what_only_the_model_takes_for_a_deletion_is_asked_about(talk: Talk) -> None:
    await talk.say("add milk to my shopping list")
    asked = await talk.say("i already got the milk so take it off the shopping list for me")
    assert asked.calls == []
    assert asked.reply == "Which task should I delete?"
    assert [call.tool_name for call in (await talk.say("the milk")).calls] == ["delete_task"]
    assert await titles(talk) == {}


async def test_tasks_are_put_under_others_moved_completed_with_their_subtasks_and_brought_back(talk: Talk) -> None:
    async def order() -> list[str]:
        async with talk.database.snapshot(talk.user) as session:
            live = select(tasks.c.title).where(tasks.c.deleted_at.is_(None), tasks.c.completed_at.is_(None))
            return list((await session.execute(live.order_by(tasks.c.position))).scalars())

    await talk.say("add shopping, laundry")
    await talk.say("add oat milk tomorrow as a subtask of shopping")
    assert (await titles(talk))["oat milk"][0] is not None
    await talk.say("move oat milk to the top")
    assert await order() == ["oat milk", "shopping", "laundry"]
    await talk.say("move laundry above shopping")
    assert await order() == ["oat milk", "laundry", "shopping"]
    asked = await talk.say("complete shopping")
    assert asked.reply is not None
    assert "an open subtask" in asked.reply
    await talk.say("complete shopping and everything under it")
    assert await order() == ["laundry"]
    await talk.say("delete laundry")
    await talk.say("restore the one I deleted")
    assert await order() == ["laundry"]


async def replies(talk: Talk, *said: tuple[str, str]) -> None:
    """Each sentence and the words that its reply must hold."""
    for sentence, words in said:
        ended = await talk.say(sentence)
        assert words in (ended.reply or ""), (sentence, ended.reply)


async def test_numbers_are_of_the_list_shown_and_of_what_was_just_added_in_a_row(talk: Talk) -> None:
    await replies(
        talk,
        ("add milk", "Added “milk”"),
        ("add eggs", "Added “eggs”"),
        ("add tea", "Added “tea”"),
        ("complete the second one", "Marked “eggs” as done."),
        ("show my tasks", "1. milk\n2. tea"),
        ("add coffee", "Added “coffee”"),
        ("make it urgent", "“coffee” is now urgent priority"),
        ("complete the last two", "Marked “milk” and “tea” as done."),
        ("add rice, pasta and oats", "Added “rice”, “pasta” and “oats”."),
        ("delete it", "Which task should I delete?"),
        ("the first one", "Deleted “rice”."),
        ("move them to friday", "now due Fri 27 Nov"),
    )


async def test_open_subtasks_are_decided_in_a_persons_words(talk: Talk) -> None:
    await talk.say("add shopping")
    await talk.say("add oat milk as a subtask of shopping")
    question = "“shopping” has an open subtask. Shall I complete it as well, or only the task?"
    for answer, done in (
        ("yes", "Marked “shopping” and “oat milk” as done."),
        ("complete them as well", "Marked “shopping” and “oat milk” as done."),
        ("both", "Marked “shopping” and “oat milk” as done."),
        ("just that one", "Marked “shopping” as done."),
    ):
        await replies(talk, ("complete shopping", question), (answer, done), ("undo", "Undone"))
    await replies(talk, ("complete shopping", question), ("no", "I left everything as it is"))
    assert set(await titles(talk)) == {"shopping", "oat milk"}


async def test_what_was_done_is_told_by_when_it_was(talk: Talk) -> None:
    await replies(
        talk,
        ("add milk, eggs and report for friday", "Added"),
        ("complete milk", "Marked “milk”"),
        ("what did I do today?", "You completed 1 task today (Mon 23 Nov):\n1. milk"),
        ("what have I finished this week", "You completed 1 task this week:\n1. milk"),
        ("what did I get done yesterday", "You completed no tasks yesterday (Sun 22 Nov)."),
        ("what's due by frday", "You have 2 open tasks due by friday (Fri 27 Nov):"),
        ("everything after friday", "You have no open tasks due after friday (Fri 27 Nov)."),
        ("show tasks from wednesday to friday", "You have 2 open tasks due from wednesday to friday:"),
    )


async def test_a_snooze_puts_a_reminder_off_and_moves_a_task_that_has_none(talk: Talk) -> None:
    await replies(
        talk,
        ("remind me to call mom tomorrow at 9", "You'll get a reminder then."),
        ("snooze call mom until tomorrow 5pm", "the reminder of “call mom” comes tomorrow (Tue 24 Nov) at 17:00"),
        ("add report", "Added"),
        ("snooze report until friday", "“report” has no reminder, so I moved the task: it is now due Fri 27 Nov."),
    )
    assert (await titles(talk))["call mom"][1] == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


async def test_many_tasks_are_meant_by_their_label_or_a_word(talk: Talk) -> None:
    await talk.database.work(talk.user, lambda work: update_settings(work, confirm=ConfirmPolicy.NEVER))
    await replies(
        talk,
        ("add milk to groceries", "Added “milk”, labelled “groceries”."),
        ("add bread to the groceries list", "Added “bread”, labelled “groceries”."),
        ("add report #work", "labelled “work”"),
        ("add balloons to work", "Added “balloons”, labelled “work”."),
        ("add sugar to coffee", "Added “sugar to coffee”."),
        ("label all work tasks urgent", "“report” and “balloons” are now labelled “urgent” and “work”."),
        ("complete all groceries", "Marked “milk” and “bread” as done."),
        ("complete all groceries", "You have no open tasks labelled “groceries”."),
        ("delete all done tasks", "Deleted “milk” and “bread”."),
        ("add passport to my trip list", "labelled “trip”"),
        ("mark everything on my trip list as done", "Marked “passport” as done."),
        ("remove everything from my party list", "You have no open tasks labelled “party”."),
    )


async def test_a_correction_puts_right_what_was_just_done(talk: Talk) -> None:
    await replies(
        talk,
        ("add dentist thursday at 3pm", "Thu 26 Nov at 15:00"),
        ("no, I meant friday", "“dentist” is now due Fri 27 Nov at 15:00."),
        ("sorry, 5pm", "“dentist” is now due Fri 27 Nov at 17:00."),
        ("add milk", "Added “milk”."),
        ("I meant oat milk", "The task is now called “oat milk”."),
        ("add eggs", "Added “eggs”."),
        ("complete oat milk", "Marked “oat milk” as done."),
        ("no, I meant eggs", "Undone: “oat milk” is as it was.\nMarked “eggs” as done."),
        ("what's due thursday", "no open tasks for thursday"),
        ("no, friday", "You have 1 open task for friday"),
        ("move dentist to saturday", "Sat 28 Nov"),
        ("I meant the haircut", "Which task should I change, and how?"),
    )
    assert set(await titles(talk)) == {"dentist", "oat milk"}


async def test_a_title_that_is_too_long_is_told_like_a_person(talk: Talk) -> None:
    await replies(
        talk,
        (
            f"add {'x' * 600}",
            "The title is too long: it has 600 characters, and 500 are the most. Nothing was changed.",
        ),
    )
    assert await titles(talk) == {}


async def test_a_due_date_moves_from_where_it_is(talk: Talk) -> None:
    await replies(
        talk,
        ("add dentist sunday 3pm", "Sun 29 Nov at 15:00"),
        ("move dentist to 5pm", "Sun 29 Nov at 17:00"),
        ("push it back an hour", "Sun 29 Nov at 18:00"),
        ("move it 2 days earlier", "Fri 27 Nov at 18:00"),
        ("move it to 9", "Fri 27 Nov at 09:00"),
        ("add rent saturday", "Sat 28 Nov"),
        ("push rent by 1 hour", "“rent” is due on a whole day: say at what time it shall be due."),
        ("move rent a month later", "Mon 28 Dec"),
        ("add milk", "Added"),
        ("push milk by a day", "“milk” has no due date to move."),
        ("show everything due by the end of the year", "2 open tasks"),
        ("move them a day later", "“dentist” is now due Sat 28 Nov at 09:00. “rent” is now due Tue 29 Dec."),
    )


async def test_words_that_name_a_task_or_a_place_are_never_guessed_at(talk: Talk) -> None:
    await replies(
        talk,
        ("add 1", "Added “1”"),
        ("add 2", "Added “2”"),
        ("delete 1", "More than one task fits “1”."),
        ("never mind", "I left everything as it is"),
        ("add meeting with bob at 3", "Added"),
        ("add meeting with ann tomorrow at 3", "Added"),
        ("delete the meeting", "Which one?"),
        ("the one with bob", "Deleted “meeting with bob”."),
        ("add x and add y then delete both", "No task fits “both”."),
        ("add tea and mark them as urgent", "“tea” is now urgent priority."),
        ("both x and tea are done", "Marked “x” and “tea” as done."),
    )
    assert {"1", "2", "meeting with ann", "y"} == set(await titles(talk))


async def test_a_reminder_before_a_whole_day_counts_from_its_morning(talk: Talk) -> None:
    await replies(
        talk,
        ("add rent by june 1", "Added “rent” for Tue 1 Jun 2027."),
        ("remind me a week before", "with a reminder Tue 25 May 2027 at 09:00"),
        ("remind me 30 minutes before the rent", "The task is due on a whole day: say at what time to remind you."),
    )


async def test_a_long_list_is_added_whole_or_it_is_said_what_is_left(talk: Talk) -> None:
    said = await talk.say("add " + ", ".join(f"thing {number}" for number in range(70)))
    assert said.reply is not None
    assert said.reply.startswith("Added “thing 0”")
    assert set(await titles(talk)) == {f"thing {number}" for number in range(70)}


def test_what_is_left_of_a_very_long_list_is_said() -> None:
    left = [("add_task", {"title": "milk"}), ("add_task", {"title": "eggs"})]
    assert left_over(left) == (
        "That is as much as I do at once: 2 of what you asked for are left, from “milk” on. Please say them again."
    )
