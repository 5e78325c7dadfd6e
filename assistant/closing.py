"""What a reply says where the model left it unsaid: it was silent, or broke off after some of its calls had run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from assistant.interpreter import outcomes, phrases
from assistant.progress import Progress
from assistant.providers.base import ProviderError, ProviderFault
from models.conversations import MESSAGE_LIMIT
from models.enums import FinishReason, ToolCallStatus
from models.turns import ToolCall
from services.turns import joined

FALLBACK_NOTE: Final = "(The model can't be reached just now, so the built-in interpreter answered.)"

_SILENT: Final = {
    FinishReason.ERROR: "The model's provider withheld its answer.",
    FinishReason.LENGTH: "The model's answer was cut off before it began.",
}
_NOTHING: Final = "I have nothing to say to that."
_BROKEN_OFF: Final = {
    ProviderFault.UNAVAILABLE: "The model couldn't be reached any more after that, so the answer ends here.",
    ProviderFault.RATE_LIMITED: "The model was too busy to go on after that, so the answer ends here.",
    ProviderFault.TIMEOUT: "The model didn't answer in time after that, so the answer ends here.",
    ProviderFault.REFUSED: "The model refused to go on after that, so the answer ends here.",
}


def completed(calls: Sequence[ToolCall]) -> list[ToolCall]:
    """Those of the calls that did what they were to do."""
    return [call for call in calls if call.status == ToolCallStatus.COMPLETED]


def said_of(calls: Sequence[ToolCall], view: phrases.Viewpoint) -> str:
    """What completed calls did, from their results; empty where none completed."""
    return phrases.answer([outcome_of(call) for call in completed(calls)], view)


def outcome_of(call: ToolCall, titles: Sequence[str] = ()) -> outcomes.Outcome:
    """What a stored call came to. `titles` are of the tasks that it is about, where its result tells of none."""
    came = outcomes.outcome_of(call.tool_name, call.parameters, call.answer or {})
    return came if came.tasks else replace(came, tasks=tuple(outcomes.Shown(None, title) for title in titles))


def whole(progress: Progress, view: phrases.Viewpoint) -> str:
    """The reply of a turn that came to its end."""
    text = progress.text
    if not text:
        reason = FinishReason(progress.rounds[-1].finish_reason)
        said = (said_of(progress.calls, view), _SILENT.get(reason, ""))
        text = joined(said) or _NOTHING
    return with_notes(text, FALLBACK_NOTE) if progress.fell_back else text


def broken_off(progress: Progress, error: ProviderError, view: phrases.Viewpoint) -> str:
    """The reply of a turn whose model was lost after some of its calls had completed: what they did stands in it."""
    return with_notes(progress.text, said_of(progress.calls, view), _BROKEN_OFF[error.fault])


def with_notes(text: str, *notes: str) -> str:
    """The text with notes below it. Where a message can't hold both, the text gives way."""
    below = joined(notes)
    return joined((text[: max(0, MESSAGE_LIMIT - len(below) - 2)], below))
