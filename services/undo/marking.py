"""Which calls are in force: taking one back puts into force again what it had taken back itself, and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import case, insert, literal, null, update

from core.unit_of_work import Change, UnitOfWork
from models.enums import ChangeKind
from models.turns import ToolCall, tool_calls, turns, undone_calls
from services import summaries


class Marks:
    """The marks in memory, until they are written."""

    def __init__(self, calls: Mapping[UUID, ToolCall], took_back: Mapping[UUID, Sequence[UUID]]) -> None:
        self._calls = calls
        self._took_back = took_back
        self._undone = {call.id: call.undone_at is not None for call in calls.values()}

    def take_back(self, call_id: UUID) -> bool:
        """Mark the call as undone; False where it was."""
        if self._undone[call_id]:
            return False
        to_turn = [(call_id, True)]
        while to_turn:
            one, undone = to_turn.pop()
            if self._undone[one] != undone:
                self._undone[one] = undone
                to_turn += [(taken, not undone) for taken in self._took_back.get(one, ())]
        return True

    async def write(self, work: UnitOfWork) -> None:
        """Store the marks that have changed, and log the calls and their turns, which are locked by now."""
        changed = [call for call in self._calls.values() if self._differs(call)]
        undone = [call.id for call in changed if self._undone[call.id]]
        now = literal(work.now, tool_calls.c.undone_at.type)
        await work.execute(
            update(tool_calls)
            .where(tool_calls.c.user_id == work.user_id, tool_calls.c.id.in_([call.id for call in changed]))
            .values(
                undone_at=case((tool_calls.c.id.in_(undone), now), else_=null()),
                version=tool_calls.c.version + 1,
            )
        )
        await summaries.note_undone(work, changed, undone=undone)
        for call in changed:
            work.record(Change(ChangeKind.TOOL_CALL, call.id, conversation_id=call.conversation_id))
        turn_of = {call.turn_id: call.conversation_id for call in changed}
        await work.execute(
            update(turns)
            .where(turns.c.user_id == work.user_id, turns.c.id.in_(list(turn_of)))
            .values(version=turns.c.version + 1)
        )
        for turn_id, conversation_id in turn_of.items():
            work.record(Change(ChangeKind.TURN, turn_id, conversation_id=conversation_id))

    def _differs(self, call: ToolCall) -> bool:
        return self._undone[call.id] != (call.undone_at is not None)


async def write_taken(work: UnitOfWork, by: UUID, taken: Sequence[UUID]) -> None:
    """Keep what a call of the tool `undo` took back, so that it can be taken back itself."""
    rows = [
        {"user_id": work.user_id, "tool_call_id": by, "position": position, "undone_call_id": call_id}
        for position, call_id in enumerate(taken)
    ]
    await work.execute(insert(undone_calls).values(rows))
