"""What a scripted model answers: rounds as values, and their bytes on the wire of Chat Completions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

JsonObject = dict[str, Any]  # Any: JSON of any shape, as it stands on the wire


class Fault(StrEnum):
    """How a round goes wrong. A hang goes on as if nothing had been once the model is told to release it."""

    HANG_BEFORE_HEADERS = "HANG_BEFORE_HEADERS"
    HANG_BEFORE_FIRST_BYTE = "HANG_BEFORE_FIRST_BYTE"  # headers come, the body doesn't
    HANG_MID_STREAM = "HANG_MID_STREAM"  # after the text, before calls and finish
    CUT_MID_TEXT = "CUT_MID_TEXT"  # the connection closes inside the last text event
    CUT_MID_CALL = "CUT_MID_CALL"  # the connection closes half way through the last call's arguments
    END_EARLY = "END_EARLY"  # a body that ends in good form after the text, without finish_reason or [DONE]
    GARBAGE = "GARBAGE"  # after the text, an event that is no JSON
    NOT_STREAMED = "NOT_STREAMED"  # plain JSON in answer to a request for a stream


@dataclass(frozen=True)
class Call:
    """A tool call. `arguments` given as text are sent as they are, broken JSON included."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)  # Any: JSON values
    id: str | None = None  # made from the request's number and the call's place when None

    @property
    def arguments_text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(dict(self.arguments))


class Hold:
    """Stands in a round's parts where the server stops until released."""


@dataclass(frozen=True)
class Round:
    """One answer. `text` is sent a delta a piece, and stops at a Hold until released; `usage` is (input, output)
    tokens; `finish_reason` None picks "tool_calls" or "stop". With a `status` other than 200 only `headers` and `error`
    are sent. `raw` is sent as the whole body in place of all else; `piece` breaks the body into writes of so many
    bytes."""

    text: Sequence[str | Hold] = ()
    calls: Sequence[Call] = ()
    usage: tuple[int, int] | None = (12, 7)
    finish_reason: str | None = None
    done: bool = True
    fault: Fault | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=lambda: {"message": "scripted failure", "type": "scripted"})
    raw: bytes | None = None
    piece: int | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Round:
        """A round written in JSON, with these fields' names; `text` may be one string. Raises TypeError for others."""
        fields = dict(value)
        if isinstance(fields.get("text"), str):
            fields["text"] = [fields["text"]]
        fields["calls"] = tuple(Call(**call) for call in fields.get("calls", ()))
        if fields.get("fault") is not None:
            fields["fault"] = Fault(fields["fault"])
        if isinstance(fields.get("raw"), str):
            fields["raw"] = fields["raw"].encode()
        if fields.get("usage") is not None:
            fields["usage"] = tuple(fields["usage"])
        return cls(**fields)


class Hangup:
    """Stands in a round's parts where the server closes the connection, the body unfinished."""


Part = bytes | Hold | Hangup


def stream_parts(round_: Round, number: int, model: str) -> Iterator[Part]:
    """The body of a streamed answer, an event a part, with the places where it stops. `number` makes ids differ."""
    if round_.raw is not None:
        yield round_.raw
        return
    if round_.fault is Fault.HANG_BEFORE_FIRST_BYTE:
        yield Hold()
    yield _event(number, model, {"role": "assistant", "content": ""})
    yield from _text_parts(round_, number, model)
    if round_.fault is Fault.HANG_MID_STREAM:
        yield Hold()
    if round_.fault is Fault.END_EARLY:
        return
    if round_.fault is Fault.GARBAGE:
        yield b"data: {not json at all\n\n"
    yield from _call_parts(round_, number, model)
    yield _event(number, model, {}, _finish_reason(round_))
    if round_.usage is not None:
        yield _data({**_head(number, model), "choices": [], "usage": _usage(round_.usage)})
    if round_.done:
        yield b"data: [DONE]\n\n"


def whole_answer(round_: Round, number: int, model: str) -> bytes:
    """The same answer as one JSON object."""
    text = "".join(piece for piece in round_.text if isinstance(piece, str))
    message: JsonObject = {"role": "assistant", "content": text or None}
    if round_.calls:
        message["tool_calls"] = [_call(call, number, place) for place, call in enumerate(round_.calls)]
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(round_)}
    answer: JsonObject = {**_head(number, model), "object": "chat.completion", "choices": [choice]}
    if round_.usage is not None:
        answer["usage"] = _usage(round_.usage)
    return json.dumps(answer).encode()


def _text_parts(round_: Round, number: int, model: str) -> Iterator[Part]:
    for place, piece in enumerate(round_.text, 1):
        if isinstance(piece, Hold):
            yield piece
            continue
        event = _event(number, model, {"content": piece})
        if round_.fault is Fault.CUT_MID_TEXT and place == len(round_.text):
            yield event[: len(event) // 2]
            yield Hangup()
        yield event


def _call_parts(round_: Round, number: int, model: str) -> Iterator[Part]:
    """Each call as endpoints send it: id and name first, then the arguments in two deltas."""
    for place, call in enumerate(round_.calls):
        whole = _call(call, number, place)
        arguments = whole["function"]["arguments"]
        opening = {**whole, "index": place, "function": {"name": call.name, "arguments": ""}}
        yield _event(number, model, {"tool_calls": [opening]})
        half = len(arguments) // 2
        for piece in (arguments[:half], arguments[half:]):
            yield _event(number, model, {"tool_calls": [{"index": place, "function": {"arguments": piece}}]})
            if round_.fault is Fault.CUT_MID_CALL and place == len(round_.calls) - 1:
                yield Hangup()


def _call(call: Call, number: int, place: int) -> JsonObject:
    function = {"name": call.name, "arguments": call.arguments_text}
    return {"id": call.id or f"call_{number}_{place}", "type": "function", "function": function}


def _event(number: int, model: str, delta: Mapping[str, object], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return _data({**_head(number, model), "choices": [choice]})


def _data(value: Mapping[str, object]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _head(number: int, model: str) -> JsonObject:
    return {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1, "model": model}


def _finish_reason(round_: Round) -> str:
    return round_.finish_reason or ("tool_calls" if round_.calls else "stop")


def _usage(usage: tuple[int, int]) -> JsonObject:
    return {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
