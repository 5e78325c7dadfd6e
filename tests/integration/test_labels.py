"""Labels: one a name whatever its case, made once a key, renamed and deleted without touching tasks' versions."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

import services.labels
from core.database import Database
from core.errors import DomainError, ErrorCode
from models.base import rows_of
from models.changes import LoggedChange, change_log
from models.enums import Actor
from models.tasks import Label, Task
from services.labels import create_label, delete_label, list_labels, update_label
from services.tasks import NewTask, create_task, get_task, with_labels
from tests.conftest import new_user


async def make(database: Database, user: str, name: str, **more: Any) -> Label:
    return await database.work(user, lambda work: create_label(work, name, **more))


async def names(database: Database, user: str) -> list[str]:
    async with database.snapshot(user) as session:
        return [label.name for label in await list_labels(session)]


async def logged(database: Database, user: str) -> list[tuple[str, UUID | None]]:
    async with database.snapshot(user) as session:
        rows = await session.all(rows_of(change_log).order_by(change_log.c.seq), LoggedChange)
    return [(row.kind, row.entity_id) for row in rows]


async def refused(attempt: Any) -> DomainError:
    with pytest.raises(DomainError) as caught:
        await attempt
    return caught.value


async def test_a_label_is_trimmed_coloured_and_logged(database: Database, user: str) -> None:
    label = await make(database, user, "  Home ", color="#AABBCC")
    assert (label.name, label.color, label.version) == ("Home", "#aabbcc", 1)
    assert await logged(database, user) == [("LABEL", label.id)]


@pytest.mark.parametrize("name", ["home", "HOME ", "Home"])
async def test_a_name_is_taken_in_any_case(database: Database, user: str, name: str) -> None:
    await make(database, user, "Home")
    error = await refused(make(database, user, name))
    assert (error.code, error.field) == (ErrorCode.INVALID, ("input", "name"))
    assert await names(database, user) == ["Home"]


async def test_equal_names_of_another_unicode_form_and_fold_are_one(database: Database, user: str) -> None:
    await make(database, user, "Straße Ä")
    assert (await refused(make(database, user, "STRASSE A\u0308"))).code is ErrorCode.INVALID


@pytest.mark.parametrize(
    ("name", "color", "code", "field"),
    [
        (" ", None, ErrorCode.INVALID, "name"),
        ("x" * 101, None, ErrorCode.TOO_LONG, "name"),
        ("a\x00", None, ErrorCode.INVALID, "name"),
        ("a", "red", ErrorCode.INVALID, "color"),
        ("a", "#12345", ErrorCode.INVALID, "color"),
        ("a", "#1234567", ErrorCode.INVALID, "color"),
    ],
)
async def test_bad_input_names_its_field(
    database: Database, user: str, name: str, color: str | None, code: ErrorCode, field: str
) -> None:
    error = await refused(make(database, user, name, color=color))
    assert (error.code, error.field) == (code, ("input", field))
    assert await names(database, user) == []


async def test_the_same_key_and_input_answer_the_same_label(database: Database, user: str) -> None:
    first, *more = await asyncio.gather(
        *(make(database, user, "Home", color="#AABBCC", idempotency_key="k") for _ in range(4))
    )
    assert {label.id for label in more} == {first.id}
    error = await refused(make(database, user, "Work", idempotency_key="k"))
    assert (error.code, error.field) == (ErrorCode.IDEMPOTENCY_CONFLICT, ("input", "idempotencyKey"))
    assert await logged(database, user) == [("LABEL", first.id)]


async def test_an_update_changes_what_is_given(database: Database, user: str) -> None:
    label = await make(database, user, "Home", color="#aabbcc")
    await make(database, user, "Work")
    renamed = await database.work(user, lambda work: update_label(work, label.id, name="HOME"))
    assert (renamed.name, renamed.color, renamed.version) == ("HOME", "#aabbcc", 2)
    cleared = await database.work(user, lambda work: update_label(work, label.id, color=None))
    assert (cleared.color, cleared.version) == (None, 3)
    before = await logged(database, user)
    assert await database.work(user, lambda work: update_label(work, label.id, name=" HOME ")) == cleared
    error = await refused(database.work(user, lambda work: update_label(work, label.id, name="work")))
    assert (error.code, error.field) == (ErrorCode.INVALID, ("input", "name"))
    assert await logged(database, user) == before
    assert await names(database, user) == ["HOME", "Work"]


async def test_a_deleted_label_leaves_its_tasks_as_they_are(database: Database, user: str) -> None:
    new = NewTask("Buy milk", labels=["Home"])
    task: Task = await database.work(user, lambda work: create_task(work, new, Actor.USER))
    async with database.snapshot(user) as session:
        [label] = await list_labels(session)
    assert await database.work(user, lambda work: delete_label(work, label.id)) == label.id
    async with database.snapshot(user) as session:
        assert await get_task(session, task.id) == task
        assert [one.labels for one in await with_labels(session, [task])] == [()]
    assert (await refused(database.work(user, lambda work: delete_label(work, label.id)))).code is ErrorCode.NOT_FOUND


async def test_another_users_label_is_not_found(database: Database, user: str) -> None:
    label = await make(database, user, "Home")
    stranger = await new_user(database)
    assert (await refused(database.work(stranger, lambda work: delete_label(work, label.id)))).field == (
        "input",
        "labelId",
    )
    attempt = database.work(stranger, lambda work: update_label(work, label.id, name="Mine"))
    assert (await refused(attempt)).code is ErrorCode.NOT_FOUND
    assert await names(database, user) == ["Home"]
    assert (await make(database, stranger, "Home")).id != label.id


async def test_tasks_that_name_a_new_label_at_once_share_it(database: Database, user: str) -> None:
    new = NewTask("Buy milk", labels=["Shared", "other"])
    await asyncio.gather(*(database.work(user, lambda work: create_task(work, new, Actor.USER)) for _ in range(6)))
    assert await names(database, user) == ["other", "Shared"]


async def test_a_user_has_at_most_500_labels_however_they_are_made(
    database: Database, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert services.labels.LABELS_PER_USER == 500
    monkeypatch.setattr(services.labels, "LABELS_PER_USER", 4)
    await make(database, user, "Home")
    attempts = [make(database, user, f"label {number}") for number in range(8)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    faults = [one for one in outcomes if isinstance(one, DomainError)]
    assert [(one.code, one.field) for one in faults] == [(ErrorCode.INVALID, ("input", "name"))] * 5
    assert "4 labels at most" in faults[0].message
    kept = await names(database, user)
    assert len(kept) == 4

    async def task(*borne: str) -> Task:
        return await database.work(user, lambda work: create_task(work, NewTask("Milk", labels=borne), Actor.USER))

    error = await refused(task("home", "new"))
    assert (error.code, error.field) == (ErrorCode.INVALID, ("input", "labels"))
    assert (await names(database, user), (await task(*kept)).version) == (kept, 1)
    home = (await names(database, user)).index("Home")
    async with database.snapshot(user) as session:
        gone = (await list_labels(session))[home]
    await database.work(user, lambda work: delete_label(work, gone.id))
    await task("new")
    assert len(await names(database, user)) == 4
