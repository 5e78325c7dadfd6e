"""Tasks: making, changing, reading them, and the revisions that each change leaves. Nothing here commits."""

from services.tasks.changing import (
    delete_task,
    delete_tasks,
    reopen_task,
    reopen_tasks,
    restore_task,
    restore_tasks,
    update_task,
    update_tasks,
)
from services.tasks.completing import complete_task, complete_tasks, completed_with, skip_occurrence
from services.tasks.creating import adopt_task, create_task, plan_task
from services.tasks.filters import Days, DueBucket, Span, TaskFilter, bucket_days, task_conditions
from services.tasks.finding import Candidates, candidates
from services.tasks.listing import TaskQuery, list_tasks
from services.tasks.moving import ListEnd, Place, move_task
from services.tasks.reading import LIST_LIMIT, LabelledTask, deleted_tasks, get_task, get_tasks, with_labels
from services.tasks.values import NewTask, TaskPatch
from services.tasks.writing import check_unchanged

__all__ = [
    "LIST_LIMIT",
    "Candidates",
    "Days",
    "DueBucket",
    "LabelledTask",
    "ListEnd",
    "NewTask",
    "Place",
    "Span",
    "TaskFilter",
    "TaskPatch",
    "TaskQuery",
    "adopt_task",
    "bucket_days",
    "candidates",
    "check_unchanged",
    "complete_task",
    "complete_tasks",
    "completed_with",
    "create_task",
    "delete_task",
    "delete_tasks",
    "deleted_tasks",
    "get_task",
    "get_tasks",
    "list_tasks",
    "move_task",
    "plan_task",
    "reopen_task",
    "reopen_tasks",
    "restore_task",
    "restore_tasks",
    "skip_occurrence",
    "task_conditions",
    "update_task",
    "update_tasks",
    "with_labels",
]
