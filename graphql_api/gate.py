"""The gate: who may come in. Verifies tokens, makes users on first sight, counts requests, revokes and forgets."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import LargeBinary, Text, any_, bindparam, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from starlette.types import Scope

from core import clock
from core.database import Database, is_away
from core.errors import DomainError, ErrorCode, RequestError, RequestErrorCode, Unauthenticated
from events.bus import Bus, Received
from graphql_api.rate import RequestCounter
from graphql_api.transport import Identity as Caller
from graphql_api.transport import SocketRegistry
from graphql_api.transport.headers import bearer_of
from graphql_api.transport.hooks import LiveConnection
from models.users import revoked_tokens
from services.auth import Claims, Verifier
from services.users import Identity, admit

log = structlog.get_logger()

REMEMBERED: Final = 1.0
"""Seconds that an admission is taken from memory: a token that another replica revoked is refused after that."""

KEPT: Final = 10_000
"""Admissions remembered; the oldest goes first, and only costs a look at the database."""

CHANNEL: Final = "revocations"
ERASED: Final = "erased"
"""What stands before a user's id on that channel, where a revoked token has its end."""

LOOK_EVERY: Final = 1.5
"""Seconds between two looks at whether a token of an open socket or stream was revoked, should the bus not have said
so: within two it is to end on every replica."""

VOUCHED: Final = 2.0
"""Seconds from a look's beginning for which it admits the tokens that it found good: until the next one is over."""


_EPOCHS: Final = text("SELECT user_id, epoch FROM tasktalk.positions(:users)").bindparams(
    bindparam("users", type_=ARRAY(Text))
)


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


