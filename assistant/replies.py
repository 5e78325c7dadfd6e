"""What a turn says at its end beside the model's own words. Every fact comes from what its calls have done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from assistant import closing
from assistant.choices import asked_about, choices_of, choices_of_reply
from assistant.claims import proven
from assistant.closing import with_notes
from assistant.interpreter import phrases
from assistant.interpreter.phrases import Viewpoint
from assistant.progress import Progress
from assistant.providers.base import ProviderError
from models.enums import FinishReason, OperationType, ToolCallStatus
from models.turns import ToolCall
from services.turns import Reply

PASSED_OVER: Final = "I left that undone, since you went on to something else."
STOPPED: Final = "(Stopped.)"
BUILT_IN: Final = "rules"
"""The model that is named where the server itself speaks."""


def final(progress: Progress, view: Viewpoint) -> Reply:
    """The reply of a turn that came to its end."""
    text = closing.whole(progress, view)
    if not progress.history.goes_on:  # what earlier attempts have done may be spoken of
        text = proven(text, progress.calls)
    return _reply(progress, view, text, FinishReason(progress.rounds[-1].finish_reason))


def broken_off(progress: Progress, error: ProviderError, view: Viewpoint) -> Reply:
    """The reply of a turn whose model was lost after some of its calls had completed."""
    return _reply(progress, view, closing.broken_off(progress, error, view), FinishReason.ERROR)


def _reply(progress: Progress, view: Viewpoint, text: str, reason: FinishReason) -> Reply:
    return Reply(
        text=text,
        model=progress.provider.name,
        finish_reason=reason,
        raw={"rounds": len(progress.rounds), "fallback": progress.fell_back},
        shown=asked_about(progress.calls) or progress.shown,
        choices=choices_of(progress.calls, view) or _choices_of_text(progress, text),
    )


def _choices_of_text(progress: Progress, text: str) -> Sequence[Mapping[str, Any]]:
    """The way out of what the built-in interpreter asks by itself."""
    return choices_of_reply(text) if progress.provider.name == BUILT_IN else ()


def stopped(text: str, calls: Sequence[ToolCall], view: Viewpoint, model: str | None, *, asked: bool = False) -> Reply:
    """The reply of a turn that its user stopped: its text so far, and what it had done by then.

    `asked`: the text ends with a question to the user, which is over as well.
    """
    done = told(written(calls), view)
    line = f"(Stopped. Done before that: {done})" if done else STOPPED if asked or not text else ""
    return Reply(with_notes(text, line), model, FinishReason.CANCELLED, {"stopped": True}, shown=None)


def passed_over(draft: str) -> Reply:
    """The reply of a turn whose question got no answer: its user said something else."""
    return Reply(with_notes(draft, PASSED_OVER), BUILT_IN, FinishReason.STOP, {"passedOver": True}, shown=None)


def answered(calls: Sequence[ToolCall], view: Viewpoint, titles: Mapping[UUID, Sequence[str]]) -> Reply:
    """The reply to a yes or a no: what came of the calls that it decided; `titles` are of the tasks of each call."""
    decided = [call for call in calls if call.decided_at is not None]
    text = told(decided, view, titles) or "Nothing was changed."
    return Reply(text, BUILT_IN, FinishReason.STOP, {"answer": True}, shown=None, choices=choices_of(decided, view))


def told(
    calls: Sequence[ToolCall], view: Viewpoint, titles: Mapping[UUID, Sequence[str]] = MappingProxyType({})
) -> str:
    """What came of these calls, in words; those that haven't run yet say nothing."""
    came = [closing.outcome_of(call, titles.get(call.id, ())) for call in calls if call.answer is not None]
    return phrases.answer(came, view)


def written(calls: Sequence[ToolCall]) -> list[ToolCall]:
    """The calls that changed something."""
    return [
        call for call in calls if call.status == ToolCallStatus.COMPLETED and call.operation != OperationType.SEARCH
    ]
