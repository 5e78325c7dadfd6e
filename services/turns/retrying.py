"""Answering a conversation's last message again: a new turn of the same message. The former one stays in the record."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import insert, select

from core.errors import DomainError, ErrorCode
from core.ids import new_id
from core.settings import Settings as Limits
from core.unit_of_work import Change, UnitOfWork
from models.conversations import Conversation
from models.enums import ChangeKind, TurnStatus
from models.turns import Turn, turns
from services import conversations
from services.limits import check_quota, count_send, lock_limits
from services.messages import wake
from services.turns.locking import FIELD, lock_turn

_LAST: Final = "Only the conversation's last turn can be answered again."


async def retry(work: UnitOfWork, turn_id: UUID, limits: Limits) -> UUID:
    """Queue another turn for the message of an ended one; its id. What its calls did stays, unless undone.

    Counts as a message where these are counted. Raises DomainError NOT_FOUND, NOT_RETRYABLE, CONVERSATION_INACTIVE,
    RATE_LIMITED or QUOTA_EXCEEDED.
    """
    window = await lock_limits(work)
    conversation, turn = await lock_turn(work, turn_id)
    await _check(work, conversation, turn, limits)
    await count_send(work, window, limits.limit_sends_per_minute)
    await check_quota(work, limits.limit_tokens_per_day)
    made = new_id()
    await work.execute(
        insert(turns).values(
            user_id=work.user_id,
            id=made,
            conversation_id=conversation.id,
            message_id=turn.message_id,
            retry_of=turn.id,
            number=conversation.turn_count + 1,
            status=TurnStatus.QUEUED.value,
            time_zone=turn.time_zone,
            created_at=work.now,
        )
    )
    await conversations.save(work, conversation, turn_count=conversation.turn_count + 1, last_activity_at=work.now)
    work.record(Change(ChangeKind.TURN, made, conversation_id=conversation.id))
    await wake(work, conversation.id)
    return made


async def _check(work: UnitOfWork, conversation: Conversation, turn: Turn, limits: Limits) -> None:
    conversations.check_active(conversation, limits.conversation_idle_seconds, work.now, FIELD)
    if not TurnStatus(turn.status).ended:
        raise _refused("The turn has not ended: stop it first.", turn.id)
    if turn.answer_to is not None:
        raise _refused("It was the answer to a question, which was taken.", turn.id)
    later = select(turns.c.id).where(
        turns.c.user_id == work.user_id, turns.c.conversation_id == conversation.id, turns.c.number > turn.number
    )
    if await work.scalar(later.limit(1)) is not None:
        raise _refused(_LAST, turn.id)


def _refused(message: str, turn_id: UUID) -> DomainError:
    return DomainError(ErrorCode.NOT_RETRYABLE, message, field=FIELD, node=("Turn", turn_id))
