"""Development mode is for this machine: the server hands out tokens then, so nobody else may ask it anything."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import RequestErrorCode
from graphql_api.errors import Fault, body_of
from services.auth.development import is_loopback_host, is_loopback_origin

REFUSAL = "In development mode the server answers to loopback hosts and origins only."


class LocalOnly:
    """ASGI middleware: Host, and Origin where present, must be loopback, or a name that a foreign page made to point
    here (DNS rebinding) would do as a way in. Others get 403; a WebSocket's handshake is refused.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or _is_local(Headers(scope=scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            # Before accepting, this is a 403 (ASGI specification, WebSocket, Close).
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
        else:
            fault = Fault(RequestErrorCode.FORBIDDEN, REFUSAL)
            await JSONResponse(body_of(fault), 403)(scope, receive, send)


def _is_local(headers: Headers) -> bool:
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    return len(hosts) == 1 and is_loopback_host(hosts[0]) and all(map(is_loopback_origin, origins))
