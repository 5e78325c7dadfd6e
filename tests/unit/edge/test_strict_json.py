"""JSON is read strictly, and the parameters of a request are checked."""

from __future__ import annotations

import pytest

from core.errors import RequestError
from graphql_api.transport.body import BadJson, request_parameters, strict_json


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"{}x",
        b"{'a':1}",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":1,"\\u0061":2}',
        b"NaN",
        b'{"a":Infinity}',
        b"-Infinity",
        b"1e999",
        b"1" * 41,
        b"1." + b"0" * 41,
        b'"\\ud800"',
        b'{"\\udc00":1}',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        b'{"a":"\n"}',
        b"[" * 65 + b"]" * 65,
        b"[" * 100_000,
        b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
        b'"' + b'\\"' * 100_000,
    ],
)
def test_anything_doubtful_is_refused(text: bytes) -> None:
    with pytest.raises(BadJson):
        strict_json(text, depth=64)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a":[1,2.5,null,true,"\\ud83d\\ude00"]}', {"a": [1, 2.5, None, True, "😀"]}),
        ('"ä\\u0000"'.encode(), "ä\0"),
        (b'"' + b"{" * 1000 + b'"', "{" * 1000),
        (b"[" + b"[]," * 1000 + b"[]]", [[]] * 1001),
        (b"[" * 64 + b"]" * 64, None),
    ],
)
def test_good_json_is_read(text: bytes, value: object) -> None:
    read = strict_json(text, depth=64)
    assert value is None or read == value


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ([{"query": "{ a }"}], "Batches"),
        (None, "object"),
        (1, "object"),
        ("x", "object"),
        ({}, "`query`"),
        ({"query": ""}, "`query`"),
        ({"query": 5}, "`query`"),
        ({"query": "{ a }", "variables": [1]}, "`variables`"),
        ({"query": "{ a }", "variables": ""}, "`variables`"),
        ({"query": "{ a }", "operationName": 3}, "`operationName`"),
        ({"query": "{ a }", "extensions": "x"}, "`extensions`"),
    ],
)
def test_a_wrong_parameter_is_named(value: object, named: str) -> None:
    with pytest.raises(RequestError, match=named) as caught:
        request_parameters(value)
    assert caught.value.code.value == "DOCUMENT_INVALID"


def test_parameters_may_be_null() -> None:
    read = request_parameters({"query": "{ a }", "variables": None, "operationName": None, "extensions": None, "x": 1})
    assert (read.query, read.variables, read.operation_name) == ("{ a }", None, None)
