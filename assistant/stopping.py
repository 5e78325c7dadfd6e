"""A user's word to stop a turn. Its worker ends it, which knows the text best; without one, it ends here."""

from __future__ import annotations

from uuid import UUID

from assistant import replies
from assistant.interpreter.phrases import Viewpoint
from core.unit_of_work import UnitOfWork
from models.conversations import Conversation
from models.enums import TurnStatus
from models.turns import Turn
from services import turns


async def stop(work: UnitOfWork, turn_id: UUID) -> str | None:
    """Stop a turn: at once where it doesn't run, otherwise by its worker, whose name is answered to be told.

    A turn that has ended stays as it is. Raises DomainError NOT_FOUND.
    """
    conversation, turn = await turns.lock_turn(work, turn_id)
    status = TurnStatus(turn.status)
    if status is TurnStatus.RUNNING:
        await turns.note_cancel(work, turn)
        return turn.lease_owner
    if not status.ended:
        await _end(work, conversation, turn)
    return None


async def end_now(work: UnitOfWork, turn_id: UUID) -> None:
    """End a turn whose worker didn't, with the text saved last; its fence falls. Raises DomainError NOT_FOUND."""
    conversation, turn = await turns.lock_turn(work, turn_id)
    if not TurnStatus(turn.status).ended:
        await _end(work, conversation, turn)


async def _end(work: UnitOfWork, conversation: Conversation, turn: Turn) -> None:
    text = await turns.read_draft(work, turn.id)
    _, calls = await turns.read_progress(work, turn.id)
    if turn.started_at is None and not text and not calls:
        await turns.cancel(work, conversation, turn, None)
        return
    asked = turn.status == TurnStatus.AWAITING_CONFIRMATION
    reply = replies.stopped(text, calls, Viewpoint(work.now, turn.time_zone), None, asked=asked)
    await turns.cancel(work, conversation, turn, reply)
