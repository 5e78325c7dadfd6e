"""Conversations: made, renamed, closed, reopened, deleted; and whether one is active, computed from the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Update, and_, bindparam, delete, func, literal_column, or_, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from core.errors import DomainError, ErrorCode
from core.ids import new_id
from core.statements import Prepared, prepared
from core.unit_of_work import Change, Session, UnitOfWork
from models.base import rows_of, stored
from models.conversations import TITLE_LIMIT, Conversation, conversations
from models.enums import ChangeKind, InactiveReason, TitleSource
from services.context import ASSISTANT_KEY, merged_by_client
from services.inputs import check_idempotency_key, clean_optional_text, digest
from services.versions import check_version

AUTO_TITLE: Final = 60
"""Code points of a title that is taken from the first message."""


def inactive_reason(conversation: Conversation, idle_seconds: int, now: datetime) -> InactiveReason | None:
    """Why nothing can be said here, or None. `idle_seconds` 0 turns idle expiry off."""
    if conversation.closed_at is not None:
        return InactiveReason.CLOSED
    if idle_seconds and conversation.last_activity_at + timedelta(seconds=idle_seconds) <= now:
        return InactiveReason.IDLE
    return None


def check_active(conversation: Conversation, idle_seconds: int, now: datetime, field: tuple[str, ...]) -> None:
    """Raises DomainError CONVERSATION_INACTIVE where nothing can be said here."""
    if reason := inactive_reason(conversation, idle_seconds, now):
        raise DomainError(
            ErrorCode.CONVERSATION_INACTIVE,
            f"The conversation is {reason.lower()}; reopen it to go on.",
            field=field,
            node=("Conversation", conversation.id),
        )


def is_active(idle_seconds: int, now: datetime) -> ColumnElement[bool]:
    """`inactive_reason(…) is None` as SQL."""
    open_ = conversations.c.closed_at.is_(None)
    if not idle_seconds:
        return open_
    return and_(open_, conversations.c.last_activity_at > now - timedelta(seconds=idle_seconds))


def auto_title(content: str) -> str:
    """The first line of a message, cut at a word's end."""
    line = content.strip().splitlines()[0].strip()
    if len(line) <= AUTO_TITLE:
        return line
    cut = line[: AUTO_TITLE - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[AUTO_TITLE // 2 :] else cut).rstrip(" ,;:.") + "…"


_THIS: Final = and_(conversations.c.user_id == bindparam("user_id"), conversations.c.id == bindparam("id"))
_FOUND: Final = prepared(rows_of(conversations).where(_THIS), Conversation)
_HELD: Final = prepared(rows_of(conversations).where(_THIS).with_for_update(key_share=True), Conversation)
_INSERTED: Final = prepared(
    insert(conversations).on_conflict_do_nothing().returning(conversations.c.id),
    columns=[column.name for column in stored(conversations)],
)


def _replied() -> Update:
    now = bindparam("now", type_=DateTime(timezone=True))
    return (
        update(conversations)
        .where(_THIS)
        .values(
            message_count=conversations.c.message_count + 1,
            last_activity_at=now,
            updated_at=now,
            version=conversations.c.version + 1,
        )
        .returning(conversations.c.message_count)
    )


def _replied_and_shown() -> Update:
    context = conversations.c.context
    key: ColumnElement[str] = literal_column(f"'{ASSISTANT_KEY}'")
    kept = func.coalesce(context.op("->")(key), literal_column("'{}'::jsonb"))
    mine = func.jsonb_build_object(key, kept.op("||")(bindparam("kept", type_=JSONB)))
    return _replied().values(context=context.op("||")(mine))


_REPLIED: Final = prepared(_replied())
_REPLIED_AND_SHOWN: Final = prepared(_replied_and_shown())


@cache
def _saving(names: tuple[str, ...]) -> Prepared[Any]:
    return prepared(update(conversations).where(_THIS), columns=names)


async def find(session: Session, conversation_id: UUID) -> Conversation | None:
    return await session.first(_FOUND, id=conversation_id)


async def lock(work: UnitOfWork, conversation_id: UUID) -> Conversation:
    """The conversation, locked. Raises DomainError NOT_FOUND."""
    found = await work.first(_HELD, id=conversation_id)
    if found is None:
        raise absent()
    return found


def absent() -> DomainError:
    return DomainError(ErrorCode.NOT_FOUND, "There is no such conversation.", field=("input", "conversationId"))


def _is(session: Session, conversation_id: UUID) -> ColumnElement[bool]:
    return and_(conversations.c.user_id == session.user_id, conversations.c.id == conversation_id)


async def insert_new(
    work: UnitOfWork,
    *,
    title: str = "",
    context: Mapping[str, Any] | None = None,
    key: str | None = None,
) -> Conversation | None:
    """A new row, or None where the key is taken. `title` empty: AUTO."""
    made = new(work, title=title, context=context, key=key)
    return made if await insert_row(work, made) else None


def new(
    work: UnitOfWork,
    *,
    title: str = "",
    context: Mapping[str, Any] | None = None,
    key: str | None = None,
) -> Conversation:
    """A conversation that is not stored yet. `title` empty: AUTO."""
    source = TitleSource.USER if title else TitleSource.AUTO
    return Conversation(
        user_id=work.user_id,
        id=new_id(),
        title=title,
        title_source=source.value,
        context=context or {},
        created_at=work.now,
        updated_at=work.now,
        last_activity_at=work.now,
        closed_at=None,
        idle_noted_at=None,
        message_count=0,
        turn_count=0,
        summary="",
        summarised_to=0,
        version=1,
        idempotency_key=key,
        idempotency_digest=digest([title, context or {}]) if key else None,
    )


async def insert_row(work: UnitOfWork, made: Conversation) -> bool:
    """Store a new conversation. False where its key is taken."""
    values = {name: getattr(made, name) for name in Conversation.__dataclass_fields__}
    if await work.value(_INSERTED, **values) is None:
        return False
    work.record(Change(ChangeKind.CONVERSATION, made.id, conversation_id=made.id))
    return True


async def create(work: UnitOfWork, *, title: str | None, context: Any, idempotency_key: str | None) -> UUID:
    """A conversation. The same key and input answer the same one. Raises DomainError."""
    name = clean_optional_text(title, ("input", "title"), limit=TITLE_LIMIT) or ""
    merged = merged_by_client({}, context, ("input", "context")) if context is not None else {}
    key = check_idempotency_key(idempotency_key)
    if key is None:
        made = await insert_new(work, title=name, context=merged)
        assert made is not None, "only a key can be taken"
        return made.id
    statement = rows_of(conversations).where(
        conversations.c.user_id == work.user_id, conversations.c.idempotency_key == key
    )
    found = await work.one(statement, Conversation)
    if found is None:
        made = await insert_new(work, title=name, context=merged, key=key)
        if made is not None:
            return made.id
        found = await work.one(statement, Conversation)
        assert found is not None, "the key that was in the way is committed"
    if found.idempotency_digest != digest([name, merged]):
        raise DomainError(
            ErrorCode.IDEMPOTENCY_CONFLICT, "This key was used with another input.", field=("input", "idempotencyKey")
        )
    return found.id


async def save(work: UnitOfWork, conversation: Conversation, **values: Any) -> Conversation:
    """Write `values` to a locked conversation, step its version and log it. The new state."""
    values = {"updated_at": work.now, "version": conversation.version + 1, **values}
    await work.run(_saving(tuple(sorted(values))), id=conversation.id, **values)
    work.record(Change(ChangeKind.CONVERSATION, conversation.id, conversation_id=conversation.id))
    return replace(conversation, **values)


async def add_reply(work: UnitOfWork, conversation_id: UUID, shown: Sequence[str] | None) -> int:
    """Lock a conversation and count the assistant's message in, with the tasks that it now shows (None: as before);
    the message's place. Raises DomainError NOT_FOUND."""
    position = await work.value(
        _REPLIED if shown is None else _REPLIED_AND_SHOWN,
        id=conversation_id,
        now=work.now,
        kept={"shown": list(shown or ())},
    )
    if position is None:
        raise absent()
    work.record(Change(ChangeKind.CONVERSATION, conversation_id, conversation_id=conversation_id))
    return int(position)


async def _expected(work: UnitOfWork, conversation_id: UUID, version: int | None) -> Conversation:
    conversation = await lock(work, conversation_id)
    check_version(("Conversation", conversation_id), conversation.version, version)
    return conversation


async def rename(work: UnitOfWork, conversation_id: UUID, title: str, *, expected_version: int | None = None) -> None:
    """Give a title that the assistant never overwrites; an empty one gives the naming back. Raises DomainError."""
    name = clean_optional_text(title, ("input", "title"), limit=TITLE_LIMIT) or ""
    conversation = await _expected(work, conversation_id, expected_version)
    source = TitleSource.USER if name else TitleSource.AUTO
    if (conversation.title, conversation.title_source) != (name, source):
        await save(work, conversation, title=name, title_source=source.value)


async def close(work: UnitOfWork, conversation_id: UUID, *, expected_version: int | None = None) -> None:
    """No more messages until reopened; closing twice is a success. Turns under way go on. Raises DomainError."""
    conversation = await _expected(work, conversation_id, expected_version)
    if conversation.closed_at is None:
        await save(work, conversation, closed_at=work.now)


async def reopen(
    work: UnitOfWork, conversation_id: UUID, *, idle_seconds: int, expected_version: int | None = None
) -> None:
    """Active again; counts as activity. Reopening an active one does nothing. Raises DomainError."""
    conversation = await _expected(work, conversation_id, expected_version)
    if inactive_reason(conversation, idle_seconds, work.now) is not None:
        await save(work, conversation, closed_at=None, last_activity_at=work.now)


async def remove(work: UnitOfWork, conversation_id: UUID, *, expected_version: int | None = None) -> None:
    """Delete it with its messages, turns and calls; the tasks stay. Raises DomainError."""
    await _expected(work, conversation_id, expected_version)
    await work.execute(delete(conversations).where(_is(work, conversation_id)))
    work.record(Change(ChangeKind.CONVERSATION, conversation_id, conversation_id=conversation_id))


async def note_idle(work: UnitOfWork, conversation_id: UUID, *, idle_seconds: int) -> None:
    """Log that a conversation went idle, once; its version stays, since nothing stored changed for its readers."""
    quiet_since = work.now - timedelta(seconds=idle_seconds)
    noted = or_(
        conversations.c.idle_noted_at.is_(None), conversations.c.idle_noted_at < conversations.c.last_activity_at
    )
    statement = (
        update(conversations)
        .where(_is(work, conversation_id), conversations.c.closed_at.is_(None), noted)
        .where(conversations.c.last_activity_at <= quiet_since)
        .values(idle_noted_at=work.now)
        .returning(conversations.c.id)
    )
    if (await work.execute(statement)).first() is not None:
        work.record(Change(ChangeKind.CONVERSATION, conversation_id, conversation_id=conversation_id))
