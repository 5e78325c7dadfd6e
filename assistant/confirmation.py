"""Which calls of a round wait for their user's word, and asking for it: their tasks are found and kept with a version.

DESTRUCTIVE holds back every deletion; BULK_DESTRUCTIVE the deletions of a round that together delete two tasks or more,
and the changes of one that together change ten or more; ALWAYS every call that writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from assistant.calls import Surroundings, context_of, read_arguments, refuse, stored_parameters, tool_of
from assistant.interpreter.withholding import Planned
from assistant.tools.base import Tool, ToolFailure
from assistant.tools.finding import shown_places
from core.errors import DomainError, ErrorCode
from core.unit_of_work import Session, UnitOfWork
from models.enums import ConfirmPolicy, OperationType
from models.turns import ToolCall
from services import tool_calls
from services.tasks import get_tasks
from services.tool_calls import Target

DELETIONS: Final = 2
CHANGES: Final = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A PENDING call with the text of its arguments as the model wrote it."""

    call: ToolCall
    arguments: str


@dataclass(frozen=True, slots=True)
class Weight:
    """How many existing tasks a call deletes and changes at most; `writes`: whether it changes anything at all.

    `changes` is None where only the database can tell.
    """

    deletes: int = 0
    changes: int | None = 0
    writes: bool = False


def weigh(asked: Asked, shown: int) -> Weight:
    """The weight of a call by what it says. One whose parameters don't validate has none: it fails at once.

    `shown` is how many tasks "them" means.
    """
    tool = tool_of(asked.call)
    if tool.operation is OperationType.SEARCH:
        return Weight()
    try:
        parameters = read_arguments(tool, asked.arguments)
    except ValueError:
        return Weight()
    if tool.destructive or getattr(parameters, "subtasks", None) == "COMPLETE":  # subtasks go along
        return _said(tool)
    if tool.affected is None:
        return Weight(writes=True)
    if (named := getattr(parameters, "tasks", None)) is not None:
        return Weight(changes=sum(len(shown_places(words, shown)) or 1 for words in named), writes=True)
    return Weight(changes=1 if hasattr(parameters, "task") else None, writes=True)


async def weigh_found(work: UnitOfWork, asked: Asked, surroundings: Surroundings) -> Weight:
    """The weight of a call that doesn't say itself how many tasks it changes."""
    tool = tool_of(asked.call)
    try:
        targets = await find_targets(work, asked, read_arguments(tool, asked.arguments), surroundings)
    except (ToolFailure, DomainError):
        return _said(tool)  # it fails by itself when it runs
    if tool.destructive:
        return Weight(deletes=len(targets) or 1, writes=True)  # what it deletes may be no task
    return Weight(changes=len(targets), writes=True)


def _said(tool: Tool) -> Weight:
    return Weight(deletes=int(tool.destructive), changes=None, writes=True)


def held_back(policy: ConfirmPolicy, weights: Mapping[UUID, Weight]) -> set[UUID]:
    """The ids of the calls of one round that wait, by the weights of all calls of it that write."""
    if policy is ConfirmPolicy.NEVER:
        return set()
    if policy is ConfirmPolicy.ALWAYS:
        return {call_id for call_id, weight in weights.items() if weight.writes}
    deleting = {call_id for call_id, weight in weights.items() if weight.deletes}
    if policy is ConfirmPolicy.DESTRUCTIVE:
        return deleting
    held: set[UUID] = set()
    if sum(weight.deletes for weight in weights.values()) >= DELETIONS:
        held |= deleting
    if sum(weight.changes or 0 for weight in weights.values()) >= CHANGES:
        held |= {call_id for call_id, weight in weights.items() if weight.changes}
    return held


async def ask_for(work: UnitOfWork, asked: Asked, surroundings: Surroundings) -> ToolCall:
    """Let a call wait, with the tasks it would change; FAILED where these can't be told. The call as it then is."""
    call = asked.call
    parameters = read_arguments(tool_of(call), asked.arguments)  # it had a weight, so it validates
    try:
        targets = await find_targets(work, asked, parameters, surroundings)
    except ToolFailure as failure:
        return await refuse(work, call, failure.code, failure.message, failure.answer())
    except DomainError as failure:
        return await refuse(work, call, failure.code, failure.message)
    waiting = await tool_calls.ask(work, call, stored_parameters(parameters), targets)
    assert waiting is not None, "the fence keeps it PENDING for this worker"
    return waiting


async def find_targets(
    work: UnitOfWork, asked: Asked, parameters: BaseModel, surroundings: Surroundings
) -> list[Target]:
    """The tasks that the call would change, with the versions that they have now. Raises ToolFailure or DomainError."""
    tool = tool_of(asked.call)
    if tool.affected is None:
        return []
    found = await tool.affected(context_of(work, asked.call, surroundings), parameters)
    tasks = {task.id: task for task in await get_tasks(work, found, deleted=True)}
    if any(task_id not in tasks for task_id in found):
        raise ToolFailure(ErrorCode.NOT_FOUND, "A task that this would change is gone.")
    return [Target(task_id, tasks[task_id].version) for task_id in found]


async def described(work: Session, calls: Sequence[ToolCall]) -> list[Planned]:
    """What waiting calls would do, for the question to their user."""
    named = {call.id: [target.task_id for target in await tool_calls.targets_of(work, call.id)] for call in calls}
    found = await get_tasks(work, [task_id for ids in named.values() for task_id in ids], deleted=True)
    titles = {task.id: task.title for task in found}
    return [
        Planned(call.tool_name, call.parameters, tuple(titles[one] for one in named[call.id] if one in titles))
        for call in calls
    ]