class Gate:
    """The edge's hooks on identity, and `resolvers.operation.Gate`. `requests` is the limit a user and minute."""

    def __init__(
        self,
        verifier: Verifier,
        database: Database,
        bus: Bus,
        sockets: SocketRegistry,
        *,
        requests: int = 0,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._verifier = verifier
        self._database = database
        self._bus = bus
        self._sockets = sockets
        self._counter = RequestCounter(requests)
        self._look_every = look_every
        self._admitted: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[bool]] = {}
        self._revoked: dict[bytes, datetime] = {}
        self._epochs: dict[str, UUID] = {}
        """Of the logs of those who had sockets at the last look: another one is that of a user made anew."""
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Gate:
        self._watcher = asyncio.create_task(self._watch(), name="revocations")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [*self._asking.values(), *([self._watcher] if self._watcher else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._verifier.aclose()

    async def authenticate(self, scope: Scope) -> Admitted:
        """The caller of an HTTP request, which is counted. Raises Unauthenticated, or RequestError RATE_LIMITED."""
        admitted = await self.authenticate_token(bearer_of(scope))
        self.count(admitted)
        return admitted

    async def authenticate_token(self, token: str) -> Admitted:
        """The caller behind a token; the user exists from then on. Raises Unauthenticated, and RequestError TIMEOUT
        while the database is away: nobody is to give up for good then."""
        claims = await self._verifier.verify(token)
        identity = Identity(claims.subject, claims.email, claims.name, claims.token_hash)
        # Looked at again after the wait, in which it may have been revoked: from here the caller's sockets are watched.
        refused = claims.token_hash in self._revoked or not await self._is_admitted(identity)
        if refused or claims.token_hash in self._revoked:
            self._forget(claims.token_hash, claims.expires_at)
            raise Unauthenticated
        return Admitted(identity, claims)

    def count(self, admitted: Admitted) -> None:
        """Count a request of the user's. Raises RequestError RATE_LIMITED."""
        self.count_for(admitted.user_id)

    def count_for(self, user_id: str) -> None:
        """Count a request that is answered as the user's. Raises RequestError RATE_LIMITED."""
        self._counter.count(user_id)

    async def refresh(self, connection: LiveConnection, token: str) -> Admitted:
        """Have an open socket go on under another token of its user's. Raises DomainError INVALID, saying of a token
        that isn't good no more than that."""
        try:
            admitted = await self.authenticate_token(token)
            connection.refresh(admitted)
        except (Unauthenticated, ValueError):
            message = "That is no good token of the user who is signed in here."
            raise DomainError(ErrorCode.INVALID, message, field=("input", "token")) from None
        return admitted

    async def revoke(self, identity: Identity, claims: Claims) -> None:
        """Refuse the token from now on, and end its sockets and streams: here, and elsewhere once the bus says so."""
        made = insert(revoked_tokens).values(token_hash=claims.token_hash, expires_at=claims.expires_at)
        async with self._database.for_nobody() as connection:
            await connection.execute(made.on_conflict_do_nothing())
        # Told first: forgetting ends the socket or stream that this was asked over, and with it this.
        await self._bus.publish(CHANNEL, f"{int(claims.expires_at.timestamp())} {claims.token_hash.hex()}")
        self._forget(claims.token_hash, claims.expires_at)

    async def forget(self, user_id: str) -> None:
        """The user's data was deleted: end their sockets and streams, here and elsewhere, and let a token of theirs
        make them anew."""
        await self._bus.publish(CHANNEL, f"{ERASED} {user_id}")
        self._forget_user(user_id)

    async def look(self) -> None:
        """Close the sockets whose tokens were revoked, or whose users were deleted, wherever that was. Raises what the
        database raises."""
        held: dict[bytes, datetime] = {}
        users: set[str] = set()

        def note(caller: Caller) -> bool:
            if isinstance(caller, Admitted):
                held[caller.claims.token_hash] = caller.expires_at
                users.add(caller.user_id)
            return False

        self._sockets.end_where(note)
        if not held:
            self._epochs = {}
            return
        hashes = literal(list(held), ARRAY(LargeBinary))  # one parameter, however many there are
        began = time.monotonic()
        statement = select(revoked_tokens.c.token_hash).where(revoked_tokens.c.token_hash == any_(hashes))
        async with self._database.for_nobody() as connection:
            revoked = (await connection.execute(statement)).scalars().all()
            found = await connection.execute(_EPOCHS, {"users": sorted(users)})
            epochs = {user_id: epoch for user_id, epoch in found}
        for token_hash in revoked:
            self._forget(token_hash, held[token_hash])
        for user_id in users:
            if user_id not in epochs or self._epochs.get(user_id, epochs[user_id]) != epochs[user_id]:
                self._forget_user(user_id)
        self._epochs = epochs
        for token_hash in held.keys() & self._admitted.keys():  # who was forgotten meanwhile isn't among these
            self._admitted[token_hash] = self._admitted[token_hash][0], began + VOUCHED

    async def _is_admitted(self, identity: Identity) -> bool:
        """From memory, or from the database, asked once for all requests of a token that come at the same time."""
        key = identity.token_hash
        if self._admitted.get(key, ("", 0.0))[1] > time.monotonic():
            return True
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(admit(self._database, identity), name="admit")
            asking.add_done_callback(lambda done: self._answered(identity, done))
        try:
            return await asyncio.shield(asking)  # a client that hangs up doesn't take the answer from the others
        except Exception as error:  # the drivers' failures are no one tree
            if not is_away(error):
                raise
            raise RequestError(RequestErrorCode.TIMEOUT, "The database is away; try again.") from error

    def _answered(self, identity: Identity, asking: asyncio.Task[bool]) -> None:
        key = identity.token_hash
        del self._asking[key]
        if asking.cancelled() or asking.exception() is not None or not asking.result() or key in self._revoked:
            return
        self._admitted[key] = identity.user_id, time.monotonic() + REMEMBERED
        self._admitted.move_to_end(key)
        if len(self._admitted) > KEPT:
            self._admitted.popitem(last=False)

    def _forget(self, token_hash: bytes, expires_at: datetime) -> None:
        """Refuse the token without asking, and close its sockets. What has ended needs no memory."""
        now = clock.now()
        self._revoked = {one: end for one, end in self._revoked.items() if end > now}
        self._revoked[token_hash] = expires_at
        self._admitted.pop(token_hash, None)
        self._sockets.end_where(lambda caller: isinstance(caller, Admitted) and caller.claims.token_hash == token_hash)

    def _forget_user(self, user_id: str) -> None:
        """Ask the database anew who the user is, and close their sockets."""
        for token_hash in [one for one, (whose, _) in self._admitted.items() if whose == user_id]:
            del self._admitted[token_hash]
        self._epochs.pop(user_id, None)
        self._sockets.end_where(lambda caller: caller.user_id == user_id)

    async def _watch(self) -> None:
        """Hear of other replicas' revocations; look by itself where the bus may have missed one."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        async with self._bus.subscribe(CHANNEL) as heard:
            while True:
                try:
                    # By the last look, not the last message: those that do come don't vouch for one that was lost.
                    async with asyncio.timeout_at(looked + self._look_every):
                        item = await anext(heard)
                except TimeoutError:
                    item = None
                except StopAsyncIteration:
                    return
                if isinstance(item, Received):
                    self._hear(item.message)
                else:
                    await self._look_or_log()
                    looked = loop.time()

    def _hear(self, message: str) -> None:
        kind, _, user_id = message.partition(" ")
        if kind == ERASED:
            self._forget_user(user_id)
            return
        try:
            end, _, token_hash = message.partition(" ")
            self._forget(bytes.fromhex(token_hash), datetime.fromtimestamp(int(end), UTC))
        except (ValueError, OverflowError):
            log.warning("revocation_not_understood")

    async def _look_or_log(self) -> None:
        try:
            await self.look()
        except Exception as error:  # whatever the database's failure, the next look comes; else nobody would look again
            log.warning("revocations_not_read", error=type(error).__name__)
