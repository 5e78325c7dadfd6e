"""The change log's one writer: numbers a unit of work's changes in its last statement, which stores their revisions as
well, and announces them after COMMIT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from sqlalchemy import ARRAY, DateTime, Integer, Text, Uuid, bindparam, text

from core.errors import UserGone
from core.statements import prepared, to_json
from core.unit_of_work import Change, Session, Written

_COLUMNS: Final = ("kind", "entity_id", "conversation_id", "action", "actor", "revision_id", "tool_call_id")
_IDS: Final = frozenset({"entity_id", "conversation_id", "revision_id", "tool_call_id"})

_APPEND = prepared(
    text(
        """
    WITH counter AS (
        UPDATE tasktalk.change_counters SET seq = seq + :count WHERE user_id = :user_id RETURNING seq, epoch
    ), entry AS (
        SELECT * FROM unnest(
            :kind, :entity_id, :conversation_id, :action, :actor, :revision_id, :tool_call_id, :version, :changes,
            :revised_at
        ) WITH ORDINALITY AS entry (
            kind, entity_id, conversation_id, action, actor, revision_id, tool_call_id, version, changes,
            revised_at, ordinal
        )
    ), revision AS (
        INSERT INTO tasktalk.task_revisions
            (user_id, id, task_id, version, action, actor, tool_call_id, changes, at)
        SELECT :user_id, revision_id, entity_id, version, action, actor, tool_call_id, changes::jsonb, revised_at
        FROM entry WHERE version IS NOT NULL
    )
    INSERT INTO tasktalk.change_log
        (user_id, seq, at, kind, entity_id, conversation_id, action, actor, revision_id, tool_call_id)
    SELECT :user_id, counter.seq - :count + entry.ordinal, now(), entry.kind, entry.entity_id, entry.conversation_id,
           entry.action, entry.actor, entry.revision_id, entry.tool_call_id
    FROM counter, entry
    RETURNING seq, (SELECT epoch FROM counter), at
    """
    ).bindparams(
        bindparam("count", type_=Integer),
        bindparam("user_id", type_=Text),
        *(bindparam(name, type_=ARRAY(Uuid if name in _IDS else Text)) for name in _COLUMNS),
        bindparam("version", type_=ARRAY(Integer)),
        bindparam("changes", type_=ARRAY(Text)),
        bindparam("revised_at", type_=ARRAY(DateTime(timezone=True))),
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
        revisions = [change.revision for change in changes]
        rows = await session.every(
            _APPEND,
            count=len(changes),
            **values,
            version=[one and one.version for one in revisions],
            changes=[one and to_json(one.changes) for one in revisions],
            revised_at=[one and one.at for one in revisions],
        )
        if len(rows) != len(changes):
            raise UserGone
        return Written(changes, *max(rows))

    async def announce(self, user_id: str, seq: int) -> None:
        await self._announcer.publish(wake_channel(user_id), str(seq))
