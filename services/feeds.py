"""A user's calendar feed: due tasks for whoever has its secret URL. Only the secret's SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final

from sqlalchemy import LargeBinary, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import insert

from core.database import Database
from core.unit_of_work import Change, Session, UnitOfWork
from models.enums import ChangeKind
from models.users import calendar_feeds

SECRET_BYTES: Final = 32

_OWNER: Final = text("SELECT tasktalk.calendar_owner(:hash)").bindparams(bindparam("hash", type_=LargeBinary))


def hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


async def renew_feed(work: UnitOfWork) -> str:
    """A new secret, and the last time that it is seen; the one before it opens nothing any more."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    made = insert(calendar_feeds).values(user_id=work.user_id, secret_hash=hash_of(secret), created_at=work.now)
    renewed = {"secret_hash": made.excluded.secret_hash, "created_at": made.excluded.created_at}
    await work.execute(made.on_conflict_do_update(index_elements=["user_id"], set_=renewed))
    work.record(Change(kind=ChangeKind.SETTINGS, entity_id=None))
    return secret


async def revoke_feed(work: UnitOfWork) -> None:
    """No secret opens the feed; revoking where there is none does nothing."""
    gone = delete(calendar_feeds).where(calendar_feeds.c.user_id == work.user_id).returning(calendar_feeds.c.user_id)
    if (await work.execute(gone)).first() is not None:
        work.record(Change(kind=ChangeKind.SETTINGS, entity_id=None))


async def feed_since(session: Session) -> datetime | None:
    """When the present secret was made; None where there is none."""
    own = select(calendar_feeds.c.created_at).where(calendar_feeds.c.user_id == session.user_id)
    found: datetime | None = await session.scalar(own)
    return found


async def owner_of(database: Database, secret: str) -> str | None:
    """The user whose feed the secret opens."""
    async with database.for_nobody() as connection:
        found: str | None = await connection.scalar(_OWNER, {"hash": hash_of(secret)})
    return found
