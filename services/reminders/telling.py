"""What is told of a reminder outside: the content of a webhook's delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from core.ids import to_global_id
from core.unit_of_work import Session
from services.tasks.reading import get_task
from services.tasks.revisions import instant


@dataclass(frozen=True, slots=True)
class Told:
    """`reminder` is the instant that it was set for."""

    reminder: datetime
    content: Mapping[str, Any]  # Any: JSON


async def told(session: Session, task_id: UUID, reminder: str) -> Told | None:
    """A fired reminder as JSON, its task as it is now; None where the task is gone. `reminder` is in ISO 8601."""
    task = await get_task(session, task_id)
    if task is None:
        return None
    at = datetime.fromisoformat(reminder).astimezone(UTC)
    content = {
        "type": "reminder.due",
        "userId": session.user_id,
        "reminder": instant(at),
        "task": {
            "id": to_global_id("Task", task.id),
            "title": task.title,
            "isCompleted": task.completed_at is not None,
            "dueDate": task.due_date.isoformat() if task.due_date else None,
            "dueAt": instant(task.due_at),
            "timeZone": task.time_zone,
            "version": task.version,
            "deletedAt": instant(task.deleted_at),
        },
    }
    return Told(at, content)
