"""A conversation in which the test says which tools run, through the real steps of a turn: no worker, no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from assistant.calls import Surroundings, run_call
from assistant.tools import TOOLS
from core.database import Database
from core.ids import to_global_id
from core.settings import Settings
from models.base import rows_of
from models.changes import LoggedChange, change_log
from models.enums import Actor, FinishReason, ToolName
from models.tasks import Task, TaskRevision, task_revisions, tasks
from models.turns import Round, ToolCall, Turn, tool_calls, turns
from services.messages import NewMessage, send
from services.tasks import NewTask, create_task, with_labels
from services.tasks.revisions import state
from services.turns import Claimed, NewCall, Reply, Spent, claim, commit_round, complete

Does = tuple[str, Mapping[str, Any]]
"""A tool's name and its arguments (JSON)."""

SETTINGS = Settings(limit_sends_per_minute=0, limit_queued_turns=0, limit_running_turns=0)


@dataclass(frozen=True)
class Acted:
    """A turn, and its calls as they were when it ended."""

    turn_id: UUID
    calls: list[ToolCall]

    @property
    def ids(self) -> tuple[UUID, ...]:
        return tuple(call.id for call in self.calls)


class Acting:
    """One user's conversation."""

    def __init__(self, database: Database, user: str) -> None:
        self.database = database
        self.user = user
        self.conversation_id: UUID | None = None

    async def does(self, *rounds: Does | list[Does]) -> Acted:
        """One turn: its calls, a round each, or those of a list in one round."""
        claimed = await self.begins()
        for number, calls in enumerate(rounds):
            await self.round(claimed, number, calls if isinstance(calls, list) else [calls])
        await self.ends(claimed, len(rounds))
        return Acted(claimed.turn.id, await self.calls(claimed.turn.id))

    async def asks(self) -> UUID:
        """A message whose turn stays QUEUED. The turn's id."""
        new = NewMessage("what was said", conversation_id=self.conversation_id)
        said = await self.database.work(self.user, lambda work: send(work, new, SETTINGS))
        self.conversation_id = said.conversation_id
        return said.turn_id

    async def begins(self) -> Claimed:
        """A turn that is RUNNING."""
        await self.asks()
        return await self.takes()

    async def takes(self) -> Claimed:
        """The conversation's next turn, RUNNING."""
        conversation_id = self.conversation_id
        assert conversation_id is not None
        claimed = await self.database.work(
            self.user, lambda work: claim(work, conversation_id, owner="test", lease_seconds=600, running_limit=0)
        )
        assert claimed is not None
        return claimed

    async def round(self, claimed: Claimed, number: int, asked: list[Does]) -> None:
        done = Round(
            user_id=self.user,
            turn_id=claimed.turn.id,
            number=number,
            text="",
            calls=[{"name": name, "arguments": orjson.dumps(dict(given)).decode()} for name, given in asked],
            finish_reason=FinishReason.STOP.value,
        )
        known = [NewCall(index, ToolName(name), TOOLS[name].operation) for index, (name, _) in enumerate(asked)]
        made = await self.database.work(
            self.user,
            lambda work: commit_round(
                work, claimed.lease, done, known, Spent(0, 0), message=claimed.message, understanding=None
            ),
        )
        for call in made.calls:
            await self.runs(claimed, call, done.calls[call.index]["arguments"])

    async def runs(self, claimed: Claimed, call: ToolCall, arguments: str) -> None:
        around = Surroundings(now=claimed.message.created_at, time_zone="Europe/Berlin", locale="en", shown=())
        await run_call(self.database, claimed.lease, call, arguments, around)

    async def ends(self, claimed: Claimed, rounds: int = 0) -> None:
        reply = Reply("Well.", "test", FinishReason.STOP, {"rounds": rounds}, None)
        conversation_id = claimed.turn.conversation_id
        await self.database.work(
            self.user, lambda work: complete(work, claimed.lease, reply, conversation_id=conversation_id)
        )

    async def calls(self, turn_id: UUID) -> list[ToolCall]:
        statement = rows_of(tool_calls).where(tool_calls.c.turn_id == turn_id)
        async with self.database.snapshot(self.user) as session:
            return await session.all(statement.order_by(tool_calls.c.round, tool_calls.c.index), ToolCall)

    async def adds(self, title: str = "Buy milk", **more: Any) -> Task:  # Any: fields of NewTask
        """A task of the user's own making."""
        return await self.database.work(self.user, lambda work: create_task(work, NewTask(title, **more), Actor.USER))

    async def undone(self) -> set[UUID]:
        """The calls that are marked as undone."""
        async with self.database.snapshot(self.user) as session:
            found = await session.all(rows_of(tool_calls), ToolCall)
        return {call.id for call in found if call.undone_at is not None}

    async def states(self) -> dict[UUID, dict[str, Any]]:
        """Every task, deleted ones too, as its revisions spell it."""
        async with self.database.snapshot(self.user) as session:
            found = await with_labels(session, await session.all(rows_of(tasks).order_by(tasks.c.id), Task))
        return {one.task.id: state(one.task, sorted(label.name for label in one.labels)) for one in found}

    async def everything(self) -> Everything:
        async with self.database.snapshot(self.user) as session:
            return Everything(
                await session.all(rows_of(tasks).order_by(tasks.c.id), Task),
                await session.all(rows_of(task_revisions).order_by(task_revisions.c.id), TaskRevision),
                await session.all(rows_of(tool_calls).order_by(tool_calls.c.id), ToolCall),
                await session.all(rows_of(turns).order_by(turns.c.number), Turn),
                await session.all(rows_of(change_log).order_by(change_log.c.seq), LoggedChange),
            )

    async def revisions(self, task_id: UUID) -> list[TaskRevision]:
        statement = rows_of(task_revisions).where(task_revisions.c.task_id == task_id)
        async with self.database.snapshot(self.user) as session:
            return await session.all(statement.order_by(task_revisions.c.version), TaskRevision)


@dataclass(frozen=True)
class Everything:
    """All of a user's rows that an undo could change."""

    tasks: list[Task]
    revisions: list[TaskRevision]
    calls: list[ToolCall]
    turns: list[Turn]
    log: list[LoggedChange]


def named(task: Task) -> str:
    """The task as a target of tools."""
    return to_global_id("Task", task.id)
