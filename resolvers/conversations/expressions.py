"""What the database computes beside a conversation, a message, a turn or a call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, literal, null, select

from models.conversations import conversations, messages
from models.enums import InactiveReason, ToolCallStatus, TurnStatus
from models.tasks import task_revisions
from models.turns import drafts, tool_call_tasks, tool_calls, turns
from resolvers.fields import Expr, Scope
from services.conversations import is_active


def _active(scope: Scope) -> ColumnElement[bool]:
    return is_active(scope.settings.conversation_idle_seconds, scope.now)


def _inactive_reason(scope: Scope) -> ColumnElement[Any]:
    return case(
        (conversations.c.closed_at.is_not(None), InactiveReason.CLOSED.value),
        (_active(scope), null()),
        else_=InactiveReason.IDLE.value,
    )


def _idle_expires_at(scope: Scope) -> ColumnElement[Any]:
    idle = scope.settings.conversation_idle_seconds
    if not idle:
        return null()
    expires = conversations.c.last_activity_at + timedelta(seconds=idle)
    return case((conversations.c.closed_at.is_(None), expires), else_=null())


def _active_turn(_: Scope) -> ColumnElement[Any]:
    live = [status.value for status in TurnStatus if not status.ended]
    first = case(
        (turns.c.status == TurnStatus.RUNNING.value, 0), (turns.c.status == TurnStatus.QUEUED.value, 2), else_=1
    )
    return (
        select(turns.c.id)
        .where(
            turns.c.user_id == conversations.c.user_id,
            turns.c.conversation_id == conversations.c.id,
            turns.c.status.in_(live),
        )
        .order_by(first, turns.c.number)
        .limit(1)
        .scalar_subquery()
    )


def _message_turn(_: Scope) -> ColumnElement[Any]:
    """The turn that wrote it, or the newest that answers it."""
    newest = (
        select(turns.c.id)
        .where(turns.c.user_id == messages.c.user_id, turns.c.message_id == messages.c.id)
        .order_by(turns.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(messages.c.turn_id, newest)


def _asked_by(_: Scope) -> ColumnElement[Any]:
    """The user's message that a message belongs to: itself, or what it answers."""
    answered = (
        select(turns.c.message_id)
        .where(turns.c.user_id == messages.c.user_id, turns.c.id == messages.c.turn_id)
        .scalar_subquery()
    )
    return func.coalesce(answered, messages.c.id)


def _message_facts(_: Scope) -> ColumnElement[Any]:
    """What was found in a user's message is known later than the message, so it is read from its newest turn."""
    found = (
        select(
            func.jsonb_build_object(
                "intent", turns.c.intent, "confidence", turns.c.confidence, "entities", turns.c.entities
            )
        )
        .where(turns.c.user_id == messages.c.user_id, turns.c.message_id == messages.c.id)
        .order_by(turns.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    own = func.jsonb_build_object(
        "model", messages.c.model, "finish_reason", messages.c.finish_reason, "raw", messages.c.raw
    )
    return own.op("||")(func.coalesce(found, func.jsonb_build_object()))


def _draft(_: Scope) -> ColumnElement[Any]:
    reply = (
        select(messages.c.content)
        .where(messages.c.user_id == turns.c.user_id, messages.c.id == turns.c.reply_id)
        .scalar_subquery()
    )
    saved = (
        select(drafts.c.text)
        .where(drafts.c.user_id == turns.c.user_id, drafts.c.turn_id == turns.c.id, drafts.c.attempt == turns.c.attempt)
        .scalar_subquery()
    )
    return func.coalesce(reply, saved, literal(""))


def _can_undo(_: Scope) -> ColumnElement[Any]:
    wrote = exists().where(
        task_revisions.c.user_id == tool_calls.c.user_id, task_revisions.c.tool_call_id == tool_calls.c.id
    )
    return exists().where(
        tool_calls.c.user_id == turns.c.user_id,
        tool_calls.c.turn_id == turns.c.id,
        tool_calls.c.status == ToolCallStatus.COMPLETED.value,
        tool_calls.c.undone_at.is_(None),
        wrote,
    )


def _only_task(_: Scope) -> ColumnElement[Any]:
    """The task of a call that touches exactly one."""
    touched = (
        select(case((func.count() == 1, func.min(tool_call_tasks.c.task_id.cast(_TEXT))), else_=null()))
        .where(tool_call_tasks.c.user_id == tool_calls.c.user_id, tool_call_tasks.c.tool_call_id == tool_calls.c.id)
        .scalar_subquery()
    )
    return touched.cast(tool_calls.c.id.type)


_TEXT = messages.c.content.type

ACTIVE = ("active", _active)
INACTIVE_REASON = ("why_inactive", _inactive_reason)
IDLE_EXPIRES_AT = ("idle_expires", _idle_expires_at)
DRAFT = ("draft_text", _draft)
CAN_UNDO = ("undoable", _can_undo)
MESSAGE_FACTS = ("facts", _message_facts)
ACTIVE_TURN = Expr("active_turn_id", _active_turn)
MESSAGE_TURN = Expr("newest_turn_id", _message_turn)
ASKED_BY = Expr("asked_by_id", _asked_by)
ONLY_TASK = Expr("only_task_id", _only_task)
