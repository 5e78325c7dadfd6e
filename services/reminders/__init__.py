"""Reminders: fired once each by the database's clock, and put off. When a task reminds is `services.tasks`' to say."""

from services.reminders.firing import fire
from services.reminders.snoozing import SNOOZE_LIMIT, last_reminded, snooze
from services.reminders.telling import Told, told

__all__ = ["SNOOZE_LIMIT", "Told", "fire", "last_reminded", "snooze", "told"]
