"""A small schema behind the real edge on a real server: what the edge's tests talk to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import strawberry
import uvicorn
from starlette.types import ASGIApp, Scope

from core.errors import DomainError, ErrorCode, RequestError, RequestErrorCode, Unauthenticated
from graphql_api.documents import DocumentPolicy, EdgeSchema
from graphql_api.transport import (
    Caller,
    EdgeHooks,
    EdgeLimits,
    SocketRegistry,
    build_graphql_app,
    uvicorn_options,
)
from graphql_api.transport.headers import bearer_of

SECRET = "canary-8c1f"


@dataclass(frozen=True)
class Person:
    user_id: str
    expires_at: datetime | None = None


@dataclass
class Context:
    """What one operation got; `number` tells them apart."""

    caller: Caller
    number: int
    state: State


@dataclass
class State:
    """What the tests look at: contexts opened and closed, and subscriptions and held queries that run."""

    opened: int = 0
    closed: int = 0
    streams: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, *, streams: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.streams == streams)

    async def add_streams(self, change: int) -> None:
        async with self.changed:
            self.streams += change
            self.changed.notify_all()


Info = strawberry.Info[Context, None]


@strawberry.type
class Leaf:
    name: str = "leaf"

    @strawberry.field
    def tree(self) -> Tree:
        return Tree()


@strawberry.type
class LeafEdge:
    node: Leaf


@strawberry.type
class LeafConnection:
    edges: list[LeafEdge]


@strawberry.type
class Tree:
    @strawberry.field
    def leaves(self, first: int | None = None, last: int | None = None) -> LeafConnection:
        return LeafConnection(edges=[LeafEdge(node=Leaf())])

    @strawberry.field
    def children(self) -> list[Tree]:
        return []

    name: str = "tree"


@strawberry.type
class Query:
    @strawberry.field
    def hello(self) -> str:
        return "world"

    @strawberry.field
    def tree(self) -> Tree:
        return Tree()

    @strawberry.field
    def echo(self, text: str, number: int = 1) -> str:
        return text

    @strawberry.field
    def who(self, info: Info) -> str:
        return info.context.caller.identity.user_id

    @strawberry.field
    def context_number(self, info: Info) -> int:
        return info.context.number

    @strawberry.field
    def crash(self, text: str = SECRET) -> str | None:
        raise ValueError(f"SELECT {text} FROM secrets")

    @strawberry.field
    def fails(self, code: str) -> str:
        raise RequestError(RequestErrorCode(code), "As asked.", retry_after=7)

    @strawberry.field
    def bad_cursor(self) -> str:
        raise DomainError(ErrorCode.INVALID, "That is no cursor of this list.")

    @strawberry.field
    def slow(self) -> str:
        raise TimeoutError

    @strawberry.field
    async def held(self, info: Info) -> str:
        await info.context.state.add_streams(1)
        try:
            await info.context.state.let_go.wait()
        finally:
            await info.context.state.add_streams(-1)
        return "let go"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def set_hello(self, text: str = "hi") -> str:
        return text


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, info: Info, n: int = 2, every: float = 0) -> AsyncIterator[int]:
        await info.context.state.add_streams(1)
        try:
            for tick in range(n):
                yield tick
                await asyncio.sleep(every)
        finally:
            await info.context.state.add_streams(-1)

    @strawberry.subscription
    async def silence(self, info: Info) -> AsyncIterator[int]:
        await info.context.state.add_streams(1)
        try:
            await asyncio.Event().wait()
            yield 0
        finally:
            await info.context.state.add_streams(-1)

    @strawberry.subscription
    async def flood(self, info: Info) -> AsyncIterator[str]:
        await info.context.state.add_streams(1)
        try:
            while True:
                yield "x" * 1_000_000
        finally:
            await info.context.state.add_streams(-1)

    @strawberry.subscription
    async def breaks(self) -> AsyncIterator[int]:
        yield 1
        raise ValueError(SECRET)


def make_schema(policy: DocumentPolicy | None = None) -> EdgeSchema:
    return EdgeSchema(query=Query, mutation=Mutation, subscription=Subscription, document_policy=policy)


class Hooks:
    """Tokens are "good" or "good-NAME"; `people` says who they are where that is more than a name."""

    def __init__(self) -> None:
        self.state = State()
        self.people: dict[str, Person] = {}
        self.revoked: set[str] = set()
        self.refuse: RequestError | None = None
        self.asked = asyncio.Event()

    async def authenticate(self, scope: Scope) -> Person:
        person = await self.authenticate_token(bearer_of(scope))
        self.asked.set()
        return person

    async def authenticate_token(self, token: str) -> Person:
        if token == "broken":
            raise ValueError(SECRET)
        if not token.startswith("good") or token in self.revoked:
            raise Unauthenticated
        return self.people.get(token, Person(token))

    @asynccontextmanager
    async def operation_context(self, caller: Caller) -> AsyncIterator[Context]:
        if self.refuse is not None:
            raise self.refuse
        self.state.opened += 1
        try:
            yield Context(caller, self.state.opened, self.state)
        finally:
            self.state.closed += 1

    def edge(self) -> EdgeHooks:
        return EdgeHooks(self.authenticate, self.authenticate_token, self.operation_context)


@dataclass
class Edge:
    """A running server: `address` is its host and port."""

    address: str
    hooks: Hooks
    registry: SocketRegistry

    @property
    def url(self) -> str:
        return f"http://{self.address}/graphql"

    @property
    def ws_url(self) -> str:
        return f"ws://{self.address}/graphql"

    @property
    def state(self) -> State:
        return self.hooks.state


@asynccontextmanager
async def serving(limits: EdgeLimits | None = None, policy: DocumentPolicy | None = None) -> AsyncIterator[Edge]:
    """The sample app under uvicorn on a free port of the loopback."""
    limits = limits or EdgeLimits()
    hooks, registry = Hooks(), SocketRegistry(limits.sockets_per_user)
    app: ASGIApp = build_graphql_app(make_schema(policy), hooks.edge(), limits, registry)
    config = uvicorn.Config(
        app, log_config=None, lifespan="off", timeout_graceful_shutdown=2, **uvicorn_options(limits)
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        await server.startup(sockets=[listener])
        try:
            yield Edge("{}:{}".format(*listener.getsockname()), hooks, registry)
        finally:
            registry.stopping.set()
            await server.shutdown(sockets=[listener])
