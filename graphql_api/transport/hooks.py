"""What the edge asks of the application, and the limits it keeps by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from starlette.types import Scope

from graphql_api.errors import Presenter


class Identity(Protocol):
    """Who is calling, as the application's own value. `expires_at` is the aware instant at which the token ends."""

    @property
    def user_id(self) -> str: ...

    @property
    def expires_at(self) -> datetime | None: ...


class LiveConnection(Protocol):
    """The socket that an operation came through."""

    def refresh(self, identity: Identity) -> None:
        """Go on as `identity`, until its token ends. Raises ValueError for another user's, or where it is closing."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls one operation, and over what: `connection` is None over HTTP. `scope` is the ASGI scope."""

    identity: Identity
    scope: Scope
    connection: LiveConnection | None = None


@dataclass(frozen=True, slots=True)
class EdgeHooks:
    """The application's part.

    `authenticate` gets the scope of an HTTP request, before its body is read; `authenticate_token` the token of a
    socket's connection_init, and an event stream's again as it begins. Both raise core.errors.Unauthenticated (another
    RequestError is shown as it is).
    `operation_context` is entered once for each operation, of either transport, and its value is the operation's
    context; it is left when a query or mutation has its result, before that is sent, or when a subscription ends.
    """

    authenticate: Callable[[Scope], Awaitable[Identity]]
    authenticate_token: Callable[[str], Awaitable[Identity]]
    # The context is the application's own object, which the edge only hands on.
    operation_context: Callable[[Caller], AbstractAsyncContextManager[Any]]
    presenter: Presenter = field(default_factory=Presenter)


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """Sizes in bytes, times in seconds. 0 turns `operations_per_socket` or `sockets_per_user` off.

    An event stream counts as a socket. On either a heartbeat follows so many quiet seconds. A client that takes nothing
    of what waits for it is let go after `stuck_seconds`.

    `origins` are exact origins ("https://app.example"): browsers on them may use HTTP (CORS) and open sockets. A page
    of the server's own origin always may.
    """

    body_bytes: int = 256 * 1024
    body_seconds: float = 5.0
    json_depth: int = 64
    frame_bytes: int = 64 * 1024
    init_seconds: float = 5.0
    operations_per_socket: int = 20
    sockets_per_user: int = 10
    heartbeat_seconds: float = 12.0
    stuck_seconds: float = 30.0
    origins: tuple[str, ...] = ()
    preflight_seconds: int = 3600
