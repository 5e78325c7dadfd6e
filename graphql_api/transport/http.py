"""GraphQL over HTTP: one POST, one operation, one JSON answer (graphql/graphql-over-http), or a stream of events."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.errors import RequestError, RequestErrorCode
from graphql_api.documents import PreparedQuery
from graphql_api.errors import Fault, body_of
from graphql_api.transport.answers import Answer
from graphql_api.transport.body import (
    BadJson,
    ClientGone,
    GraphQLRequest,
    read_body,
    request_parameters,
    strict_json,
    too_large,
)
from graphql_api.transport.encoding import encode
from graphql_api.transport.events import EventStream, EventStreams
from graphql_api.transport.headers import EVENTS, GRAPHQL_JSON, JSON, answer_type, bearer_of, headers_of, media_type
from graphql_api.transport.hooks import Caller, EdgeHooks, EdgeLimits
from graphql_api.transport.operations import Operations, is_subscription

STATUS = {
    RequestErrorCode.UNAUTHENTICATED: 401,
    RequestErrorCode.FORBIDDEN: 403,
    RequestErrorCode.RATE_LIMITED: 429,
    RequestErrorCode.TIMEOUT: 504,
    RequestErrorCode.INTERNAL: 500,
}


class _Refused(Exception):
    """Ends the request with an HTTP status of its own."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.fault = Fault(RequestErrorCode.DOCUMENT_INVALID, message)
        self.headers = dict(headers or {})


class HttpEndpoint:
    """ASGI application for HTTP requests."""

    def __init__(self, operations: Operations, hooks: EdgeHooks, limits: EdgeLimits, streams: EventStreams) -> None:
        self._operations = operations
        self._hooks = hooks
        self._limits = limits
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response: Response | EventStream
        try:
            response = await self._respond(scope, receive)
        except ClientGone:
            return
        except _Refused as refused:
            response = json_response(body_of(refused.fault), refused.status, headers=refused.headers)
        # A process boundary: whatever else came up is masked and logged by the presenter.
        except Exception as error:
            fault = self._hooks.presenter.fault(error)
            response = json_response(body_of(fault), STATUS.get(fault.code, 400), headers=headers_of([fault]))
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive) -> Response | EventStream:
        headers = Headers(scope=scope)
        if scope["method"] != "POST":
            raise _Refused(405, "Send operations by POST.", {"allow": "POST"})
        identity = await self._hooks.authenticate(scope)
        _check_media_type(headers)
        request = await self._read(headers, receive)
        query = self._operations.prepare(request)
        subscription = isinstance(query, PreparedQuery) and is_subscription(query)
        media = answer_type(",".join(headers.getlist("accept")), subscription=subscription)
        if media == EVENTS:
            # The body may have taken seconds; from here on the registry ends what is revoked.
            identity = await self._hooks.authenticate_token(bearer_of(scope))
            return self._streams.open(query, request, Caller(identity, scope))
        if isinstance(query, Answer):
            return _answered(query, media)
        if subscription:
            raise _Refused(400, f"A subscription needs `accept: {EVENTS}`, or a WebSocket (graphql-transport-ws).")
        return _answered(await self._operations.run(query, request, Caller(identity, scope)), media)

    async def _read(self, headers: Headers, receive: Receive) -> GraphQLRequest:
        limits = self._limits
        try:
            if _announced(headers) > limits.body_bytes:
                raise too_large(limits.body_bytes)
            body = await read_body(receive, limit=limits.body_bytes, seconds=limits.body_seconds)
        except RequestError as error:
            # What is left of the body is not read, so the connection can't be used again.
            refused = _Refused(
                408 if error.code is RequestErrorCode.TIMEOUT else 413, error.message, {"connection": "close"}
            )
            refused.fault = Fault(error.code, error.message)
            raise refused from None
        try:
            return request_parameters(strict_json(body, depth=limits.json_depth))
        except BadJson as error:
            raise _Refused(400, f"The body can't be read: {error}.") from None


def json_response(content: object, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(encode(content), status, headers, f"{JSON}; charset=utf-8")


def _answered(answer: Answer, media: str) -> Response:
    status = _status_of(answer, media)
    headers = headers_of(answer.faults) if status in (401, 429) else {}
    return Response(answer.body, status, headers, f"{media}; charset=utf-8")


def _status_of(answer: Answer, media: str) -> int:
    """GraphQL over HTTP section 6.4: plain JSON says 200 to a well-formed request, the newer type 4xx if none ran."""
    codes = [fault.code for fault in answer.faults]
    if answer.null:
        for code in (RequestErrorCode.UNAUTHENTICATED, RequestErrorCode.RATE_LIMITED):
            if code in codes:
                return STATUS[code]
    if answer.ran or media != GRAPHQL_JSON:
        return 200
    return STATUS.get(codes[0], 400)


def _check_media_type(headers: Headers) -> None:
    values = headers.getlist("content-type")
    name, parameters = media_type(values[0]) if len(values) == 1 else ("", {})
    if name != JSON or parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise _Refused(415, "Send application/json in UTF-8.", {"accept": JSON})
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise _Refused(415, "Send the body without a Content-Encoding.", {"accept-encoding": "identity"})


def _announced(headers: Headers) -> int:
    value = headers.get("content-length", "0")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else 0
