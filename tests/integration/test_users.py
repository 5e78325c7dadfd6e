"""Users are made on first sight, and only revoked tokens are turned away."""

from __future__ import annotations

from core.database import Database
from services.users import read_settings, update_settings


async def test_a_new_user_has_settings_and_can_change_them(database: Database, user: str) -> None:
    async with database.snapshot(user) as session:
        assert (await read_settings(session)).time_zone == "UTC"
    await database.work(user, lambda work: update_settings(work, time_zone="Europe/Berlin", locale="de-DE"))
    async with database.snapshot(user) as session:
        settings = await read_settings(session)
    assert (settings.time_zone, settings.locale, settings.version) == ("Europe/Berlin", "de-DE", 2)
