"""Messages of graphql-transport-ws (enisdenjo/graphql-ws PROTOCOL.md), checked; anything else closes the socket."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from core.errors import RequestError
from graphql_api.transport.body import BadJson, GraphQLRequest, parameters_of, strict_json

LONGEST_ID = 200


class CloseCode(IntEnum):
    """4xxx are the protocol's. TRY_LATER and TOO_BIG are RFC 6455's registry's: graphql-ws clients retry after
    TRY_LATER, with a back-off, where 4429 (too many connection_init) would stop them for good."""

    TOO_BIG = 1009
    TRY_LATER = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE_ID = 4409
    SECOND_INIT = 4429
    INTERNAL = 4500


class Closing(Exception):
    """Ends the connection. `reason` is at most 123 bytes (RFC 6455 section 5.5)."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Init:
    payload: dict[str, Any]  # the client's own JSON


@dataclass(frozen=True, slots=True)
class Ping:
    pass


@dataclass(frozen=True, slots=True)
class Pong:
    pass


@dataclass(frozen=True, slots=True)
class Subscribe:
    id: str
    request: GraphQLRequest


@dataclass(frozen=True, slots=True)
class Complete:
    id: str


ClientMessage = Init | Ping | Pong | Subscribe | Complete


def parse_message(text: str, *, frame_bytes: int, depth: int) -> ClientMessage:
    """The message in a text frame. Raises Closing 4400, or 1009 over `frame_bytes`."""
    data = text.encode()
    if len(data) > frame_bytes:
        raise Closing(CloseCode.TOO_BIG, f"Frames are limited to {frame_bytes} bytes")
    try:
        message = strict_json(data, depth=depth)
    except BadJson as error:
        raise _bad(f"Message can't be read: {error}") from None
    if not isinstance(message, dict):
        raise _bad("Message must be a JSON object")
    match message.get("type"):
        case "connection_init":
            return Init(_object(message))
        case "ping":
            _object(message)
            return Ping()
        case "pong":
            _object(message)
            return Pong()
        case "subscribe":
            return Subscribe(_id(message), _request(message))
        case "complete":
            return Complete(_id(message))
    raise _bad("Message type is unknown")


def _object(message: dict[str, Any]) -> dict[str, Any]:
    payload = message.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise _bad("Message payload must be an object or null")
    return payload or {}


def _id(message: dict[str, Any]) -> str:
    found = message.get("id")
    if not isinstance(found, str) or not 1 <= len(found) <= LONGEST_ID:
        raise _bad(f"Message id must be a string of 1 to {LONGEST_ID} characters")
    return found


def _request(message: dict[str, Any]) -> GraphQLRequest:
    payload = message.get("payload")
    if not isinstance(payload, dict):
        raise _bad("Message payload must be an object")
    query = payload.get("query")
    # An empty query is a document with a syntax error, which ends its operation only.
    if not isinstance(query, str):
        raise _bad("`query` must be a string")
    try:
        return parameters_of(payload, query)
    except RequestError as error:
        raise _bad(error.message) from None


def _bad(reason: str) -> Closing:
    return Closing(CloseCode.BAD_REQUEST, reason[:120])
