"""Tokens, media types and origins are parsed, never searched for."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from core.errors import Unauthenticated
from graphql_api.transport.headers import (
    EVENTS,
    GRAPHQL_JSON,
    JSON,
    answer_type,
    bearer_of,
    bearer_token,
    origin_allowed,
)


@pytest.mark.parametrize("value", ["Bearer abc.d-e_f==", "bearer abc", "BEARER   abc"])
def test_a_bearer_token_is_read(value: str) -> None:
    assert bearer_token(value).startswith("abc")


@pytest.mark.parametrize("value", ["", "abc", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "Bearer a\n", "Bearer ä"])
def test_any_other_authorization_is_refused(value: str) -> None:
    with pytest.raises(Unauthenticated):
        bearer_token(value)


def test_the_token_comes_from_exactly_one_header() -> None:
    header = (b"authorization", b"Bearer abc")
    assert bearer_of({"type": "http", "headers": [header]}) == "abc"
    for headers in ([], [header, header], [(b"cookie", b"authorization=Bearer abc")]):
        with pytest.raises(Unauthenticated):
            bearer_of({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/html", JSON),
        ("application/json", JSON),
        ("application/graphql-response+json", GRAPHQL_JSON),
        ("application/graphql-response+json; charset=utf-8, application/json; q=0.9", GRAPHQL_JSON),
        ("application/json, application/graphql-response+json; q=0.5", JSON),
        ("application/graphql-response+json; q=0", JSON),
        ("application/graphql-response+json; q=nan", JSON),
        ("application/graphql-response+jsonx", JSON),
        ("text/event-stream", EVENTS),
        ("Text/Event-Stream; charset=utf-8, */*", EVENTS),
        ("application/json; q=0.5, text/event-stream", EVENTS),
        ("application/graphql-response+json, application/json, text/event-stream, multipart/mixed", GRAPHQL_JSON),
        ("text/event-stream; q=0", JSON),
    ],
)
def test_the_answer_type_follows_accept(accept: str, answered: str) -> None:
    assert answer_type(accept) == answered


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/event-stream; q=0", JSON),
        ("application/json, text/event-stream; q=0.1", EVENTS),
        ("text/event-stream, multipart/mixed", EVENTS),
    ],
)
def test_a_subscription_is_answered_in_events_wherever_they_are_taken(accept: str, answered: str) -> None:
    assert answer_type(accept, subscription=True) == answered


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://api.example", True),
        ("https://api.example", True),
        ("https://API.example:443", True),
        ("https://app.example", True),
        ("https://app.example:8443", False),
        ("http://app.example", False),
        ("http://api.example:8080", False),
        ("https://api.example.evil.example", False),
        ("https://evilapi.example", False),
        ("https://user@api.example", False),
        ("https://api.example/x", False),
        ("https://api.example:x", False),
        ("null", False),
        ("", False),
        ("ws://api.example", False),
    ],
)
def test_origins_are_the_servers_own_or_on_the_list(origin: str, allowed: bool) -> None:
    headers = Headers({"host": "api.example", "origin": origin})
    assert origin_allowed(headers, ["https://app.example"]) is allowed


def test_no_origin_is_no_browser_and_two_are_refused() -> None:
    assert origin_allowed(Headers({"host": "api.example"}), [])
    twice = Headers(raw=[(b"host", b"a"), (b"origin", b"http://a"), (b"origin", b"http://a")])
    assert not origin_allowed(twice, [])
