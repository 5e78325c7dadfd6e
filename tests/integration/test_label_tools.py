"""Labels and settings by talking: the services of the mutations, and taken back as tasks are."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest

import services.labels
from core.database import Database
from core.errors import DomainError, ErrorCode
from models.enums import Actor, ConfirmPolicy, ToolCallStatus
from models.tasks import Label
from models.users import Settings
from services.labels import bearers, create_label, delete_label, list_labels, update_label
from services.tasks import TaskPatch, update_task
from services.tasks.values import Author
from services.undo import besides, undo_turn
from services.users import read_settings, update_settings
from tests.support.acting import Acted, Acting

USER = Author(Actor.USER)


@pytest.fixture
def acting(database: Database, user: str) -> Acting:
    return Acting(database, user)


async def does(acting: Acting, tool: str, **arguments: Any) -> tuple[Acted, Any]:
    acted = await acting.does((tool, arguments))
    [call] = acted.calls
    assert call.status == ToolCallStatus.COMPLETED, call.error_message
    return acted, call.answer


async def fails(acting: Acting, tool: str, **arguments: Any) -> tuple[str | None, str]:
    before = await state(acting)
    [call] = (await acting.does((tool, arguments))).calls
    assert call.status == ToolCallStatus.FAILED
    assert await state(acting) == before
    return call.error_code, call.error_message or ""


async def state(acting: Acting) -> tuple[dict[str, Label], Settings]:
    async with acting.database.snapshot(acting.user) as session:
        return {label.name: label for label in await list_labels(session)}, await read_settings(session)


async def labels(acting: Acting) -> dict[str, str | None]:
    return {name: label.color for name, label in (await state(acting))[0].items()}


async def borne(acting: Acting, name: str) -> int:
    label = (await state(acting))[0][name]
    async with acting.database.snapshot(acting.user) as session:
        return len(await bearers(session, label.id, 10))


async def undo(acting: Acting, acted: Acted) -> None:
    await acting.database.work(acting.user, lambda work: undo_turn(work, acted.turn_id, USER))


async def not_undoable(acting: Acting, acted: Acted) -> str:
    before = await state(acting)
    with pytest.raises(DomainError) as caught:
        await undo(acting, acted)
    assert caught.value.code is ErrorCode.NOT_UNDOABLE
    assert await state(acting) == before
    return caught.value.message


async def test_a_label_is_made_renamed_coloured_listed_and_deleted(acting: Acting) -> None:
    made, _ = await does(acting, "update_label", label="Work", create=True, color="blue")
    assert await labels(acting) == {"Work": "#1e88e5"}
    await does(acting, "add_task", title="Report", labels=["work"])
    renamed, answer = await does(acting, "update_label", label="#work", name="Job")
    assert (answer["action"], answer["label"]["name"]) == ("updated", "Job")
    coloured, _ = await does(acting, "update_label", label="job", color="#ABCDEF")
    assert await labels(acting) == {"Job": "#abcdef"}
    assert (await does(acting, "update_label", label="job", color="abcdef"))[1]["action"] == "unchanged"
    _, listed = await does(acting, "list_labels")
    assert [(one["name"], one["color"], one["open_tasks"]) for one in listed["labels"]] == [("Job", "#abcdef", 1)]
    before = await state(acting)
    deleted, answer = await does(acting, "delete_label", label="job")
    assert (answer["taken_off"], await labels(acting)) == (1, {})

    await undo(acting, deleted)
    job, was = (await state(acting))[0]["Job"], before[0]["Job"]
    assert (job.id, job.color, job.version) == (was.id, was.color, was.version + 1)
    assert await borne(acting, "Job") == 1
    await undo(acting, deleted)  # again: it is undone
    await undo(acting, coloured)
    await undo(acting, renamed)
    assert await labels(acting) == {"Work": "#1e88e5"}
    assert "labels have changed" in await not_undoable(acting, made), "a task bears it"


async def test_undo_takes_back_what_was_done_to_labels_last_and_does_it_again(acting: Acting) -> None:
    await does(acting, "add_task", title="Report", labels=["Work"])
    await does(acting, "delete_label", label="work")
    for there in ({"Work": None}, {}, {"Work": None}):
        _, answer = await does(acting, "undo")
        assert await labels(acting) == there
        assert answer["tasks"] == []
    assert await borne(acting, "Work") == 1
    assert len((await acting.everything()).tasks) == 1, "the task before it is left alone"


async def test_what_a_turn_did_to_tasks_and_labels_is_taken_back_together(acting: Acting) -> None:
    await acting.adds("Old", labels=["Gone"])
    acted = await acting.does(
        ("update_label", {"label": "New", "create": True}),
        ("add_task", {"title": "Report", "labels": ["New"]}),
        ("update_label", {"label": "New", "name": "Newer"}),
        ("delete_label", {"label": "Gone"}),
    )
    assert (await labels(acting), {call.status for call in acted.calls}) == ({"Newer": None}, {"COMPLETED"})
    await undo(acting, acted)
    assert (await labels(acting), await borne(acting, "Gone")) == ({"Gone": None}, 1)
    assert [task.title for task in (await acting.everything()).tasks if task.deleted_at is None] == ["Old"]


async def test_a_label_that_has_changed_since_is_not_put_back(acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    work, user = acting.database.work, acting.user
    task = await acting.adds("Report", labels=["Work"])
    renamed, _ = await does(acting, "update_label", label="Work", name="Job")
    job = (await state(acting))[0]["Job"]
    await work(user, lambda work: update_label(work, job.id, color="#000000"))
    assert "“Job”" in await not_undoable(acting, renamed)
    await work(user, lambda work: update_label(work, job.id, color=None))
    await work(user, lambda work: create_label(work, "work"))
    await not_undoable(acting, renamed)  # its name is taken
    deleted, _ = await does(acting, "delete_label", label="job")
    await work(user, lambda work: update_task(work, task.id, TaskPatch(labels=["JOB"]), Actor.USER))
    await not_undoable(acting, deleted)
    again = (await state(acting))[0]["JOB"]
    await work(user, lambda work: delete_label(work, again.id))
    await undo(acting, deleted)
    assert await borne(acting, "Job") == 1

    monkeypatch.setattr(besides, "BEARERS", 1)
    await acting.adds("Other", labels=["Job"])
    code, message = await fails(acting, "delete_label", label="job")
    assert (code, "too many" in message) == ("INVALID", True)


async def test_words_about_labels_that_mean_nothing_change_nothing(acting: Acting) -> None:
    await does(acting, "update_label", label="Work", create=True)
    code, message = await fails(acting, "update_label", label="wrok", name="Job")
    assert (code, message) == ("NOT_FOUND", "There is no label “wrok”. There are: Work.")
    code, message = await fails(acting, "update_label", label="work", color="colourful")
    assert (code, "#rrggbb" in message) == ("INVALID", True)
    assert (await fails(acting, "update_label", label="work", create=True))[0] == "INVALID"
    assert (await fails(acting, "delete_label", label="home"))[0] == "NOT_FOUND"


async def test_settings_change_by_words_and_back(acting: Acting) -> None:
    before = (await state(acting))[1]
    changed, answer = await does(
        acting, "update_settings", time_zone="new york", week_start="sunday", default_due_time="9am"
    )
    assert answer["settings"] == {
        "time_zone": "America/New_York", "locale": before.locale, "week_start": "SUNDAY", "default_due_time": "09:00",
    }  # fmt: skip
    again, _ = await does(acting, "update_settings", default_due_time="17:30")
    await acting.database.work(acting.user, lambda work: update_settings(work, confirm=ConfirmPolicy.ALWAYS))
    assert "defaultDueTime has changed" in await not_undoable(acting, changed)
    await undo(acting, again)
    assert (await state(acting))[1].default_due_time == time(9)
    await undo(acting, changed)
    now = (await state(acting))[1]
    assert (now.time_zone, now.week_start, now.default_due_time) == (before.time_zone, before.week_start, None)
    assert now.confirm == "ALWAYS", "which calls wait is not the assistant's to say, nor to take back"
    for wrong in ({"time_zone": "Louisville"}, {"time_zone": "Atlantis"}, {"default_due_time": "soon"}):
        assert (await fails(acting, "update_settings", **wrong))[0] == "INVALID"
    assert (await fails(acting, "update_settings", locale="e n"))[0] == "INVALID"


async def test_labels_that_an_undo_has_no_room_for_are_not_made_again(
    acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    await acting.adds("Report", labels=["Work"])
    acted, _ = await does(acting, "categorize_tasks", tasks=["report"], remove_labels=["work"])
    gone = (await state(acting))[0]["Work"]
    await acting.database.work(acting.user, lambda work: delete_label(work, gone.id))
    monkeypatch.setattr(services.labels, "LABELS_PER_USER", 0)
    assert "labels at most" in await not_undoable(acting, acted)
    monkeypatch.undo()
    await undo(acting, acted)
    assert await borne(acting, "Work") == 1
