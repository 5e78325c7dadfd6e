"""The seam between the turn loop and whatever answers: values in, a stream of events out. Holds no provider."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from models.enums import FinishReason

MAX_CALLS: Final = 64
"""Calls of one round; what is asked for past that is dropped."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a provider offers it to a model: `schema` is the JSON schema of its parameters."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UserSaid:
    text: str


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A call the model asked for: `arguments` is its raw text, possibly broken JSON; `id` pairs it with its result."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class AssistantSaid:
    """One round of the assistant: its text (possibly empty) and its calls, in order."""

    text: str
    calls: tuple[ModelCall, ...] = ()


@dataclass(frozen=True, slots=True)
class CallResult:
    """The answer to one call: JSON text. `{"ok": true, ...}` or `{"ok": false, "error": {"code", "message"}}`."""

    call_id: str
    content: str


Item = UserSaid | AssistantSaid | CallResult


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything a provider gets: instructions, history as whole call/result pairs, and when and where the user is.

    `now` is an aware UTC instant, `time_zone` an IANA name, `locale` a BCP 47 tag, `context` the client's own JSON.
    The last user item is the message being answered; what follows it are the finished rounds of this turn. `retry`: it
    was answered before and another answer is asked for; where a call's result stands right before it, the items from
    the user item before are the same message with what its earlier attempts have done.
    """

    instructions: str
    items: Sequence[Item]
    now: datetime
    time_zone: str
    locale: str = "en"
    context: Mapping[str, Any] = field(default_factory=dict)
    retry: bool = False


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class CallReady:
    """A call whose name and arguments have arrived whole."""

    call: ModelCall


@dataclass(frozen=True, slots=True)
class UsageReported:
    """Tokens of this model call."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a stream that came to its end. ERROR: the model's provider withheld the rest of it."""

    reason: FinishReason


@dataclass(frozen=True, slots=True)
class Understood:
    """What a provider found in the user's message: an operation (CREATE, UPDATE, DELETE, SEARCH, CATEGORIZE or None),
    how sure it is (0..1) and the entities ({"kind", "text", "value"}). Optional, at most once a turn, before any text.
    """

    intent: str | None
    confidence: float
    entities: tuple[Mapping[str, Any], ...] = ()


ProviderEvent = TextDelta | CallReady | UsageReported | Finished | Understood


class ProviderFault(StrEnum):
    UNAVAILABLE = "UNAVAILABLE"  # unreachable, 5xx, cut stream
    RATE_LIMITED = "RATE_LIMITED"  # 429
    TIMEOUT = "TIMEOUT"  # no first byte, or silence in mid-stream
    REFUSED = "REFUSED"  # 4xx: wrong key, unknown model, bad request: no retry helps


class ProviderError(Exception):
    """The model call failed. `retry_after` is in seconds, where the endpoint named it. Safe to log, not to show."""

    def __init__(self, fault: ProviderFault, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.fault = fault
        self.retry_after = retry_after

    @property
    def retryable(self) -> bool:
        return self.fault is not ProviderFault.REFUSED


class Provider(Protocol):
    """`name` is what a message's metadata shows, e.g. "openai:gpt-5-mini" or "rules"."""

    @property
    def name(self) -> str: ...

    def stream(self, prompt: Prompt, tools: Sequence[ToolSpec]) -> AsyncGenerator[ProviderEvent, None]:
        """One model call. Raises ProviderError. Closing the iterator ends the call at once."""
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...
