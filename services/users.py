"""Users: made at the edge on first sight, and their settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from sqlalchemy import bindparam, or_, select, text, update
from sqlalchemy.dialects.postgresql import Insert, insert

from core.database import Database
from core.errors import DomainError, ErrorCode, UserGone
from core.statements import prepared
from core.unit_of_work import Change, Session, UnitOfWork
from models.base import rows_of
from models.changes import change_counters
from models.enums import ChangeKind, ConfirmPolicy, WeekStart
from models.users import Settings, revoked_tokens, settings, user_limits, users
from services.inputs import UNSET, Unset

LOCALE_LIMIT: Final = 35
"""Characters of a BCP 47 tag (RFC 5646 section 4.4.1)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an operation acts as: the verified token's facts."""

    user_id: str
    email: str | None
    name: str | None
    token_hash: bytes


_REVOKED: Final = prepared(
    select(revoked_tokens.c.token_hash).where(revoked_tokens.c.token_hash == bindparam("token_hash"))
)


_KNOWN: Final = (
    "SELECT FROM tasktalk.users WHERE id = {user_id}"
    " AND email IS NOT DISTINCT FROM {email} AND name IS NOT DISTINCT FROM {name}"
    " AND NOT EXISTS (SELECT FROM tasktalk.revoked_tokens WHERE token_hash = decode({token_hash}, 'hex'))"
)


def _seen() -> Insert:
    made = insert(users)
    other = or_(users.c.email.is_distinct_from(made.excluded.email), users.c.name.is_distinct_from(made.excluded.name))
    return made.on_conflict_do_update(
        index_elements=["id"], set_={"email": made.excluded.email, "name": made.excluded.name}, where=other
    )


_SEEN: Final = prepared(_seen().returning(text("xmax = 0")), columns=("id", "email", "name"))
_SETTINGS: Final = prepared(rows_of(settings).where(settings.c.user_id == bindparam("user_id")), Settings)


async def admit(database: Database, identity: Identity) -> bool:
    """Make the user on first sight, keep email and name as the token has them. False where the token is revoked.

    Mostly there is nothing to do, which is told by one round trip.
    """
    user_id, token_hash = identity.user_id, identity.token_hash
    facts = {"user_id": user_id, "email": identity.email, "name": identity.name, "token_hash": token_hash.hex()}
    if await database.finds(user_id, _KNOWN, **facts):
        return True

    async def action(work: UnitOfWork) -> bool:
        if await work.value(_REVOKED, token_hash=identity.token_hash):
            return False
        if await work.value(_SEEN, id=identity.user_id, email=identity.email, name=identity.name):
            for table in (settings, user_limits, change_counters):
                await work.execute(insert(table).values(user_id=identity.user_id).on_conflict_do_nothing())
        return True

    return await database.work(identity.user_id, action)


async def read_settings(session: Session) -> Settings:
    """The user's settings. Raises UserGone."""
    found = await session.first(_SETTINGS)
    if found is None:
        raise UserGone
    return found


@cache
def zone_names() -> frozenset[str]:
    """IANA names, read from the system's files once."""
    return frozenset(available_timezones())


def check_time_zone(name: str, field: tuple[str, ...]) -> str:
    """An IANA name as given. Raises DomainError INVALID."""
    if name not in zone_names():
        message = f"“{name[:60]}” is not an IANA time zone, e.g. Europe/Berlin."
        raise DomainError(ErrorCode.INVALID, message, field=field)
    return name


def check_locale(tag: str, field: tuple[str, ...]) -> str:
    """A tag that is shaped as BCP 47 says. Raises DomainError INVALID."""
    parts = tag.split("-")
    if len(tag) > LOCALE_LIMIT or not all(part.isascii() and part.isalnum() and len(part) <= 8 for part in parts):
        raise DomainError(ErrorCode.INVALID, "The locale must be a BCP 47 tag, e.g. en-GB.", field=field)
    return tag


def check_due_time(at: time | None, field: tuple[str, ...]) -> time | None:
    """A wall time to the minute, or none. Raises DomainError INVALID."""
    if at is not None and (at.tzinfo is not None or at.second or at.microsecond):
        message = f"{field[-1]} is a wall time to the minute, e.g. 09:00."
        raise DomainError(ErrorCode.INVALID, message, field=field)
    return at


async def update_settings(
    work: UnitOfWork,
    *,
    time_zone: str | None = None,
    locale: str | None = None,
    confirm: ConfirmPolicy | None = None,
    week_start: WeekStart | None = None,
    default_due_time: time | Unset | None = UNSET,
    expected_version: int | None = None,
) -> None:
    """Change what is given; what changes nothing leaves no trace. Raises DomainError INVALID that names the field, or
    VERSION_CONFLICT where `expected_version` isn't the present one."""
    values: dict[str, object] = {}
    if time_zone is not None:
        values["time_zone"] = check_time_zone(time_zone, ("input", "timeZone"))
    if locale is not None:
        values["locale"] = check_locale(locale, ("input", "locale"))
    if confirm is not None:
        values["confirm"] = confirm.value
    if week_start is not None:
        values["week_start"] = week_start.value
    if not isinstance(default_due_time, Unset):
        values["default_due_time"] = check_due_time(default_due_time, ("input", "defaultDueTime"))
    own = settings.c.user_id == work.user_id
    before = await work.one(rows_of(settings).where(own).with_for_update(key_share=True), Settings)
    if before is None:
        raise UserGone
    if expected_version not in (None, before.version):
        message = f"The settings have changed: they are at version {before.version}, not {expected_version}."
        node = ("Settings", work.user_id)
        raise DomainError(ErrorCode.VERSION_CONFLICT, message, field=("input", "expectedVersion"), node=node)
    if any(getattr(before, name) != value for name, value in values.items()):
        await work.execute(update(settings).where(own).values(**values, version=before.version + 1))
        work.record(Change(kind=ChangeKind.SETTINGS, entity_id=None))
