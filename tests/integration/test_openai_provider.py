"""The openai provider against a real HTTP server: every way an endpoint answers, and every way it fails."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import orjson
import pytest

from assistant.providers.base import (
    AssistantSaid,
    CallReady,
    CallResult,
    Finished,
    Item,
    ModelCall,
    Prompt,
    Provider,
    ProviderError,
    ProviderEvent,
    ProviderFault,
    TextDelta,
    ToolSpec,
    UsageReported,
    UserSaid,
)
from assistant.providers.openai import OpenAIProvider, Timeouts
from assistant.providers.openai_answer import MAX_ARGUMENTS, MAX_CALLS, MAX_TEXT
from core import clock
from core.errors import ConfigurationError
from models.enums import FinishReason
from tests.support.scripted_model import Call, Fault, Round, ScriptedModel, last_user_message

KEY = "sk-secret-key-of-this-test"
NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
ADD_TASK = ToolSpec("add_task", "Adds a task.", {"type": "object", "properties": {"title": {"type": "string"}}})


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel() as running:
        yield running


def prompt_of(*items: Item) -> Prompt:
    return Prompt("Be brief.", items or (UserSaid("the user's private words"),), NOW, "Europe/Berlin")


async def ask(
    model: ScriptedModel, *items: Item, tools: tuple[ToolSpec, ...] = (), timeouts: Timeouts | None = None
) -> list[ProviderEvent]:
    provider = OpenAIProvider(KEY, model.base_url, "scripted", timeouts=timeouts)
    try:
        return [event async for event in provider.stream(prompt_of(*items), tools)]
    finally:
        await provider.aclose()


async def fault_of(model: ScriptedModel, round_: Round, timeouts: Timeouts | None = None) -> ProviderError:
    model.then(round_)
    with pytest.raises(ProviderError) as caught:
        await ask(model, timeouts=timeouts)
    error = caught.value
    assert KEY not in str(error)
    assert "private words" not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    return error


def text_of(events: list[ProviderEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def calls_of(events: list[ProviderEvent]) -> list[ModelCall]:
    return [event.call for event in events if isinstance(event, CallReady)]


def body_of(*deltas: Mapping[str, object], finish: str | None = "stop", done: bool = True) -> bytes:
    """A stream of these deltas, for answers that the scripted rounds are too well-behaved to give."""
    choices: list[Mapping[str, object]] = [{"index": 0, "delta": delta} for delta in deltas]
    if finish:
        choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    events = [b"data: " + orjson.dumps({"choices": [choice]}) + b"\n\n" for choice in choices]
    return b"".join(events) + (b"data: [DONE]\n\n" if done else b"")


# What is sent


async def test_a_request_carries_the_prompt_the_tools_and_the_key(model: ScriptedModel) -> None:
    model.then(Round(text=["ok"]))
    said = AssistantSaid("On it.", (ModelCall("c1", "add_task", '{"title": "Milk"}'),))
    await ask(
        model, UserSaid("add milk"), said, CallResult("c1", '{"ok": true}'), UserSaid("thanks"), tools=(ADD_TASK,)
    )

    assert model.headers[0]["authorization"] == f"Bearer {KEY}"
    assert model.requests == [
        {
            "model": "scripted",
            "stream": True,
            "stream_options": {"include_usage": True},
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "add_task",
                        "description": "Adds a task.",
                        "parameters": {"type": "object", "properties": {"title": {"type": "string"}}},
                    },
                }
            ],
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "add milk"},
                {
                    "role": "assistant",
                    "content": "On it.",
                    "tool_calls": [
                        {
                            "id": "c1",
                            "type": "function",
                            "function": {"name": "add_task", "arguments": '{"title": "Milk"}'},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": '{"ok": true}'},
                {"role": "user", "content": "thanks"},
            ],
        }
    ]


async def test_tools_are_left_out_when_there_are_none(model: ScriptedModel) -> None:
    model.then(Round(text=["ok"]))
    await ask(model)
    assert "tools" not in model.requests[0]


@pytest.mark.parametrize("arguments", ['{"title": ', "", "[1]", '"text"', '{"a": NaN}'])
async def test_history_sends_no_arguments_that_an_endpoint_refuses(model: ScriptedModel, arguments: str) -> None:
    model.then(Round(text=["ok"]))
    call = ModelCall("c1", "no such tool!" + "x" * 100, arguments)
    await ask(model, UserSaid("hi"), AssistantSaid("", (call,)), CallResult("c1", '{"ok": false}'), AssistantSaid(""))

    assistant = model.requests[0]["messages"][2]
    assert assistant["content"] is None
    assert assistant["tool_calls"][0]["function"] == {"name": "no_such_tool_" + "x" * 51, "arguments": "{}"}
    assert len(model.requests[0]["messages"]) == 4


async def test_an_endpoint_without_keys_is_asked_with_an_empty_one(model: ScriptedModel) -> None:
    model.then(Round(text=["ok"]))
    provider = OpenAIProvider("", model.base_url, "local")
    events = [event async for event in provider.stream(prompt_of(), ())]
    await provider.aclose()
    assert text_of(events) == "ok"


# Good answers


async def test_text_comes_piece_by_piece_with_usage_before_the_finish(model: ScriptedModel) -> None:
    model.then(Round(text=["Hello", ", ", "Grüße \U0001f600"], usage=(30, 5)))
    assert await ask(model) == [
        TextDelta("Hello"),
        TextDelta(", "),
        TextDelta("Grüße \U0001f600"),
        UsageReported(30, 5),
        Finished(FinishReason.STOP),
    ]


async def test_the_first_text_arrives_while_the_model_is_still_speaking(model: ScriptedModel) -> None:
    model.then(Round(text=["early"], calls=[Call("add_task", {"title": "Milk"})], fault=Fault.HANG_MID_STREAM))
    provider: Provider = OpenAIProvider(KEY, model.base_url, "scripted")
    events = provider.stream(prompt_of(), (ADD_TASK,))
    assert await anext(events) == TextDelta("early")
    await model.held()
    model.release()
    rest = [event async for event in events]
    await provider.aclose()
    assert calls_of(rest) == [ModelCall("call_1_0", "add_task", '{"title": "Milk"}')]
    assert rest[-1] == Finished(FinishReason.STOP)


async def test_several_calls_come_whole_and_in_order(model: ScriptedModel) -> None:
    model.then(
        Round(text=["Two."], calls=[Call("add_task", {"title": "Ä"}, id="a"), Call("add_task", '{"title": ', id="b")])
    )
    events = await ask(model, tools=(ADD_TASK,))
    assert calls_of(events) == [
        ModelCall("a", "add_task", '{"title": "\\u00c4"}'),
        ModelCall("b", "add_task", '{"title": '),  # broken JSON is the loop's to answer
    ]
    assert events[-1] == Finished(FinishReason.STOP)


@pytest.mark.parametrize("piece", [1, 2, 3, 7])
async def test_writes_of_any_size_give_the_same_answer(model: ScriptedModel, piece: int) -> None:
    model.then(Round(raw=body_of({"content": "Grüße "}, {"content": "\U0001f600"}), piece=piece))
    assert text_of(await ask(model)) == "Grüße \U0001f600"


async def test_the_provider_names_its_model_and_serves_many_calls_over_one_connection(model: ScriptedModel) -> None:
    model.then(*[Round(text=[str(number)]) for number in range(5)])
    provider = OpenAIProvider(KEY, model.base_url, "gpt-test")
    said = [text_of([event async for event in provider.stream(prompt_of(), ())]) for _ in range(5)]
    await provider.aclose()
    assert provider.name == "openai:gpt-test"
    assert said == ["0", "1", "2", "3", "4"]
    assert model.connections == 1


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("tool_calls", FinishReason.STOP),
        ("function_call", FinishReason.STOP),
        ("content_filter", FinishReason.ERROR),
        ("length", FinishReason.LENGTH),
        ("max_tokens", FinishReason.LENGTH),
        ("something_new", FinishReason.STOP),
    ],
)
async def test_finish_reasons(model: ScriptedModel, word: str, reason: FinishReason) -> None:
    model.then(Round(text=["so far"], finish_reason=word, usage=None))
    assert await ask(model) == [TextDelta("so far"), Finished(reason)]


# Endpoints that are only nearly compatible


async def test_no_end_mark_after_the_finish(model: ScriptedModel) -> None:
    model.then(Round(text=["all"], usage=None, done=False))
    assert await ask(model) == [TextDelta("all"), Finished(FinishReason.STOP)]


async def test_an_end_mark_without_a_finish(model: ScriptedModel) -> None:
    model.then(Round(raw=body_of({"content": "all"}, finish=None)))
    assert await ask(model) == [TextDelta("all"), Finished(FinishReason.STOP)]


async def test_an_end_mark_without_a_last_line_end(model: ScriptedModel) -> None:
    model.then(Round(raw=body_of({"content": "all"}).rstrip()))
    assert await ask(model) == [TextDelta("all"), Finished(FinishReason.STOP)]


async def test_a_finished_answer_stands_though_its_tail_is_torn(model: ScriptedModel) -> None:
    model.then(Round(raw=body_of({"content": "all"}, done=False) + b'data: {"choices":[],"usa'))
    assert await ask(model) == [TextDelta("all"), Finished(FinishReason.STOP)]


async def test_a_plain_json_answer_to_a_request_for_a_stream(model: ScriptedModel) -> None:
    model.then(Round(text=["Whole"], calls=[Call("add_task", {"title": "Milk"})], fault=Fault.NOT_STREAMED))
    assert await ask(model) == [
        TextDelta("Whole"),
        CallReady(ModelCall("call_1_0", "add_task", '{"title": "Milk"}')),
        UsageReported(12, 7),
        Finished(FinishReason.STOP),
    ]


def call_delta(arguments: object, **fields: object) -> Mapping[str, object]:
    name = fields.pop("name", None)
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    return {"tool_calls": [{**fields, "function": function}]}


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        pytest.param(
            [call_delta('{"a":', id="x", name="f"), call_delta("1}"), call_delta("{}", id="y", name="g")],
            [("x", "f", '{"a":1}'), ("y", "g", "{}")],
            id="no index",
        ),
        pytest.param(
            [call_delta("{}", name="f"), call_delta('{"a":1}', name="f"), call_delta("{}", name="g")],
            [("", "f", "{}"), ("", "f", '{"a":1}'), ("", "g", "{}")],
            id="neither index nor id",
        ),
        pytest.param(
            [call_delta("{}", index=0, id="x", name="f"), call_delta("{}", index=0, id="y", name="f")],
            [("x", "f", "{}"), ("y", "f", "{}")],
            id="every call under index 0",
        ),
        pytest.param(
            [call_delta('{"a":', index=0, id="", name="f"), call_delta("1}", index=0, id="")],
            [("", "f", '{"a":1}')],
            id="empty id",
        ),
        pytest.param(
            [call_delta('{"a":', index=0, id="x", name="f"), call_delta("1}", index=0, id="x", name="f")],
            [("x", "f", '{"a":1}')],
            id="id and name again in every delta",
        ),
        pytest.param(
            [call_delta('{"a":', index=0, id="x", name="f"), call_delta("1}", index=0, id="other")],
            [("x", "f", '{"a":1}')],
            id="another id in every delta",
        ),
        pytest.param(
            [
                call_delta("{", index=0, id="x", name="f"),
                call_delta("{", index=1, id="y", name="g"),
                call_delta("}", index=0),
                call_delta("}", index=1),
            ],
            [("x", "f", "{}"), ("y", "g", "{}")],
            id="interleaved",
        ),
        pytest.param(
            [call_delta("{}", index=0, id="x", name="f"), call_delta("{}", index=1, id="x", name="g")],
            [("x", "f", "{}"), ("", "g", "{}")],
            id="one id twice",
        ),
        pytest.param(
            [call_delta({"a": 1}, index=0, id="x", name="f")], [("x", "f", '{"a": 1}')], id="arguments as object"
        ),
        pytest.param([call_delta(None, index=0, id="x", name="f")], [("x", "f", "")], id="null arguments"),
        pytest.param(
            [{"function_call": {"name": "f", "arguments": "{"}}, {"function_call": {"arguments": "}"}}],
            [("", "f", "{}")],
            id="the older function_call",
        ),
        pytest.param([{"tool_calls": [None, 3, {"function": "no"}]}], [("", "", "")], id="not even objects"),
    ],
)
async def test_calls_however_they_are_sent(
    model: ScriptedModel, deltas: list[Mapping[str, object]], expected: list[tuple[str, str, str]]
) -> None:
    """An empty id here stands for one that was made."""
    model.then(Round(raw=body_of(*deltas, finish="tool_calls")))
    calls = calls_of(await ask(model))
    assert [(call.name, call.arguments) for call in calls] == [(name, arguments) for _, name, arguments in expected]
    for call, (expected_id, _, _) in zip(calls, expected, strict=True):
        assert call.id == expected_id if expected_id else call.id.startswith("call_")
    assert len({call.id for call in calls}) == len(calls)


async def test_content_in_parts_and_refusals_are_text(model: ScriptedModel) -> None:
    parts = [{"type": "text", "text": "One"}, {"type": "image"}, {"type": "text", "text": " two"}]
    model.then(Round(raw=body_of({"content": parts}, {"content": None, "refusal": " no"})))
    assert text_of(await ask(model)) == "One two no"


async def test_text_and_arguments_are_storable(model: ScriptedModel) -> None:
    raw = (
        b'data: {"choices":[{"delta":{"content":"a\\u0000b\\ud83d"}}]}\n\n'
        b'data: {"choices":[{"delta":{"content":"\\ude00 \\udead \\ud83d"}}]}\n\n'
        b'data: {"choices":[{"delta":{"tool_calls":[{"id":"x\\u0000","function":{"name":"f\\ud83d",'
        b'"arguments":"{\\"a\\": \\"\\u0000\\udead\\"}"}}]}}]}\n\n'
        b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    )
    model.then(Round(raw=raw))
    events = await ask(model)
    assert text_of(events) == "ab\U0001f600 \ufffd \ufffd"
    assert calls_of(events) == [ModelCall("x", "f\ufffd", '{"a": "\ufffd"}')]


@pytest.mark.parametrize("usage", [{"prompt_tokens": -1, "completion_tokens": 1}, {"prompt_tokens": True}, [], "many"])
async def test_usage_that_makes_no_sense_is_not_reported(model: ScriptedModel, usage: object) -> None:
    model.then(
        Round(raw=b"data: " + orjson.dumps({"choices": [], "usage": usage}) + b"\n\n" + body_of({"content": "a"}))
    )
    assert await ask(model) == [TextDelta("a"), Finished(FinishReason.STOP)]


# Bounds


async def test_text_past_its_bound_ends_with_length(model: ScriptedModel) -> None:
    model.then(Round(text=["x" * 70_000] * 4))
    events = await ask(model)
    assert len(text_of(events)) == MAX_TEXT
    assert events[-1] == Finished(FinishReason.LENGTH)


async def test_arguments_past_their_bound_end_with_length_and_the_whole_calls(model: ScriptedModel) -> None:
    big = {"title": "x" * (MAX_ARGUMENTS + 10)}
    model.then(Round(calls=[Call("add_task", {"title": "ok"}, id="a"), Call("add_task", big, id="b")]))
    events = await ask(model)
    assert [call.id for call in calls_of(events)] == ["a"]
    assert events[-1] == Finished(FinishReason.LENGTH)


async def test_too_many_calls_end_with_length(model: ScriptedModel) -> None:
    model.then(Round(calls=[Call("add_task", {"title": "x"})] * (MAX_CALLS + 1)))
    events = await ask(model)
    assert len(calls_of(events)) == MAX_CALLS
    assert events[-1] == Finished(FinishReason.LENGTH)


async def test_an_event_past_its_bound_ends_with_length(model: ScriptedModel) -> None:
    model.then(Round(text=["before"], calls=[Call("add_task", {"title": "x" * 4_000_000})]))
    events = await ask(model)
    assert events == [TextDelta("before"), Finished(FinishReason.LENGTH)]


async def test_an_endless_body_that_is_no_answer_is_a_fault(model: ScriptedModel) -> None:
    assert (await fault_of(model, Round(raw=b"<html>" * 400_000))).fault is ProviderFault.UNAVAILABLE


# Faults


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (400, ProviderFault.REFUSED),
        (401, ProviderFault.REFUSED),
        (403, ProviderFault.REFUSED),
        (404, ProviderFault.REFUSED),
        (422, ProviderFault.REFUSED),
        (408, ProviderFault.TIMEOUT),
        (409, ProviderFault.UNAVAILABLE),
        (429, ProviderFault.RATE_LIMITED),
        (500, ProviderFault.UNAVAILABLE),
        (502, ProviderFault.UNAVAILABLE),
        (503, ProviderFault.UNAVAILABLE),
    ],
)
async def test_statuses(model: ScriptedModel, status: int, fault: ProviderFault) -> None:
    telling = {"message": f"your key {KEY} and 'the user's private words'", "code": KEY, "type": KEY}
    error = await fault_of(model, Round(status=status, error=telling))
    assert error.fault is fault
    assert error.retryable is (fault is not ProviderFault.REFUSED)
    assert str(status) in str(error)
    assert len(model.requests) == 1  # nobody retried behind the loop's back


async def test_an_empty_account_is_not_worth_a_retry(model: ScriptedModel) -> None:
    error = await fault_of(model, Round(status=429, error={"code": "insufficient_quota", "message": "pay"}))
    assert error.fault is ProviderFault.REFUSED
    assert "insufficient_quota" in str(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After-Ms": "1500", "Retry-After": "9"}, 1.5),
        ({"Retry-After-Ms": "soon", "Retry-After": "9"}, 9.0),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=40), usegmt=True)}, 40.0),
        ({"Retry-After": format_datetime(NOW - timedelta(seconds=40), usegmt=True)}, 0.0),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "in a while"}, None),
        ({}, None),
    ],
)
async def test_the_wait_that_a_limit_names(
    model: ScriptedModel, headers: dict[str, str], seconds: float | None
) -> None:
    with clock.set_to(NOW):
        error = await fault_of(model, Round(status=429, headers=headers))
    assert error.fault is ProviderFault.RATE_LIMITED
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        ({"code": "rate_limit_exceeded"}, ProviderFault.RATE_LIMITED),
        ({"code": 429}, ProviderFault.RATE_LIMITED),
        ({"code": "408"}, ProviderFault.TIMEOUT),
        ({"type": "invalid_request_error", "code": None}, ProviderFault.REFUSED),
        ({"code": "context_length_exceeded"}, ProviderFault.REFUSED),
        ({"type": "server_error"}, ProviderFault.UNAVAILABLE),
        ({"type": "overloaded_error"}, ProviderFault.UNAVAILABLE),
        ({"code": KEY, "message": KEY}, ProviderFault.UNAVAILABLE),
        (f"the key {KEY}", ProviderFault.UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("streamed", [True, False])
async def test_an_error_inside_the_answer(
    model: ScriptedModel, error: object, fault: ProviderFault, streamed: bool
) -> None:
    text = orjson.dumps({"error": error})
    raw = body_of({"content": "so far"}, finish=None, done=False) + b"data: " + text + b"\n\n" if streamed else text
    assert (await fault_of(model, Round(raw=raw))).fault is fault


async def test_an_error_event_without_an_error_object(model: ScriptedModel) -> None:
    raw = b'event: error\ndata: {"message": "x", "code": 429}\n\n'
    assert (await fault_of(model, Round(raw=raw))).fault is ProviderFault.RATE_LIMITED


@pytest.mark.parametrize("fault", [Fault.CUT_MID_TEXT, Fault.CUT_MID_CALL, Fault.END_EARLY, Fault.GARBAGE])
async def test_an_answer_that_breaks_off_is_no_answer(model: ScriptedModel, fault: Fault) -> None:
    error = await fault_of(model, Round(text=["some", "text"], calls=[Call("add_task", {"title": "x"})], fault=fault))
    assert error.fault is ProviderFault.UNAVAILABLE


@pytest.mark.parametrize(
    "raw", [b"", b"\n\n", b"<html>no</html>", b"data: <html>\n\n", b"{}", b"{", b"data: [1]\n\n", b"\xff\x00\xfe" * 99]
)
async def test_garbage_is_no_answer(model: ScriptedModel, raw: bytes) -> None:
    assert (await fault_of(model, Round(raw=raw))).fault is ProviderFault.UNAVAILABLE


@pytest.mark.parametrize("word", ["error", "insufficient_system_resource"])
async def test_a_finish_that_says_it_failed(model: ScriptedModel, word: str) -> None:
    error = await fault_of(model, Round(text=["some"], finish_reason=word))
    assert error.fault is ProviderFault.UNAVAILABLE


@pytest.mark.parametrize("fault", [Fault.HANG_BEFORE_HEADERS, Fault.HANG_BEFORE_FIRST_BYTE])
async def test_no_first_byte_times_out(model: ScriptedModel, fault: Fault) -> None:
    error = await fault_of(model, Round(text=["some"], fault=fault), Timeouts(first_byte=0.1))
    assert error.fault is ProviderFault.TIMEOUT
    assert "0.1 s" in str(error)


async def test_silence_in_mid_stream_times_out_and_closes_the_connection(model: ScriptedModel) -> None:
    round_ = Round(text=["some"], fault=Fault.HANG_MID_STREAM)
    error = await fault_of(model, round_, Timeouts(silence=0.1))
    assert error.fault is ProviderFault.TIMEOUT
    assert "0.1 s" in str(error)
    await model.client_left()


async def test_a_finished_answer_does_not_wait_long_for_its_end_mark(model: ScriptedModel) -> None:
    async def never_closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body_of({"content": "all"}, done=False)
        )
        await reader.read()  # to the end: until the client leaves
        writer.close()

    server = await asyncio.start_server(never_closes, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    provider = OpenAIProvider(KEY, f"http://127.0.0.1:{port}/v1", "m", timeouts=Timeouts(tail=0.05))
    events = [event async for event in provider.stream(prompt_of(), ())]
    await provider.aclose()
    server.close()
    await server.wait_closed()
    assert events == [TextDelta("all"), Finished(FinishReason.STOP)]


async def test_nobody_listens() -> None:
    with socket.socket() as taken:  # bound and not listening: connections are refused, and nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        provider = OpenAIProvider(KEY, f"http://127.0.0.1:{taken.getsockname()[1]}/v1", "m")
        with pytest.raises(ProviderError) as caught:
            [event async for event in provider.stream(prompt_of(), ())]
        await provider.aclose()
    assert caught.value.fault is ProviderFault.UNAVAILABLE


async def test_closing_the_iterator_closes_the_call_at_once(model: ScriptedModel) -> None:
    model.then(Round(text=["some"], fault=Fault.HANG_MID_STREAM))
    provider = OpenAIProvider(KEY, model.base_url, "scripted")
    async with aclosing(provider.stream(prompt_of(), ())) as events:
        assert await anext(events) == TextDelta("some")
        await model.held()
    await model.client_left()
    await provider.aclose()


@pytest.mark.parametrize("fault", [Fault.HANG_BEFORE_HEADERS, Fault.HANG_BEFORE_FIRST_BYTE, Fault.HANG_MID_STREAM])
async def test_cancelling_the_task_closes_the_call_at_once(model: ScriptedModel, fault: Fault) -> None:
    model.then(Round(text=["some"], fault=fault), Round(text=["again"]))
    provider = OpenAIProvider(KEY, model.base_url, "scripted")

    async def consume() -> list[ProviderEvent]:
        return [event async for event in provider.stream(prompt_of(), ())]

    task = asyncio.create_task(consume())
    await model.held()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await model.client_left()
    assert text_of(await consume()) == "again"  # and the client is as good as before
    await provider.aclose()


@pytest.mark.parametrize(
    ("key", "url", "named"),
    [
        ("sk-a\n", "http://127.0.0.1/v1", "OPENAI_API_KEY"),
        ("schlüssel", "http://127.0.0.1/v1", "OPENAI_API_KEY"),
        ("two words", "http://127.0.0.1/v1", "OPENAI_API_KEY"),
        ("sk-a", "127.0.0.1/v1", "OPENAI_BASE_URL"),
        ("sk-a", "ftp://127.0.0.1/v1", "OPENAI_BASE_URL"),
        ("sk-a", "http://", "OPENAI_BASE_URL"),
        ("sk-a", "http://127.0.0.1:port/v1", "OPENAI_BASE_URL"),
    ],
)
def test_a_key_or_url_that_cannot_be_used_is_named_and_not_shown(key: str, url: str, named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OpenAIProvider(key, url, "m")
    assert named in caught.value.message
    assert key not in caught.value.message
    assert url not in caught.value.message


# The scripted model itself


async def test_a_script_may_answer_by_what_the_user_said() -> None:
    def script(request: dict[str, object]) -> Round:
        return Round(text=[last_user_message(request).upper()])

    async with ScriptedModel(script=script) as model:
        assert text_of(await ask(model, UserSaid("hello"))) == "HELLO"


async def test_a_request_beyond_the_script_fails_the_test() -> None:
    async def ask_once_too_often() -> None:
        async with ScriptedModel(Round(text=["only"])) as model:
            await ask(model)
            with pytest.raises(ProviderError):
                await ask(model, UserSaid("and more?"))

    with pytest.raises(AssertionError, match="and more"):
        await ask_once_too_often()


def test_the_scripted_model_runs_by_hand(tmp_path: Path) -> None:
    script = tmp_path / "rounds.json"
    rounds = [
        {"text": "first", "usage": [3, 4]},
        {"calls": [{"name": "add_task", "arguments": {"title": "Milk"}}]},
        {"status": 503, "headers": {"Retry-After": "1"}},
    ]
    script.write_bytes(orjson.dumps(rounds))
    command = [sys.executable, "-m", "tests.support.scripted_model", "--port", "0", "--script", str(script)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            asyncio.run(_ask_by_hand(url))
        finally:
            server.terminate()


async def _ask_by_hand(url: str) -> None:
    provider = OpenAIProvider(KEY, url, "m")
    first = [event async for event in provider.stream(prompt_of(), ())]
    assert first == [TextDelta("first"), UsageReported(3, 4), Finished(FinishReason.STOP)]
    assert calls_of([event async for event in provider.stream(prompt_of(), ())])[0].arguments == '{"title": "Milk"}'
    with pytest.raises(ProviderError) as caught:
        [event async for event in provider.stream(prompt_of(), ())]
    assert caught.value.retry_after == 1.0
    assert text_of([event async for event in provider.stream(prompt_of(), ())]) == "first"
    await provider.aclose()
