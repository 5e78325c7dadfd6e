"""Stopping a turn on its user's word: at once where nobody works on it, otherwise by the worker that does."""

from __future__ import annotations

from uuid import UUID

from core.unit_of_work import UnitOfWork
from models.conversations import Conversation
from models.enums import TurnStatus
from models.turns import Turn
from services.turns.ending import Reply, cancel_silently, end_with_reply
from services.turns.leases import Lease, hold, write


async def note_cancel(work: UnitOfWork, turn: Turn) -> None:
    """Keep that the user wants a running turn stopped: its worker is told, and whoever takes it over sees it."""
    if turn.cancel_requested_at is not None:
        return
    await write(work, turn, cancel_requested_at=work.now)


async def cancel_as_worker(work: UnitOfWork, lease: Lease, reply: Reply, *, conversation_id: UUID) -> None:
    """End the turn CANCELLED with what it has said. Raises LeaseLost."""
    conversation, turn = await hold(work, lease, conversation_id)
    await end_with_reply(work, conversation, turn, reply, TurnStatus.CANCELLED)


async def cancel(work: UnitOfWork, conversation: Conversation, turn: Turn, reply: Reply | None) -> None:
    """End a live turn CANCELLED, whoever works on it: its fence falls. Both rows are locked.

    `reply` is None for a turn that was never run.
    """
    if reply is None:
        await cancel_silently(work, conversation, turn)
    else:
        await end_with_reply(work, conversation, turn, reply, TurnStatus.CANCELLED)
