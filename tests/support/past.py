"""Earlier turns as values, and ways in which a stored one ends or is given another attempt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from assistant.past import PastCall, PastTurn
from core.ids import new_id
from core.unit_of_work import UnitOfWork
from models.conversations import messages
from models.turns import Round, tool_calls, turns
from services import conversations
from services.messages import NewMessage, Said, send
from services.turns import retry
from tests.support.talking import Talk


def past_turn(
    number: int,
    said: str = "hello",
    *,
    reply: str | None = "Hi.",
    rounds: Sequence[tuple[str, Sequence[tuple[str, str, dict[str, Any]]]]] = (),
    status: str = "COMPLETED",
    error_message: str | None = None,
    message_id: UUID | None = None,
) -> PastTurn:
    """A turn whose rounds are (text, calls) and whose calls are (tool, arguments, fields of PastCall)."""
    turn_id = new_id()
    made = [
        Round("u", turn_id, place, text, [{"name": name, "arguments": raw} for name, raw, _ in calls], "STOP")
        for place, (text, calls) in enumerate(rounds)
    ]
    ran = [
        past_call(turn_id, place, index, name, **fields)
        for place, (_, calls) in enumerate(rounds)
        for index, (name, _, fields) in enumerate(calls)
        if fields
    ]
    code = "INTERNAL" if status == "FAILED" else None
    return PastTurn(turn_id, number, message_id or new_id(), status, code, error_message, said, reply, made, ran)


def past_call(turn_id: UUID, round_: int, index: int, name: str, **fields: Any) -> PastCall:
    stored = {"answer": None, "error_code": None, "error_message": None, "undone_at": None, **fields}
    return PastCall(turn_id, round_, index, name, **stored)


async def mark_undone(talk: Talk, call_id: UUID) -> None:
    async def mark(work: UnitOfWork) -> None:
        await work.execute(update(tool_calls).where(tool_calls.c.id == call_id).values(undone_at=work.now))

    await talk.database.work(talk.user, mark)


async def stopped(talk: Talk, *contents: str, reply: str | None = None) -> Said:
    """Say these and have them CANCELLED before any worker sees them, with that reply. The last of them."""

    async def stop(work: UnitOfWork) -> Said:
        for content in contents:
            said = await send(work, NewMessage(content, conversation_id=talk.conversation_id), talk.settings)
            talk.conversation_id = said.conversation_id
            values: dict[str, Any] = {"status": "CANCELLED", "finished_at": work.now}
            if reply is not None:
                values["reply_id"] = await _store_reply(work, said, reply)
            await work.execute(update(turns).where(turns.c.id == said.turn_id).values(values))
        return said

    return await talk.database.work(talk.user, stop)


async def _store_reply(work: UnitOfWork, said: Said, reply: str) -> UUID:
    conversation = await conversations.lock(work, said.conversation_id)
    reply_id, position = new_id(), conversation.message_count + 1
    ids = {"user_id": work.user_id, "id": reply_id, "conversation_id": conversation.id, "turn_id": said.turn_id}
    values = {"sender": "ASSISTANT", "content": reply, "created_at": work.now, "finish_reason": "CANCELLED"}
    await work.execute(insert(messages).values(**ids, position=position, **values))
    await conversations.save(work, conversation, message_count=position)
    return reply_id


async def again(talk: Talk, said: Said) -> Said:
    """Queue another attempt at the message of a turn that has ended."""
    turn_id = await talk.database.work(talk.user, lambda work: retry(work, said.turn_id, talk.settings))
    return Said(said.conversation_id, said.message_id, turn_id)
