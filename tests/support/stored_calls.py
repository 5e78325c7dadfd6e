"""Tool calls as they are stored, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from models.enums import OperationType, ToolCallStatus, ToolName
from models.turns import ToolCall

_CALL = ToolCall(
    user_id="user",
    id=UUID(int=1),
    conversation_id=UUID(int=2),
    message_id=UUID(int=3),
    turn_id=UUID(int=4),
    round=0,
    index=0,
    tool_name=ToolName.DELETE_TASK,
    operation=OperationType.DELETE,
    input_text="delete milk",
    parameters={"task": "milk"},
    status=ToolCallStatus.COMPLETED,
    answer=None,
    total_count=None,
    error_code=None,
    error_message=None,
    created_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
    asked_at=None,
    decided_at=None,
    decision_reason=None,
    executed_at=None,
    undone_at=None,
    version=1,
)


def stored_call(**fields: Any) -> ToolCall:
    """A finished deletion, but for the fields given."""
    return replace(_CALL, **fields)
