"""One answer of a Chat Completions endpoint, put together from its chunks: text made storable, calls made whole.

Endpoints that call themselves compatible differ in what they send; what is accepted here is said at each rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import orjson

from assistant.providers.base import (
    MAX_CALLS,
    CallReady,
    ModelCall,
    ProviderEvent,
    TextDelta,
    UsageReported,
)
from assistant.providers.openai_faults import from_error_object, unavailable
from models.enums import FinishReason

MAX_TEXT = 200_000  # code points
MAX_ARGUMENTS = 256_000  # code points of all calls' names and arguments together
_MAX_NAME = 128
_MAX_ID = 128
_MAX_TOKENS = 2**31 - 1  # what the database's integer holds
_SURROGATE = re.compile("[\ud800-\udfff]")
_LENGTH = frozenset({"length", "max_tokens"})
_FILTERED = "content_filter"
_CUT_SHORT = _LENGTH | {_FILTERED}
_BROKEN_OFF = frozenset({"error", "insufficient_system_resource"})


class AnswerTooLong(Exception):
    """The model ran past a bound: what arrived before stands, and reading stops."""


class StorableText:
    """Text as PostgreSQL takes it: no NUL, no lone surrogate. A pair may come in two pieces, so a high half that ends
    a piece is held back for the next."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be given out now."""
        if not self._held and piece.isascii() and "\0" not in piece:  # nearly always
            return piece
        text = self._held + piece
        self._held = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        return _storable(text)

    def end(self) -> str:
        """What was held and found no other half: U+FFFD, or nothing."""
        held, self._held = self._held, ""
        return _storable(held)


def _storable(text: str) -> str:
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "")


