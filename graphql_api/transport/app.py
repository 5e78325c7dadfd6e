"""Puts the endpoint together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from graphql_api.documents import EdgeSchema
from graphql_api.transport.events import EventStreams
from graphql_api.transport.headers import AnswerHeaders
from graphql_api.transport.hooks import EdgeHooks, EdgeLimits
from graphql_api.transport.http import HttpEndpoint
from graphql_api.transport.operations import Operations
from graphql_api.transport.sockets import SocketRegistry
from graphql_api.transport.websocket import WebSocketEndpoint
from graphql_api.transport.wire import HttpProtocol, Wire


def build_graphql_app(
    schema: EdgeSchema,
    hooks: EdgeHooks,
    limits: EdgeLimits | None = None,
    registry: SocketRegistry | None = None,
) -> ASGIApp:
    """The ASGI application to mount at /graphql; it looks at no path. A `registry` lets others end its connections."""
    limits = limits or EdgeLimits()
    registry = registry if registry is not None else SocketRegistry(limits.sockets_per_user)
    operations = Operations(schema, hooks)
    http = HttpEndpoint(operations, hooks, limits, EventStreams(operations, limits, registry))
    sockets = WebSocketEndpoint(operations, hooks, limits, registry)

    requests = AnswerHeaders(_with_cors(http, limits) if limits.origins else http)
    return Apart(sockets, requests, lambda scope: scope["type"] == "websocket")


class Apart:
    """ASGI application: what is `chosen` goes one way, all else another. It adds no frame: a socket or a stream of
    events stays for hours, and with it every coroutine between the server and its endpoint."""

    def __init__(self, apart: ASGIApp, others: ASGIApp, chosen: Callable[[Scope], bool]) -> None:
        self._apart = apart
        self._others = others
        self._chosen = chosen

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return (self._apart if self._chosen(scope) else self._others)(scope, receive, send)


def uvicorn_options(limits: EdgeLimits) -> dict[str, Any]:
    """What uvicorn must be told for the limits to hold, as keyword arguments of uvicorn.Config."""
    http = type("HttpProtocol", (HttpProtocol,), {"patience": limits.stuck_seconds})
    wire = type("Wire", (Wire,), {"patience": limits.stuck_seconds})
    return {
        "interface": "asgi3",
        "http": http,
        "ws": wire,
        "ws_max_size": limits.frame_bytes,
        "ws_per_message_deflate": False,
        "server_header": False,
    }


def _with_cors(app: ASGIApp, limits: EdgeLimits) -> ASGIApp:
    # No credentials: tokens come in a header that a page sets itself, never in a cookie.
    return CORSMiddleware(
        app,
        allow_origins=limits.origins,
        allow_methods=["POST"],
        allow_headers=["authorization", "content-type"],
        expose_headers=["retry-after", "www-authenticate"],
        max_age=min(limits.preflight_seconds, 3600),
    )
