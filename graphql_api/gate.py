"""The gate: who may come in. Verifies tokens, makes users on first sight, counts requests, and revokes."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.dialects.postgresql import insert
from starlette.datastructures import Headers
from starlette.types import Scope

from core.database import Database
from core.errors import RequestError, RequestErrorCode, Unauthenticated
from graphql_api.transport import Identity as Caller
from graphql_api.transport import SocketRegistry
from graphql_api.transport.headers import bearer_of
from models.users import revoked_tokens
from services.auth import Claims, Verifier
from services.auth.development import is_loopback_host, is_loopback_origin
from services.users import Identity, admit

REMEMBERED: Final = 1.0
"""Seconds that an admission is taken from memory: a token revoked by another replica is refused after that."""

KEPT: Final = 10_000
WINDOW: Final = 60.0


@dataclass(frozen=True, slots=True)
class Admitted:
    """A caller whose token is good: the edge's identity."""

    identity: Identity
    claims: Claims

    @property
    def user_id(self) -> str:
        return self.identity.user_id

    @property
    def expires_at(self) -> datetime:
        return self.claims.expires_at


class RequestCounter:
    """Requests a user and minute, counted in this process. `limit` 0 counts nothing."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, user_id: str) -> None:
        """Raises RequestError RATE_LIMITED past the limit."""
        if not self._limit:
            return
        moment = time.monotonic()
        begun, used = self._windows.get(user_id, (moment, 0))
        if moment - begun >= WINDOW:
            begun, used = moment, 0
        self._windows[user_id] = (begun, used + 1)
        self._windows.move_to_end(user_id)
        if len(self._windows) > KEPT:
            self._windows.popitem(last=False)
        if used >= self._limit:
            message = f"At most {self._limit} requests a minute."
            raise RequestError(RequestErrorCode.RATE_LIMITED, message, retry_after=begun + WINDOW - moment)


class Gate:
    """The edge's hooks on identity. `local_only`: development mode, for loopback callers alone (DNS rebinding)."""

    def __init__(
        self, verifier: Verifier, database: Database, sockets: SocketRegistry, *, requests: int, local_only: bool
    ) -> None:
        self._verifier = verifier
        self._database = database
        self._sockets = sockets
        self._local_only = local_only
        self._counter = RequestCounter(requests)
        self._admitted: OrderedDict[bytes, float] = OrderedDict()

    async def authenticate(self, scope: Scope) -> Admitted:
        """The caller of an HTTP request. Raises Unauthenticated, FORBIDDEN or RATE_LIMITED."""
        self.check_local(scope)
        admitted = await self.authenticate_token(bearer_of(scope))
        self._counter.count(admitted.user_id)
        return admitted

    async def authenticate_token(self, token: str) -> Admitted:
        """The caller behind a token. Raises Unauthenticated."""
        claims = await self._verifier.verify(token)
        identity = Identity(claims.subject, claims.email, claims.name, claims.token_hash)
        moment = time.monotonic()
        if self._admitted.get(claims.token_hash, 0.0) < moment:
            if not await admit(self._database, identity):
                self._admitted.pop(claims.token_hash, None)
                self._sockets.end_where(
                    lambda one: isinstance(one, Admitted) and one.claims.token_hash == claims.token_hash
                )
                raise Unauthenticated
            self._admitted[claims.token_hash] = moment + REMEMBERED
            self._admitted.move_to_end(claims.token_hash)
            if len(self._admitted) > KEPT:
                self._admitted.popitem(last=False)
        return Admitted(identity, claims)

    def check_local(self, scope: Scope) -> None:
        """In development mode Host, and Origin where present, must be loopback. Raises RequestError FORBIDDEN."""
        if not self._local_only:
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if not is_loopback_host(headers.get("host", "")) or (origin is not None and not is_loopback_origin(origin)):
            raise RequestError(
                RequestErrorCode.FORBIDDEN, "In development mode the server answers loopback hosts only."
            )

    async def revoke(self, identity: Identity, claims: Claims) -> None:
        """Refuse the token from now on: here at once, elsewhere within a second; and close its sockets here."""
        made = insert(revoked_tokens).values(token_hash=claims.token_hash, expires_at=claims.expires_at)
        async with self._database.for_nobody() as connection:
            await connection.execute(made.on_conflict_do_nothing())
        self._forget(claims.token_hash)

    def _forget(self, token_hash: bytes) -> None:
        def is_it(caller: Caller) -> bool:
            return isinstance(caller, Admitted) and caller.claims.token_hash == token_hash

        self._admitted.pop(token_hash, None)
        self._sockets.end_where(is_it)

    async def aclose(self) -> None:
        await self._verifier.aclose()
