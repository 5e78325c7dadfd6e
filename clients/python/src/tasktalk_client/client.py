"""The client: requests and subscriptions over one socket that is opened anew when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import Final

from tasktalk_client.changes import Change, Repeats, ResyncRequired, read_change
from tasktalk_client.documents import CHANGES, FOLLOW_TURN, READ_TURN, is_repeatable
from tasktalk_client.errors import UNREADABLE, OperationFailed, ServerLost, TurnGone
from tasktalk_client.link import PATIENCE, Link, Patience, Source
from tasktalk_client.socket import Data, Lost, Socket
from tasktalk_client.turns import ENDED, TurnView

_LOSSES: Final = 20  # of the socket, under one request that was sent
_MESSAGE_REFUSED: Final = frozenset({1009, 4400})

Variables = Mapping[str, object]
_NONE: Final[Variables] = MappingProxyType({})


class Client:
    """Use as an async context manager; it connects with the first request.

    `url`: the server's address. `token`: a bearer token, or what gives one: it is asked at each connection and
    `refresh_before` seconds before the token's end, and must give a fresh one then. Either may be an async function.
    `on_state` hears False when the server was lost and True when it is back. `answer_seconds`: how long a request may
    take on an open socket. `operations`: how many the server lets run in one socket (its limit); more wait.
    """

    def __init__(
        self,
        url: Source,
        token: Source,
        *,
        on_state: Callable[[bool], None] | None = None,
        patience: Patience = PATIENCE,
        refresh_before: float = 30.0,
        answer_seconds: float = 90.0,
        operations: int = 20,
    ) -> None:
        self._answer_seconds = answer_seconds
        self._link = Link(
            url,
            token,
            on_state=on_state,
            patience=patience,
            refresh_before=refresh_before,
            operations=operations,
        )

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._link.close()

    async def execute(self, document: str, variables: Variables = _NONE, *, repeat: bool | None = None) -> Data:
        """The `data` of a query or mutation.

        Where the socket is lost before the answer, it is sent again if it is a query, or a mutation whose input has an
        `idempotencyKey`; `repeat` says otherwise. Raises OperationFailed, Refused, and ServerLost: also where a
        mutation can't be sent again, and whether it was done isn't known.
        """
        again = is_repeatable(document, variables) if repeat is None else repeat
        losses = 0
        while losses < _LOSSES:
            socket = await self._link.socket()
            try:
                answer = await self._answer(socket, document, variables)
            except Lost as lost:
                if lost.code in _MESSAGE_REFUSED:
                    raise OperationFailed("The server can't take this request: it is too large or malformed.") from None
                if lost.sent and not again:
                    raise ServerLost("The server was lost in mid-answer; whether it was done isn't known.") from None
                losses += lost.sent
            else:
                self._link.is_well()
                return answer
        raise ServerLost("The server was lost again and again while it answered.")

    async def subscribe(
        self, document: str, variables: Variables | Callable[[], Variables] = _NONE
    ) -> AsyncGenerator[Data, None]:
        """The `data` of each result of a subscription, until the server completes it.

        On a new socket it is made anew, with the `variables` of then: give a function where it has a place to resume
        from. Raises OperationFailed, Refused and ServerLost.
        """
        while True:
            socket = await self._link.socket()
            given = variables() if callable(variables) else variables
            try:
                async with aclosing(socket.operate(document, given, lasting=True)) as answers:
                    async for data in answers:
                        self._link.is_well()
                        yield data
                return
            except Lost:
                continue
            except OperationFailed as failure:
                if not failure.passing:
                    raise
                await self._link.pause(failure)

    async def changes(
        self,
        after: str | None = None,
        *,
        kinds: Iterable[str] | None = None,
        conversation_id: str | None = None,
        document: str = CHANGES,
    ) -> AsyncGenerator[Change, None]:
        """Every change after a cursor (without one: from now on), in order, each once, whatever happens to the socket.

        Keep the `cursor` of the last one to go on later. ResyncRequired says that the log doesn't reach back to
        `after`: read everything again; the changes go on from there. `document` may select less, or more, of
        `subscription($after: String, …) { changes(after: $after) { __typename cursor … } }`.
        """
        place = after
        chosen = list(kinds) if kinds is not None else None
        seen = Repeats()

        def variables() -> Variables:
            given = {"after": place, "kinds": chosen, "conversationId": conversation_id}
            return {name: value for name, value in given.items() if value is not None}

        while True:
            async with aclosing(self.subscribe(document, variables)) as events:
                async for data in events:
                    change = read_change(data.get("changes"))
                    if isinstance(change, ResyncRequired):
                        seen = Repeats()
                    elif seen.has(change.cursor, change.kind):
                        continue
                    place = change.cursor
                    yield change
            # A server that shuts down completes its subscriptions first.
            await self._link.pause(ServerLost("The server stopped telling what changes."))

    async def turn(
        self, turn_id: str, *, follow: str = FOLLOW_TURN, read: str = READ_TURN
    ) -> AsyncGenerator[TurnView, None]:
        """A turn as it happens, to its end, whatever happens to the socket: the same view after each update.

        Raises TurnGone where there is no such turn (any more). `follow` and `read` may be other documents than the
        library's own; of a turn they select `status reply { content } toolCalls { id }` and what they like.
        """
        view = TurnView(turn_id)
        while True:
            try:
                async with aclosing(self.subscribe(follow, {"id": turn_id})) as updates:
                    async for data in updates:
                        view.apply(data.get("turn"))
                        yield view
                        if view.ended:
                            return
            except OperationFailed as failure:
                if failure.code == "DOCUMENT_INVALID":  # so is the id of a turn that is gone
                    await self._read_turn(read, turn_id)
                raise
            # The stream ended before the turn did; or it did meanwhile.
            turn = await self._read_turn(read, turn_id)
            if turn.get("status") in ENDED:
                view.apply({"__typename": "TurnEnded", "turn": turn})
                yield view
                return
            await self._link.pause(ServerLost("The server stopped following the answer; it may still come."))

    async def _read_turn(self, document: str, turn_id: str) -> Data:
        match await self.execute(document, {"id": turn_id}):
            case {"turn": None}:
                raise TurnGone
            case {"turn": dict(turn)}:
                return turn
        raise OperationFailed(UNREADABLE)

    async def _answer(self, socket: Socket, document: str, variables: Variables) -> Data:
        try:
            async with (
                asyncio.timeout(self._answer_seconds),
                aclosing(socket.operate(document, variables, lasting=False)) as answers,
            ):
                async for data in answers:
                    return data
        except TimeoutError:
            raise OperationFailed("The server didn't answer in time.", "TIMEOUT") from None
        raise OperationFailed("The server ended the request without an answer.")
