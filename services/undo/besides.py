"""What calls change besides tasks: labels and settings, noted with the call that did, and put back from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert, select

from core.errors import DomainError, ErrorCode
from core.unit_of_work import UnitOfWork
from models.base import columns_of
from models.enums import ChangeKind, ToolName, WeekStart
from models.tasks import Label
from models.turns import ToolCall, call_changes
from models.users import Settings
from services.labels import bearers, bring_back, delete_label, label_by_id, name_key, update_label
from services.users import read_settings, update_settings

BEARERS: Final = 1000
"""Tasks that may bear a label which a call deletes: they are noted, and as many as any step may change."""

NOTING: Final = frozenset({ToolName.UPDATE_LABEL, ToolName.DELETE_LABEL, ToolName.UPDATE_SETTINGS, ToolName.UNDO})
"""The tools whose calls may have changed something besides tasks."""

State = Mapping[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Beside:
    """A label or the settings, before and after; None: there was no such label. `entity_id` is the label's."""

    kind: ChangeKind
    entity_id: UUID | None
    before: State | None
    after: State | None


def label_state(label: Label, task_ids: Sequence[UUID] = ()) -> State:
    """A label as it is noted, with the tasks that bear it where it goes."""
    told = {"name": label.name, "color": label.color, "version": label.version}
    return {**told, "taskIds": [str(task_id) for task_id in task_ids]} if task_ids else told


def settings_state(settings: Settings) -> State:
    """What calls may change of the settings."""
    at = settings.default_due_time
    return {
        "timeZone": settings.time_zone,
        "locale": settings.locale,
        "weekStart": settings.week_start,
        "defaultDueTime": at.isoformat() if at else None,
    }


async def note(work: UnitOfWork, call_id: UUID, changes: Sequence[Beside]) -> None:
    """Keep what the call changed; what is as before isn't kept. Once a call."""
    kept = [one for one in changes if one.before != one.after]
    rows = [
        {**columns_of(one), "user_id": work.user_id, "tool_call_id": call_id, "position": position}
        for position, one in enumerate(kept)
    ]
    if rows:
        await work.execute(insert(call_changes).values(rows))


async def remove_label(work: UnitOfWork, label: Label) -> Beside:
    """Delete a label so that it can be brought back. Raises DomainError INVALID where too many tasks bear it."""
    borne = await bearers(work, label.id, BEARERS + 1)
    if len(borne) > BEARERS:
        message = f"More than {BEARERS:,} tasks bear “{label.name}”: that is too many to be taken back."
        raise DomainError(ErrorCode.INVALID, message, node=("Label", label.id))
    await delete_label(work, label.id)
    return Beside(ChangeKind.LABEL, label.id, label_state(label, borne), None)


async def put_back(work: UnitOfWork, calls: Sequence[ToolCall], by: UUID | None) -> None:
    """What these calls changed besides tasks is as it was before, the first of them first; noted with the call `by`.

    Raises DomainError NOT_UNDOABLE where something has changed since.
    """
    call_ids = [call.id for call in calls if call.tool_name in NOTING]
    if not call_ids:
        return
    statement = select(call_changes).where(
        call_changes.c.user_id == work.user_id, call_changes.c.tool_call_id.in_(call_ids)
    )
    found = [row._mapping for row in await work.execute(statement)]
    order = {call_id: place for place, call_id in enumerate(call_ids)}
    done = []
    for row in sorted(found, key=lambda row: (order[row["tool_call_id"]], -row["position"])):
        beside = Beside(ChangeKind(row["kind"]), row["entity_id"], row["before"], row["after"])
        done.append(await (_settings(work, beside) if beside.entity_id is None else _label(work, beside)))
    if by is not None:
        await note(work, by, done)


async def _settings(work: UnitOfWork, noted: Beside) -> Beside:
    assert noted.before is not None, "there always are settings"
    assert noted.after is not None, "and they stay"
    present = settings_state(await read_settings(work))
    for name, value in noted.after.items():
        if value != noted.before[name] and present[name] != value:
            message = f"Your settings can't be put back as they were: {name} has changed since."
            raise DomainError(ErrorCode.NOT_UNDOABLE, message)
    former = {name: value for name, value in noted.before.items() if value != noted.after[name]}
    wanted = {**present, **former}
    at = wanted["defaultDueTime"]
    await update_settings(
        work,
        time_zone=wanted["timeZone"],
        locale=wanted["locale"],
        week_start=WeekStart(wanted["weekStart"]),
        default_due_time=time.fromisoformat(at) if at else None,
    )
    return Beside(ChangeKind.SETTINGS, None, present, wanted)


async def _label(work: UnitOfWork, noted: Beside) -> Beside:
    assert noted.entity_id is not None, "it is a label's"
    present = await label_by_id(work, noted.entity_id)
    if noted.after is None:
        assert noted.before is not None, "a label went"
        if present is not None:
            raise _changed(noted)
        return await _back(work, noted, noted.before)
    if present is None or (present.name, present.color) != (noted.after["name"], noted.after["color"]):
        raise _changed(noted)
    if noted.before is None:
        live = await bearers(work, present.id, BEARERS + 1, deleted=False)
        if {str(task_id) for task_id in live} - set(noted.after.get("taskIds", ())):
            raise _changed(noted)
        return await remove_label(work, present)
    try:
        now = await update_label(work, present.id, name=noted.before["name"], color=noted.before["color"])
    except DomainError as error:
        raise _changed(noted) from error
    return Beside(ChangeKind.LABEL, present.id, label_state(present), label_state(now))


async def _back(work: UnitOfWork, noted: Beside, before: State) -> Beside:
    assert noted.entity_id is not None, "it is a label's"
    gone = Label(
        user_id=work.user_id,
        id=noted.entity_id,
        name=before["name"],
        name_key=name_key(before["name"]),
        color=before["color"],
        version=before["version"] + 1,
        idempotency_key=None,
        idempotency_digest=None,
    )
    try:
        await bring_back(work, gone, [UUID(task_id) for task_id in before.get("taskIds", ())])
    except DomainError as error:
        raise _changed(noted) from error
    return Beside(ChangeKind.LABEL, gone.id, None, {**label_state(gone), "taskIds": before.get("taskIds", ())})


def _changed(noted: Beside) -> DomainError:
    named = noted.after or noted.before or {}
    message = f"The label “{named.get('name')}” can't be put back as it was: labels have changed since."
    node = None if noted.entity_id is None else ("Label", noted.entity_id)
    return DomainError(ErrorCode.NOT_UNDOABLE, message, node=node)
