"""Puts the server together: what a process shares, its routes, and the order in which things start and stop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from assistant.progress import Engine
from assistant.providers.base import Provider
from assistant.providers.rules import RulesProvider
from core.database import Database, is_away, make_links, timed_out
from core.dsn import Dsn
from core.errors import ConfigurationError, RequestErrorCode
from core.settings import Settings
from events.bus import Bus
from events.hub import Hub
from events.log import ChangeLog
from graphql_api.documents import EdgeSchema
from graphql_api.errors import Fault, Presenter, body_of
from graphql_api.exchange import Exchange
from graphql_api.gate import Admitted, Gate
from graphql_api.health import Health, prove_row_security
from graphql_api.local import LocalOnly
from graphql_api.pages import page_routes
from graphql_api.transport import Caller, EdgeHooks, EdgeLimits, SocketRegistry, build_graphql_app
from graphql_api.transport.app import Apart
from graphql_api.transport.headers import AnswerHeaders
from jobs.ownership import marks_of
from jobs.worker import Worker
from resolvers.operation import Application, Operation, operation
from services.auth import Claims, build_verifier
from services.users import Identity

LATE: Final = 10.0
"""Seconds after which a database that should have ended a statement by itself is taken for gone."""


@dataclass(frozen=True, slots=True)
class Backend:
    """What serving and working share: the database, the bus, and the engine that runs turns."""

    settings: Settings
    dsn: Dsn
    database: Database
    bus: Bus
    engine: Engine

    def worker(self) -> Worker:
        direct = self.settings.database_direct_url
        direct_dsn = Dsn.parse(direct.get_secret_value(), "DATABASE_DIRECT_URL") if direct is not None else None
        marks = marks_of(self.settings.data_dir, self.dsn)
        return Worker(self.engine, self.dsn, self.settings, direct_dsn=direct_dsn, marks=marks)


def make_providers(settings: Settings) -> tuple[Provider, Provider | None]:
    """Who answers, and who does where the model is out of reach."""
    if not settings.uses_openai:
        return RulesProvider(), None
    # Its SDK takes half a second to import, which who has no key need not wait for.
    from assistant.providers.openai import OpenAIProvider, Timeouts

    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key is not None else ""
    patience = Timeouts(first_byte=settings.model_timeout_seconds, silence=settings.model_timeout_seconds)
    model = OpenAIProvider(key, settings.openai_base_url, settings.openai_model, timeouts=patience)
    return model, RulesProvider()


@asynccontextmanager
async def backend(settings: Settings, dsn: Dsn) -> AsyncIterator[Backend]:
    """Open what every process needs, on a migrated database. Raises ConfigurationError where rows aren't safe."""
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(Bus(settings.broadcast_url.get_secret_value()))
        engine = make_links(dsn, size=settings.pool_size, answer=settings.statement_timeout_seconds + LATE)
        database = Database(engine, ChangeLog(bus), statement_timeout=settings.statement_timeout_seconds)
        stack.push_async_callback(database.close)
        if not await prove_row_security(database):
            raise ConfigurationError("DATABASE_URL: row-level security does not hold there. Run `tasktalk doctor`.")
        provider, fallback = make_providers(settings)
        stack.push_async_callback(provider.aclose)
        turns = Engine(
            database,
            bus,
            provider,
            fallback,
            turn_seconds=settings.turn_seconds,
            confirmation_seconds=settings.confirmation_seconds,
            tokens_per_day=settings.limit_tokens_per_day,
            history_tokens=settings.history_tokens,
        )
        yield Backend(settings, dsn, database, bus, turns)


def edge_limits(settings: Settings) -> EdgeLimits:
    """The transport's limits, of the settings."""
    return EdgeLimits(
        init_seconds=settings.ws_init_timeout_seconds,
        operations_per_socket=settings.limit_operations_per_socket,
        sockets_per_user=settings.limit_sockets_per_user,
        origins=settings.cors_origins,
    )


def make_app(shared: Backend, schema: EdgeSchema, sockets: SocketRegistry) -> ASGIApp:
    """The ASGI application. What it follows and works with opens with its lifespan and closes in the reverse order.

    Whoever stops the server sets `sockets.stopping` first.
    """
    settings = shared.settings
    hub = Hub(shared.database, shared.bus)
    worker = shared.worker() if settings.worker else None
    gate = Gate(
        build_verifier(settings),
        shared.database,
        shared.bus,
        sockets,
        requests=settings.limit_requests_per_minute,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with hub, gate, worker or nullcontext():
            yield

    graphql = _graphql_app(schema, Application(settings, shared.database, shared.bus, hub, gate), gate, sockets)
    health = Health(shared.database, shared.bus, hub, sockets, worker)
    routes = [
        Route("/healthz", health.alive),
        Route("/readyz", health.ready),
        Route("/metrics", health.metrics),
        *Exchange(shared.database, gate, _presenter(settings), settings.cors_origins).routes(),
        *page_routes(settings),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _as_json})
    app.router.redirect_slashes = False
    # Past the routes, whose frames would stay as long as a stream does, and whose handling of errors is for pages.
    entry = Apart(graphql, AnswerHeaders(app), lambda scope: scope.get("path") == "/graphql")
    return LocalOnly(entry) if settings.development else entry


def _graphql_app(schema: EdgeSchema, application: Application, gate: Gate, sockets: SocketRegistry) -> ASGIApp:
    settings = application.settings

    def context(caller: Caller) -> AbstractAsyncContextManager[Operation]:
        admitted = caller.identity
        assert isinstance(admitted, Admitted), "the gate gave it to the edge"
        connection = caller.connection
        if connection is None:  # a request over HTTP, which was counted as it came in
            return operation(application, admitted.identity, admitted.claims)
        gate.count(admitted)

        async def refresh(token: str) -> tuple[Identity, Claims]:
            fresh = await gate.refresh(connection, token)
            return fresh.identity, fresh.claims

        return operation(application, admitted.identity, admitted.claims, refresh)

    hooks = EdgeHooks(
        gate.authenticate,
        gate.authenticate_token,
        context,
        Presenter(is_timeout=_is_passing, suggestions=settings.introspection_on),
    )
    return build_graphql_app(schema, hooks, edge_limits(settings), sockets)


def _is_passing(error: BaseException) -> bool:
    """Whether a client does well to ask again: the database was too slow, or is away."""
    return timed_out(error) or is_away(error)


def _presenter(settings: Settings) -> Presenter:
    return Presenter(is_timeout=timed_out, suggestions=settings.introspection_on)


async def _as_json(_: Request, error: Exception) -> Response:
    """A path or method that isn't there, in the shape that GraphQL clients read."""
    assert isinstance(error, HTTPException), "that is what it handles"
    fault = Fault(RequestErrorCode.DOCUMENT_INVALID, error.detail)
    return JSONResponse(body_of(fault), error.status_code, error.headers)
