"""Headers: the bearer token, media types, origins, and what every answer carries."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import RequestErrorCode, Unauthenticated
from graphql_api.errors import Fault

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
EVENTS = "text/event-stream"
# RFC 6750 section 2.1: one scheme, then a b64token.
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def bearer_token(value: str) -> str:
    """The token of an Authorization value. Raises Unauthenticated for any other scheme or shape."""
    match = _BEARER.fullmatch(value)
    if match is None:
        raise Unauthenticated
    return match[1]


def bearer_of(scope: Scope) -> str:
    """The token of an HTTP request; never from its URL or cookies. Raises Unauthenticated without exactly one."""
    values = Headers(scope=scope).getlist("authorization")
    if len(values) != 1:
        raise Unauthenticated
    return bearer_token(values[0])


def media_type(value: str) -> tuple[str, dict[str, str]]:
    """The media type, in lower case, and its parameters; parsed, never searched for in the text."""
    name, *rest = value.split(";")
    pairs = (part.partition("=") for part in rest)
    return name.strip().lower(), {key.strip().lower(): text.strip().strip('"') for key, _, text in pairs}


def answer_type(accept: str, *, subscription: bool = False) -> str:
    """The media type to answer with (GraphQL over HTTP, section 4.1): JSON, unless another is asked for by name.

    Events answer what asks for them above JSON, and a subscription, which JSON can't answer, that takes them at all.
    """
    weights = {JSON: 0.0, GRAPHQL_JSON: 0.0, EVENTS: 0.0}
    for part in accept.split(","):
        name, parameters = media_type(part)
        if name in weights:
            weights[name] = max(weights[name], _weight(parameters.get("q", "1")))
    if weights[EVENTS] > (0 if subscription else max(weights[JSON], weights[GRAPHQL_JSON])):
        return EVENTS
    return GRAPHQL_JSON if weights[GRAPHQL_JSON] > 0 and weights[GRAPHQL_JSON] >= weights[JSON] else JSON


def headers_of(faults: Iterable[Fault]) -> dict[str, str]:
    """What an answer says beside its status: RFC 6750 section 3, and RFC 9110 section 10.2.3 in whole seconds."""
    headers: dict[str, str] = {}
    for fault in faults:
        if fault.code is RequestErrorCode.UNAUTHENTICATED:
            headers["www-authenticate"] = "Bearer"
        elif fault.code is RequestErrorCode.RATE_LIMITED:
            headers["retry-after"] = str(max(1, math.ceil(fault.retry_after or 1)))
    return headers


def origin_allowed(headers: Headers, allowed: Iterable[str]) -> bool:
    """Whether a handshake may go on: no Origin (not a browser), the server's own, or one of `allowed`."""
    origins = headers.getlist("origin")
    if not origins:
        return True
    origin = normal_origin(origins[0]) if len(origins) == 1 else None
    if origin is None:
        return False
    scheme = origin.partition("://")[0]
    # Behind a proxy the scheme is not known, so a page of either scheme on this host is the server's own.
    return origin == normal_origin(f"{scheme}://{headers.get('host', '')}") or origin in map(normal_origin, allowed)


def normal_origin(text: str) -> str | None:
    """An origin with its default port left out (RFC 6454 section 6.2), or None for anything else ("null", a path)."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    bare = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or not bare:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")


class AnswerHeaders:
    """ASGI middleware: no answer may be stored or sniffed, and none names the server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(raw=list(message.get("headers", [])))
                headers["cache-control"] = "no-store"
                headers["x-content-type-options"] = "nosniff"
                del headers["server"]
                message = {**message, "headers": headers.raw}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
