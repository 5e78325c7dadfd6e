"""Users are made on first sight, and only revoked tokens are turned away."""

from __future__ import annotations

from datetime import UTC, time
from typing import Any

import pytest

from core.database import Database
from core.errors import DomainError, ErrorCode
from events.reading import position
from models.enums import WeekStart
from models.users import Settings
from services.users import read_settings, update_settings


async def settings_of(database: Database, user: str) -> Settings:
    async with database.snapshot(user) as session:
        return await read_settings(session)


async def changes_of(database: Database, user: str) -> int:
    async with database.snapshot(user) as session:
        return (await position(session)).seq


async def test_a_new_user_has_settings_and_can_change_them(database: Database, user: str) -> None:
    async with database.snapshot(user) as session:
        assert (await read_settings(session)).time_zone == "UTC"
    await database.work(user, lambda work: update_settings(work, time_zone="Europe/Berlin", locale="de-DE"))
    async with database.snapshot(user) as session:
        settings = await read_settings(session)
    assert (settings.time_zone, settings.locale, settings.version) == ("Europe/Berlin", "de-DE", 2)


async def test_each_change_of_the_settings_is_logged_and_what_changes_nothing_leaves_no_trace(
    database: Database, user: str
) -> None:
    chosen: dict[str, Any] = {"week_start": WeekStart.SUNDAY, "default_due_time": time(9, 30)}
    for _ in range(2):
        await database.work(user, lambda work: update_settings(work, **chosen))
    found = await settings_of(database, user)
    assert (found.week_start, found.default_due_time, found.version) == ("SUNDAY", time(9, 30), 2)
    assert await changes_of(database, user) == 1
    await database.work(user, lambda work: update_settings(work, default_due_time=None))
    assert (await settings_of(database, user)).default_due_time is None
    assert await changes_of(database, user) == 2


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"time_zone": "Mars/Base"}, ErrorCode.INVALID, "timeZone"),
        ({"locale": "not a tag"}, ErrorCode.INVALID, "locale"),
        ({"default_due_time": time(9, 0, 1)}, ErrorCode.INVALID, "defaultDueTime"),
        ({"default_due_time": time(9, tzinfo=UTC)}, ErrorCode.INVALID, "defaultDueTime"),
        ({"locale": "de", "expected_version": 7}, ErrorCode.VERSION_CONFLICT, "expectedVersion"),
    ],
)
async def test_settings_that_cannot_be_are_named_and_nothing_changes(
    database: Database, user: str, given: dict[str, Any], code: ErrorCode, field: str
) -> None:
    with pytest.raises(DomainError) as caught:
        await database.work(user, lambda work: update_settings(work, **given))
    assert (caught.value.code, caught.value.field) == (code, ("input", field))
    assert ((await settings_of(database, user)).version, await changes_of(database, user)) == (1, 0)
