"""The event-stream parser, and the answer put together behind it, whatever the borders between chunks."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.providers.base import CallReady, ModelCall, ProviderEvent, TextDelta, UsageReported
from assistant.providers.openai_answer import Answer, StorableText
from assistant.providers.sse import EventTooLarge, ServerEvent, SseParser
from models.enums import FinishReason

MIB = 1024 * 1024
UNTIMED = settings(deadline=None, database=None)  # a busy machine is no failure, and nothing is left in the tree

# As an endpoint sent it, with all that may stand in a stream: comments, a raw and an escaped emoji, a surrogate pair
# whose halves come in two deltas, two calls whose arguments come in pieces, usage after the finish.
RECORDED = (
    b": keep-alive\n\n"
    b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":"Gr\xc3\xbc\xc3\x9fe \xf0\x9f\x98\x80 "}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}\n\n'
    b"event: ping\n: another comment\n\n"
    b'data: {"choices":[{"index":0,"delta":{"content":"\\ude00b"}}]}\n\n'
    b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function",'
    b'"function":{"name":"add_task","arguments":""}}]}}]}\n\n'
    b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":'
    b'{"arguments":"{\\"title\\": \\"\\ud83d"}}]}}]}\n\n'
    b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\\ude00\\"}"}}]}}]}\n\n'
    b'data: {"choices":[{"delta":{"tool_calls":[{"index":1,"id":"c2","type":"function",'
    b'"function":{"name":"list_tasks","arguments":"{}"}}]}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n'
    b'data: {"choices":[],\ndata: "usage":{"prompt_tokens":9,"completion_tokens":4}}\n\n'
    b"data: [DONE]\n\n"
)
SAID = "Grüße \U0001f600 a\U0001f600b"
CALLS = [
    CallReady(ModelCall("c1", "add_task", '{"title": "\U0001f600"}')),
    CallReady(ModelCall("c2", "list_tasks", "{}")),
    UsageReported(9, 4),
]


def events_of(*chunks: bytes) -> list[ServerEvent]:
    parser = SseParser(MIB)
    found = [event for chunk in chunks for event in parser.feed(chunk)]
    return found + parser.end()


def answer_to(chunks: list[bytes]) -> tuple[str, list[ProviderEvent]]:
    """The joined text and what followed it."""
    answer = Answer()
    said: list[ProviderEvent] = []
    for event in events_of(*chunks):
        if event.data != b"[DONE]":
            said.extend(answer.feed(event.data, event.event))
    said.extend(answer.end(answer.reason()))
    text = "".join(event.text for event in said if isinstance(event, TextDelta))
    return text, [event for event in said if not isinstance(event, TextDelta)]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_one_border_at_every_place_of_a_recorded_stream_changes_nothing(line_end: bytes) -> None:
    stream = RECORDED.replace(b"\n", line_end)
    whole = events_of(stream)
    assert len(whole) == 11
    for place in range(len(stream) + 1):
        assert events_of(stream[:place], stream[place:]) == whole, place
    assert answer_to([stream]) == (SAID, CALLS)


@UNTIMED
@given(st.lists(st.integers(0, len(RECORDED)), max_size=40), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_borders_give_the_same_answer(places: list[int], line_end: bytes) -> None:
    stream = RECORDED.replace(b"\n", line_end)
    borders = [0, *sorted(places), len(stream)]
    chunks = [stream[start:end] for start, end in itertools.pairwise(borders)]
    assert answer_to(chunks) == (SAID, CALLS)


def test_a_byte_at_a_time_gives_the_same_answer() -> None:
    assert answer_to([bytes([byte]) for byte in RECORDED.replace(b"\n", b"\r\n")]) == (SAID, CALLS)


@UNTIMED
@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(stream: bytes) -> None:
    assert events_of(stream) == events_of(*[stream[place : place + 1] for place in range(len(stream))])


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\ndata: b\n\n", [ServerEvent(b"a\nb")]),
        (b"data:a\n\n", [ServerEvent(b"a")]),
        (b"data:  a\n\n", [ServerEvent(b" a")]),
        (b"data\n\n", [ServerEvent(b"")]),
        (b"event: error\ndata: x\n\ndata: y\n\n", [ServerEvent(b"x", "error"), ServerEvent(b"y")]),
        (b"event: lonely\n\ndata: x\n\n", [ServerEvent(b"x")]),
        (b"id: 7\nretry: 10\nunknown: 1\ndata: x\n\n", [ServerEvent(b"x")]),
        (b"\xef\xbb\xbfdata: x\n\n", [ServerEvent(b"x")]),
        (b": only a comment\n\n\n\n", []),
        (b"data: x\n\ndata: no end", [ServerEvent(b"x"), ServerEvent(b"no end")]),
        (b"data: x\r\n\r\ndata: y\r\r", [ServerEvent(b"x"), ServerEvent(b"y")]),
    ],
)
def test_lines_are_read_as_the_standard_says(stream: bytes, expected: list[ServerEvent]) -> None:
    assert events_of(stream) == expected


@pytest.mark.parametrize("chunks", [[b"data: " + b"x" * 100], [b"data: xxxxx\n"] * 20, [b"data: "] + [b"x"] * 100])
def test_an_event_past_its_bound_is_refused(chunks: list[bytes]) -> None:
    parser = SseParser(max_event=60)

    def feed_all() -> None:
        for chunk in chunks:
            parser.feed(chunk)

    with pytest.raises(EventTooLarge):
        feed_all()


def test_the_bound_is_of_one_event_and_not_of_the_stream() -> None:
    parser = SseParser(max_event=60)
    assert sum(len(parser.feed(b"data: " + b"x" * 40 + b"\n\n")) for _ in range(100)) == 100


@UNTIMED
@given(st.lists(st.text(st.characters(), max_size=6), max_size=8))
def test_text_in_any_pieces_comes_out_whole_and_storable(pieces: list[str]) -> None:
    text = StorableText()
    said = "".join([*map(text.feed, pieces), text.end()])
    said.encode("utf-8")  # raises where half a pair is left
    whole = StorableText()
    assert said == whole.feed("".join(pieces)) + whole.end()
    assert "\0" not in said


@UNTIMED
@given(st.text(max_size=20), st.data())
def test_a_surrogate_pair_may_be_split_anywhere(text: str, data: st.DataObject) -> None:
    units = text.encode("utf-16-le")
    halves = [chr(int.from_bytes(units[place : place + 2], "little")) for place in range(0, len(units), 2)]
    border = data.draw(st.integers(0, len(halves)))
    joined = StorableText()
    said = joined.feed("".join(halves[:border])) + joined.feed("".join(halves[border:])) + joined.end()
    assert said == text.replace("\0", "")


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["a\ud83d"], "a\ufffd"),
        (["\ude00a"], "\ufffda"),
        (["\ud83d", "a"], "\ufffda"),
        (["\ud83d", "", "\ude00"], "\U0001f600"),
        (["a\0b"], "ab"),
    ],
)
def test_lone_halves_become_the_replacement_character(pieces: list[str], expected: str) -> None:
    text = StorableText()
    assert "".join([*map(text.feed, pieces), text.end()]) == expected


def test_calls_cut_off_by_the_length_are_left_out() -> None:
    answer = Answer()
    deltas = (
        b'{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"add_task","arguments":"{}"}}]}}]}',
        b'{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"add_task","arguments":"{\\"t"}}]}}]}',
        b'{"choices":[{"delta":{},"finish_reason":"length"}]}',
    )
    for delta in deltas:
        assert list(answer.feed(delta)) == []
    assert answer.reason() is FinishReason.LENGTH
    assert list(answer.end(answer.reason())) == [CallReady(ModelCall("a", "add_task", "{}"))]
