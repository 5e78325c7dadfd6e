"""The change log's one writer: numbers a unit of work's changes in its last statement, announces them after COMMIT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from sqlalchemy import ARRAY, Integer, Text, Uuid, bindparam, text

from core.errors import UserGone
from core.statements import prepared
from core.unit_of_work import Change, Session, Written

_COLUMNS: Final = ("kind", "entity_id", "conversation_id", "action", "actor", "revision_id", "tool_call_id")
_IDS: Final = frozenset({"entity_id", "conversation_id", "revision_id", "tool_call_id"})

_APPEND = prepared(
    text(
        """
    WITH counter AS (
        UPDATE tasktalk.change_counters SET seq = seq + :count WHERE user_id = :user_id RETURNING seq, epoch
    )
    INSERT INTO tasktalk.change_log
        (user_id, seq, at, kind, entity_id, conversation_id, action, actor, revision_id, tool_call_id)
    SELECT :user_id, counter.seq - :count + entry.ordinal, now(), entry.kind, entry.entity_id, entry.conversation_id,
           entry.action, entry.actor, entry.revision_id, entry.tool_call_id
    FROM counter, unnest(:kind, :entity_id, :conversation_id, :action, :actor, :revision_id, :tool_call_id)
        WITH ORDINALITY AS entry
            (kind, entity_id, conversation_id, action, actor, revision_id, tool_call_id, ordinal)
    RETURNING seq, (SELECT epoch FROM counter), at
    """
    ).bindparams(
        bindparam("count", type_=Integer),
        bindparam("user_id", type_=Text),
        *(bindparam(name, type_=ARRAY(Uuid if name in _IDS else Text)) for name in _COLUMNS),
    ),
)


class Announcer(Protocol):
    """The part of the bus that the log needs."""

    async def publish(self, channel: str, message: str) -> None: ...


def wake_channel(user_id: str) -> str:
    """The channel on which a user's positions are announced."""
    return f"user:{user_id}"


class ChangeLog:
    """`core.unit_of_work.Journal` on the change log's tables and the bus."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer

    async def write(self, session: Session, changes: Sequence[Change]) -> Written:
        """Append `changes` (at least one). Raises UserGone."""
        values = {name: [getattr(change, name) for change in changes] for name in _COLUMNS}
        rows = await session.every(_APPEND, count=len(changes), **values)
        if len(rows) != len(changes):
            raise UserGone
        return Written(changes, *max(rows))

    async def announce(self, user_id: str, seq: int) -> None:
        await self._announcer.publish(wake_channel(user_id), str(seq))
