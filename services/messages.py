"""Saying something: one transaction that stores the message, queues its turn and enqueues the wake-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Interval, Uuid, bindparam, func, insert, select

from core.errors import DomainError, ErrorCode
from core.ids import new_id
from core.settings import Settings as Limits
from core.statements import prepared
from core.unit_of_work import Change, UnitOfWork
from models.base import rows_of
from models.conversations import MESSAGE_LIMIT, Conversation, Message, messages
from models.enums import ChangeKind, Sender, TitleSource, TurnStatus
from models.turns import turns
from services import conversations
from services.context import merged_by_client
from services.inputs import check_idempotency_key, clean_text
from services.limits import check_quota, count_send, lock_limits, lock_limits_and_count
from services.users import check_time_zone

Field = tuple[str, ...]
CONTENT: Final[Field] = ("input", "content")
CONVERSATION: Final[Field] = ("input", "conversationId")


@dataclass(frozen=True, slots=True)
class Said:
    """What `sendMessage` made, or what an earlier one with its key did."""

    conversation_id: UUID
    message_id: UUID
    turn_id: UUID


@dataclass(frozen=True, slots=True)
class NewMessage:
    """`sendMessage`'s input as it came; nothing of it is checked yet."""

    content: str
    conversation_id: UUID | None = None
    context: Mapping[str, Any] | None = None
    time_zone: str | None = None
    idempotency_key: str | None = None


_WAKE: Final = prepared(
    select(func.tasktalk.wake(bindparam("conversation_id", type_=Uuid), bindparam("after", type_=Interval)))
)
_SAID_BEFORE: Final = prepared(
    rows_of(messages).where(
        messages.c.user_id == bindparam("user_id"), messages.c.idempotency_key == bindparam("idempotency_key")
    ),
    Message,
)
_NEWEST: Final = prepared(
    select(turns.c.id)
    .where(turns.c.user_id == bindparam("user_id"), turns.c.message_id == bindparam("message_id"))
    .order_by(turns.c.number.desc())
    .limit(1)
)
_QUEUED: Final = prepared(
    select(func.count()).where(
        turns.c.user_id == bindparam("user_id"),
        turns.c.conversation_id == bindparam("conversation_id"),
        turns.c.status == TurnStatus.QUEUED.value,
    )
)
_MESSAGE_AND_TURN: Final = prepared(
    insert(turns)
    .values(id=bindparam("turn_id"), status=TurnStatus.QUEUED.value)
    .add_cte(
        insert(messages)
        .values(
            {
                messages.c[name]: bindparam(name)
                for name in ("user_id", "conversation_id", "position", "content", "created_at", "idempotency_key")
            }
        )
        .values(id=bindparam("message_id"), sender=Sender.USER.value)
        .cte("said")
    ),
    columns=("user_id", "conversation_id", "message_id", "number", "time_zone", "created_at"),
)


async def send(work: UnitOfWork, new: NewMessage, limits: Limits) -> Said:
    """Store the message and queue its turn. Raises DomainError; then nothing is stored.

    A repeat of a key answers what the first one made before any limit or state is looked at; the user's limits row is
    locked before that, so that of many at once all but the first see it.
    """
    content = clean_text(new.content, CONTENT, limit=MESSAGE_LIMIT)
    key = check_idempotency_key(new.idempotency_key)
    if new.time_zone is not None:
        check_time_zone(new.time_zone, ("input", "timeZone"))
    if key is None:
        window = await lock_limits_and_count(work, limits.limit_sends_per_minute)
    else:
        window = await lock_limits(work)
        if earlier := await _said_with(work, key, content, new.conversation_id):
            return earlier
        await count_send(work, window, limits.limit_sends_per_minute)
    await check_quota(work, limits.limit_tokens_per_day)
    time_zone = new.time_zone or window.time_zone
    if new.conversation_id is None:
        conversation = conversations.new(work)
        after = replace(conversation, **_after_message(work, conversation, content, new.context))
        await conversations.insert_row(work, after)
        said = await _store(work, conversation, content, key, time_zone)
    else:
        conversation = await _hold_open(work, new.conversation_id, limits)
        said = await _store(work, conversation, content, key, time_zone)
        await conversations.save(work, conversation, **_after_message(work, conversation, content, new.context))
    work.record(Change(ChangeKind.MESSAGE, said.message_id, conversation_id=said.conversation_id))
    work.record(Change(ChangeKind.TURN, said.turn_id, conversation_id=said.conversation_id))
    await wake(work, said.conversation_id)
    return said


async def wake(work: UnitOfWork, conversation_id: UUID, *, after: timedelta | None = None) -> None:
    """Enqueue, in this transaction, that a worker looks at the conversation, now or `after` a time."""
    await work.run(_WAKE, conversation_id=conversation_id, after=after)


async def _said_with(work: UnitOfWork, key: str, content: str, conversation_id: UUID | None) -> Said | None:
    message = await work.first(_SAID_BEFORE, idempotency_key=key)
    if message is None:
        return None
    if message.content != content or conversation_id not in (None, message.conversation_id):
        raise DomainError(
            ErrorCode.IDEMPOTENCY_CONFLICT, "This key was used with another input.", field=("input", "idempotencyKey")
        )
    return Said(message.conversation_id, message.id, await work.value(_NEWEST, message_id=message.id))


async def _hold_open(work: UnitOfWork, conversation_id: UUID, limits: Limits) -> Conversation:
    """A conversation in which something can be said, locked."""
    conversation = await conversations.lock(work, conversation_id)
    conversations.check_active(conversation, limits.conversation_idle_seconds, work.now, CONVERSATION)
    limit = limits.limit_queued_turns
    if limit and await work.value(_QUEUED, conversation_id=conversation.id) >= limit:
        message = f"{limit} messages already wait in this conversation."
        raise DomainError(ErrorCode.QUEUE_FULL, message, field=CONVERSATION)
    return conversation


async def _store(work: UnitOfWork, conversation: Conversation, content: str, key: str | None, time_zone: str) -> Said:
    said = Said(conversation.id, new_id(), new_id())
    await work.run(
        _MESSAGE_AND_TURN,
        message_id=said.message_id,
        turn_id=said.turn_id,
        conversation_id=conversation.id,
        position=conversation.message_count + 1,
        content=content,
        idempotency_key=key,
        number=conversation.turn_count + 1,
        time_zone=time_zone,
        created_at=work.now,
    )
    return said


def _after_message(
    work: UnitOfWork, conversation: Conversation, content: str, context: Mapping[str, Any] | None
) -> dict[str, Any]:
    values: dict[str, Any] = {
        "message_count": conversation.message_count + 1,
        "turn_count": conversation.turn_count + 1,
        "last_activity_at": work.now,
    }
    if not conversation.title and conversation.title_source == TitleSource.AUTO:
        values["title"] = conversations.auto_title(content)
    if context is not None:
        values["context"] = merged_by_client(conversation.context, context, ("input", "context"))
    return values