@dataclass(slots=True)
class _PendingCall:
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        return _storable("".join(self.pieces))

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are a JSON object; no beginning of one is."""
        return isinstance(parse_json(self.arguments.encode()), dict)


class Answer:
    """Feed it the data of each event. `finish_reason` is the endpoint's word once known, else None; `begun`
    says whether anything of an answer has been seen."""

    def __init__(self) -> None:
        self.begun = False
        self.finish_reason: str | None = None
        self._text = StorableText()
        self._text_size = 0
        self._arguments_size = 0
        self._calls: list[_PendingCall] = []
        self._by_index: dict[int, _PendingCall] = {}
        self._usage: UsageReported | None = None

    def feed(self, data: bytes, event: str = "message") -> Iterator[ProviderEvent]:
        """The text of one chunk, or of a whole answer that was not streamed.

        Raises ProviderError for an `error` object and for data that isn't a JSON object; AnswerTooLong past a bound.
        """
        chunk = parse_json(data)
        if not isinstance(chunk, dict):
            if self.finish_reason is not None:  # the answer is whole; what trails it may be torn
                return
            raise unavailable("sent an event that is not a JSON object")
        error = chunk.get("error") or (chunk if event == "error" else None)
        if error and self.finish_reason is None:
            raise from_error_object(error)
        if usage := chunk.get("usage"):
            self._usage = _usage(usage) or self._usage
        choices = chunk.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            self.begun = True
            yield from self._choice(choices[0])

    def end(self, reason: FinishReason) -> Iterator[ProviderEvent]:
        """The held text, the calls in the order in which they began, then usage.

        Where the answer was cut short, the calls that came whole are given and a torn one is left out.
        """
        if rest := self._text.end():
            yield TextDelta(rest)
        cut_short = reason is FinishReason.LENGTH or self.finish_reason in _CUT_SHORT
        for call in self._with_unique_ids():
            if call.is_whole or not cut_short:
                yield CallReady(ModelCall(call.id, _storable(call.name)[:_MAX_NAME], call.arguments))
        if self._usage is not None:
            yield self._usage

    def reason(self) -> FinishReason:
        """The endpoint's word in ours. Words nobody has heard of are a STOP."""
        if self.finish_reason == _FILTERED:
            return FinishReason.ERROR
        return FinishReason.LENGTH if self.finish_reason in _LENGTH else FinishReason.STOP

    def _choice(self, choice: dict[object, object]) -> Iterator[ProviderEvent]:
        body = choice.get("delta") or choice.get("message")
        if isinstance(body, dict):
            for content in (body.get("content"), body.get("refusal")):
                if content:
                    yield from self._say(_plain(content))
            if calls := body.get("tool_calls"):
                self._add_all(calls)
            if call := body.get("function_call"):  # how calls were sent before there were several
                self._add(0, None, call)
        finish = choice.get("finish_reason")
        if isinstance(finish, str) and finish:
            if finish in _BROKEN_OFF:
                raise unavailable("broke the answer off")
            self.finish_reason = finish

    def _say(self, piece: str) -> Iterator[ProviderEvent]:
        room = MAX_TEXT - self._text_size
        self._text_size += len(piece)
        if text := self._text.feed(piece[:room]):
            yield TextDelta(text)
        if len(piece) > room:
            raise AnswerTooLong

    def _add_all(self, calls: object) -> None:
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                self._add(call.get("index"), call.get("id"), call.get("function"))

    def _add(self, index: object, call_id: object, function: object) -> None:
        given_id = call_id if isinstance(call_id, str) and len(call_id) <= _MAX_ID else ""
        fields = function if isinstance(function, dict) else {}
        name, arguments = fields.get("name"), fields.get("arguments")
        name = name if isinstance(name, str) else ""
        if isinstance(arguments, dict):  # an object where JSON text belongs
            arguments = json.dumps(arguments, ensure_ascii=False)
        arguments = arguments if isinstance(arguments, str) else ""
        call = self._call_for(index if isinstance(index, int) else None, given_id, name)
        call.id = call.id or given_id
        call.name = call.name or name
        self._arguments_size += len(name) + len(arguments)
        if self._arguments_size > MAX_ARGUMENTS:
            raise AnswerTooLong
        if arguments:
            call.pieces.append(arguments)

    def _call_for(self, index: int | None, call_id: str, name: str) -> _PendingCall:
        """The call that a delta goes on with, or a new one.

        A known index goes on with its call, unless a name comes under another id: some endpoints send every call whole
        and under index 0. Without an index, a new id begins a call, and so does a name after whole arguments.
        """
        if index is not None:
            call = self._by_index.get(index)
            begins = call is None or bool(name and call_id and call.id and call_id != call.id)
        else:
            call = self._calls[-1] if self._calls else None
            begins = call is None or bool(call_id and call.id and call_id != call.id)
            begins = begins or bool(call and name and not call_id and (name != call.name or call.is_whole))
        if call is not None and not begins:
            return call
        if len(self._calls) == MAX_CALLS:
            raise AnswerTooLong
        call = _PendingCall()
        self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        return call

    def _with_unique_ids(self) -> Iterator[_PendingCall]:
        """Results are paired with calls by id, so each needs one of its own: made here for one that has none, or
        another call's."""
        seen: set[str] = set()
        for call in self._calls:
            call.id = _storable(call.id)
            if not call.id or call.id in seen:
                call.id = f"call_{uuid4().hex[:24]}"
            seen.add(call.id)
            yield call


def parse_json(data: bytes) -> object:
    """The value; None for `null` and for what isn't JSON. Half a surrogate pair, which orjson refuses, is let by."""
    try:
        value: object = orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            value = json.loads(data.decode("utf-8", "replace"), parse_constant=_refuse)
        except (ValueError, RecursionError):
            return None
    return value


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


def _plain(content: object) -> str:
    """Text content: a string, or a list of parts of which those with text count."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _usage(value: object) -> UsageReported | None:
    fields = value if isinstance(value, dict) else {}
    tokens = [fields.get("prompt_tokens"), fields.get("completion_tokens")]
    counts = [count for count in tokens if type(count) is int and 0 <= count <= _MAX_TOKENS]
    return UsageReported(*counts) if len(counts) == 2 else None
