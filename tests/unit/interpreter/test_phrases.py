"""Replies that a person likes: short, with what was understood, the way back and times as they are written there."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from assistant.interpreter.outcomes import Outcome, Shown
from assistant.interpreter.phrases import answer
from assistant.interpreter.wording import Viewpoint

VIEW = Viewpoint(datetime(2026, 11, 23, 9, 30, tzinfo=UTC), "Europe/Berlin")
FRIDAY = date(2026, 11, 27)


def did(action: str, *tasks: Shown, **arguments: object) -> Outcome:
    return Outcome("some_task", arguments, action=action, tasks=tasks, total=len(tasks))


def named(*titles: str, **more: object) -> tuple[Shown, ...]:
    return tuple(Shown(None, title, **more) for title in titles)  # type: ignore[arg-type]  # keywords of Shown


def test_tasks_that_fared_alike_are_one_sentence() -> None:
    done = [did("completed", *named(title)) for title in ("milk", "tea", "rent")]
    assert answer(done, VIEW) == "Marked “milk”, “tea” and “rent” as done."
    moved = [did("updated", *named("milk", "tea", due_date=FRIDAY), due="friday")]
    assert answer(moved, VIEW) == "“milk” and “tea” are now due Fri 27 Nov."
    mixed = [did("deleted", *named("a")), did("deleted", *named("b")), did("completed", *named("c"))]
    assert answer(mixed, VIEW) == "Deleted “a” and “b”.\nMarked “c” as done."


def test_many_tasks_are_counted_after_the_first() -> None:
    said = answer([did("completed", *named(*(f"t{n}" for n in range(30))))], VIEW)
    assert "“t19” and 10 more as done." in said
    assert "t20" not in said


@pytest.mark.parametrize(
    ("outcomes", "offered"),
    [
        ([did("deleted", *named("milk"))], True),
        ([did("completed", *named("milk")), did("completed", *named("tea"))], True),
        ([did("completed", *named("milk"))], False),
        ([did("created", *named("milk", "tea"))], False),
        ([did("unchanged", *named("milk", "tea"))], False),
        ([did("found", *named("milk", "tea"))], False),
    ],
)
def test_the_way_back_is_offered_where_much_was_done(outcomes: list[Outcome], offered: bool) -> None:
    assert answer(outcomes, VIEW, offer_undo=True).endswith("Say “undo” to take that back.") is offered
    assert "undo" not in answer(outcomes, VIEW)


@pytest.mark.parametrize(
    ("locale", "time"),
    [("en", "17:05"), ("en-GB", "17:05"), ("de-DE", "17:05"), ("en-US", "5:05 pm"), ("en_AU", "5:05 pm")],
)
def test_times_are_written_as_in_the_users_country(locale: str, time: str) -> None:
    due = datetime(2026, 11, 24, 16, 5, tzinfo=UTC)
    view = Viewpoint(VIEW.now, VIEW.time_zone, locale)
    assert (
        answer([did("created", *named("milk", due_at=due))], view)
        == f"Added “milk” for tomorrow (Tue 24 Nov) at {time}."
    )


def test_noon_and_midnight_are_twelve() -> None:
    view = Viewpoint(VIEW.now, "UTC", "en-US")
    for hour, said in ((0, "12:00 am"), (12, "12:00 pm")):
        due = datetime(2026, 11, 27, hour, tzinfo=UTC)
        assert answer([did("created", *named("x", due_at=due))], view).endswith(f"at {said}.")


def test_a_list_says_which_day_was_meant_and_what_it_was_asked_for() -> None:
    found = did("found", *named("milk"), due="tomorrow", status="open", text="mil")
    assert answer([found], VIEW).startswith("You have 1 open task for tomorrow (Tue 24 Nov) with “mil” in them:")
    assert answer([did("found", due="next week", status="open")], VIEW) == "You have no open tasks for next week."
