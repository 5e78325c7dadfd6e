"""The schema as its clients use it, without HTTP: each operation gets a context of its own."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from core.database import Database
from core.settings import Settings
from events.bus import Bus
from events.hub import Hub
from graphql_api.documents import EdgeSchema
from graphql_api.errors import Presenter
from graphql_api.schema import make_schema
from graphql_api.transport import Caller, EdgeHooks
from graphql_api.transport.body import GraphQLRequest
from graphql_api.transport.operations import Operations
from resolvers.operation import Application, Operation, operation
from services.auth import Claims
from services.users import Identity


@dataclass(frozen=True)
class Person:
    """Who calls, as far as the edge asks."""

    user_id: str
    expires_at: datetime | None = None


async def _no_one(_: object) -> Person:
    raise AssertionError("nobody comes in over a transport here")


class NoGate:
    """Remembers what was revoked, and who was forgotten."""

    def __init__(self) -> None:
        self.revoked: list[bytes] = []
        self.forgotten: list[str] = []

    async def revoke(self, identity: Identity, claims: Claims) -> None:
        self.revoked.append(claims.token_hash)

    async def forget(self, user_id: str) -> None:
        self.forgotten.append(user_id)


@dataclass
class Api:
    """Runs documents as one user."""

    schema: EdgeSchema
    application: Application
    user: str
    statements: int = 0
    presenter: Presenter = field(default_factory=Presenter)

    def as_user(self, user: str) -> Api:
        return Api(self.schema, self.application, user)

    @cached_property
    def operations(self) -> Operations:
        """What the transports run operations by."""
        return Operations(self.schema, EdgeHooks(_no_one, _no_one, self._context))

    def _context(self, _: Caller) -> AbstractAsyncContextManager[Operation]:
        return operation(self.application, *self._caller())

    def _caller(self) -> tuple[Identity, Claims]:
        now = datetime.now(UTC)
        claims = Claims(self.user, None, None, now, now + timedelta(hours=1), uuid.uuid4().bytes * 2)
        return Identity(self.user, None, None, claims.token_hash), claims

    async def answer(self, document: str, **variables: Any) -> dict[str, Any]:
        """The whole answer, errors as a client sees them."""
        prepared = self.schema.documents.prepare(document, None, variables)
        async with operation(self.application, *self._caller()) as context:
            result = await self.schema.run(prepared, variables, context)
            self.statements = context.edges.statements
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = self.presenter.present(result.errors)[0]
        return answer

    async def data(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer that must have no errors."""
        answer = await self.answer(document, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def code(self, document: str, **variables: Any) -> str:
        """The code of the one top-level error."""
        answer = await self.answer(document, **variables)
        [error] = answer["errors"]
        return str(error["extensions"]["code"])

    @asynccontextmanager
    async def subscribe(self, document: str, **variables: Any) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The events of a subscription, each its data."""
        prepared = self.schema.documents.prepare(document, None, variables)

        async def events() -> AsyncIterator[dict[str, Any]]:
            request = GraphQLRequest(document, variables, None)
            async with aclosing(self.operations.follow(prepared, request, Caller(Person(self.user), {}))) as answers:
                async for answer in answers:
                    found = json.loads(answer.body)
                    assert "errors" not in found, found["errors"]
                    yield found["data"]

        running = events()
        async with aclosing(running):
            yield running


@asynccontextmanager
async def serving(database: Database, bus: Bus, user: str, settings: Settings) -> AsyncIterator[Api]:
    async with Hub(database, bus) as hub:
        yield Api(make_schema(settings), Application(settings, database, bus, hub, NoGate()), user)
