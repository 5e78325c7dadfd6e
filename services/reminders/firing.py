"""Firing a reminder: the mark on the task, the change log's entry and the webhook's job commit together."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, text

from core.statements import prepared
from core.unit_of_work import Change, UnitOfWork
from models.enums import ChangeKind
from models.tasks import PENDING_REMINDER, REMINDER

_FIRE: Final = prepared(
    text(
        f"UPDATE tasktalk.tasks SET reminded_for = {REMINDER} WHERE user_id = :user_id AND id = :id"  # noqa: S608 - ours
        f" AND {REMINDER} <= clock_timestamp() AND {PENDING_REMINDER} RETURNING {REMINDER}"
    ).bindparams(bindparam("user_id", type_=Text), bindparam("id", type_=Uuid))
)
_DELIVER: Final = prepared(
    text("SELECT tasktalk.deliver(:id, :reminder)").bindparams(
        bindparam("id", type_=Uuid), bindparam("reminder", type_=DateTime(timezone=True))
    )
)


async def fire(work: UnitOfWork, task_id: UUID, *, webhook: bool = False) -> bool:
    """Fire the task's reminder if it is due and wasn't fired; whether it was fired now.

    Of several that try, one finds it so: the statement waits for the row's lock and then looks again. With `webhook` it
    is told to that as well.
    """
    reminder: Any = await work.value(_FIRE, id=task_id)  # Any: an instant, or None
    if reminder is None:
        return False
    work.record(Change(kind=ChangeKind.REMINDER, entity_id=task_id))
    if webhook:
        await work.run(_DELIVER, id=task_id, reminder=reminder)
    return True
