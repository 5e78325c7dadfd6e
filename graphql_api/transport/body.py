"""Reads a request's body within bounds, and JSON strictly: what two readers could understand in two ways is refused."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive

from core.errors import RequestError, RequestErrorCode

# JSON's brackets outside strings. An open string runs to the end, so that no input makes the search go back.
_BRACKETS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|([\[{])|([\]}])', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_NUMBER = 40


class BadJson(ValueError):
    """The text isn't JSON that this server reads; the message says why."""


class ClientGone(Exception):
    """The client hung up before its request had arrived."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The parameters of a request (GraphQL over HTTP, section 5.1, Request Parameters)."""

    query: str
    variables: dict[str, Any] | None  # JSON values, for graphql-core to coerce
    operation_name: str | None


async def read_body(receive: Receive, *, limit: int, seconds: float) -> bytes:
    """The whole body, counted while it is read. Raises RequestError: over `limit` bytes, or not here in `seconds`."""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > limit:
                    raise too_large(limit)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        message_text = f"The body did not arrive within {seconds:g} seconds."
        raise RequestError(RequestErrorCode.TIMEOUT, message_text) from None


def too_large(limit: int) -> RequestError:
    return RequestError(RequestErrorCode.DOCUMENT_TOO_COMPLEX, f"The body is limited to {limit} bytes.")


def strict_json(data: bytes, *, depth: int) -> object:
    """The value of a JSON text (RFC 8259), nested at most `depth` levels. Raises BadJson.

    Also refused, though Python's json takes them: duplicate names, NaN and infinities, numbers of more than 40
    characters or beyond a double, lone surrogates, a byte order mark.
    """
    if _nests_deeper(data, depth):
        raise BadJson(f"nesting is limited to {depth} levels")
    try:
        text = data.decode()
        value: object = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_bounded,
        )
    except UnicodeDecodeError:
        raise BadJson("the text is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise BadJson(f"the text is not JSON: {error.msg} at character {error.pos}") from None
    # Only an escape can bring in a surrogate: UTF-8 has none.
    if "\\u" in text and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise BadJson("a string holds a lone surrogate")
    return value


def request_parameters(value: object) -> GraphQLRequest:
    """The request in a decoded body. Raises RequestError DOCUMENT_INVALID naming the parameter that is wrong."""
    if isinstance(value, list):
        raise _invalid("Batches are not supported: send one operation a request.")
    if not isinstance(value, dict):
        raise _invalid("The body must be a JSON object.")
    query = value.get("query")
    if not isinstance(query, str) or not query:
        raise _invalid("`query` must be a non-empty string.")
    return parameters_of(value, query)


def parameters_of(value: Mapping[str, Any], query: str) -> GraphQLRequest:
    """The parameters beside `query`, checked. Raises RequestError DOCUMENT_INVALID."""
    for name, kind, said in (
        ("variables", dict, "an object"),
        ("operationName", str, "a string"),
        ("extensions", dict, "an object"),
    ):
        if value.get(name) is not None and not isinstance(value[name], kind):
            raise _invalid(f"`{name}` must be {said} or null.")
    return GraphQLRequest(query, value.get("variables"), value.get("operationName"))


def _invalid(message: str) -> RequestError:
    return RequestError(RequestErrorCode.DOCUMENT_INVALID, message)


def _nests_deeper(data: bytes, depth: int) -> bool:
    # Most texts have fewer brackets in all than may be open at once.
    if data.count(b"[") + data.count(b"{") <= depth:
        return False
    level = 0
    for match in _BRACKETS.finditer(data):
        level += (match.lastindex == 1) - (match.lastindex == 2)
        if level > depth:
            return True
    return False


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadJson("an object has the same name twice")
    return found


def _no_constant(name: str) -> object:
    raise BadJson(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text) if len(text) <= _LONGEST_NUMBER else math.inf
    if not math.isfinite(number):
        raise BadJson("a number is out of range")
    return number


def _bounded(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise BadJson("a number is out of range")
    return int(text)
