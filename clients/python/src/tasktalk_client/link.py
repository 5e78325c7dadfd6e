"""The server, whichever socket leads to it just now: opening, losing, replacing it, and keeping its token fresh."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from tasktalk_client.documents import REFRESH
from tasktalk_client.errors import ClientError, OperationFailed, Refused, ServerLost
from tasktalk_client.socket import TOKEN_REFUSED, Data, Lost, Socket
from tasktalk_client.tokens import expiry

Source = str | Callable[[], Awaitable[str]]
"""A value, or what to ask for one each time it is needed."""

_log = logging.getLogger("tasktalk_client")
_REFRESH_SECONDS: Final = 10.0  # for the server's answer


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait before each try: for a server never seen yet, and for one that was lost."""

    first: Callable[[], Iterable[float]]
    again: Callable[[], Iterable[float]]


def _backoff() -> Iterator[float]:
    """From a tenth of a second to five, for some ten minutes. Spread widely: a server that restarts loses all of its
    clients in one moment."""
    for attempt in range(120):
        yield min(5.0, 0.1 * 2.0**attempt) * random.uniform(0.5, 1.5)  # noqa: S311  # spreads clients, hides nothing


PATIENCE: Final = Patience(first=lambda: (0.1, 0.3, 0.6, 1.0), again=_backoff)


class Link:
    """`url` and `token` are asked for before each try. `on_state` hears False when the server was lost and True when
    it is back. `refresh_before`: seconds before the token's end."""

    def __init__(
        self,
        url: Source,
        token: Source,
        *,
        on_state: Callable[[bool], None] | None,
        patience: Patience,
        refresh_before: float,
        operations: int,
    ) -> None:
        self._url = url
        self._token = token
        self._on_state = on_state
        self._patience = patience
        self._refresh_before = refresh_before
        self._operations = operations
        self._delays = iter(patience.first())
        self._opening = asyncio.Lock()
        self._socket: Socket | None = None
        self._retired: list[Socket] = []
        self._refused = ""
        self._renewing: asyncio.Task[None] | None = None
        self._present = True
        self._over = False

    async def close(self) -> None:
        """End the sockets and all that runs on them."""
        self._over = True
        await self._stop_renewing()
        for socket in [self._socket, *self._retired]:
            if socket is not None:
                await socket.close()

    async def socket(self) -> Socket:
        """An open socket. Raises Refused, or ServerLost where no try is left."""
        async with self._opening:
            while self._socket is None or self._socket.closed or self._socket.retired:
                if self._over:
                    raise ServerLost("The client is closed.")
                if self._socket is not None and not self._socket.retired:
                    await self._lose(self._socket)
                await self._try()
            return self._socket

    async def pause(self, failure: ClientError) -> None:
        """Wait before another try, longer each time. Raises `failure` where no try is left."""
        delay = next(self._delays, None)
        if delay is None:
            raise failure
        await asyncio.sleep(delay)

    def is_well(self) -> None:
        """Something arrived: whatever goes wrong next is a new fault, with all its tries."""
        self._delays = iter(self._patience.again())

    async def _lose(self, socket: Socket) -> None:
        self._socket = None
        if socket.code in TOKEN_REFUSED:
            self._refused = socket.token
        self._report(present=False)
        await self.pause(ServerLost("The server is gone."))

    async def _try(self) -> None:
        url, token = await _value(self._url), await _value(self._token)
        if token == self._refused:
            raise Refused("The server refused the token.")
        await self._stop_renewing()
        try:
            opened = await Socket.open(url, token, self._operations)
        except Lost:
            await self.pause(ServerLost(f"No server answers at {url}."))
            return
        if self._over:
            await opened.close()
            raise ServerLost("The client is closed.")
        self._socket = opened
        self._report(present=True)
        await self._end_idle()
        if callable(self._token):
            self._renewing = asyncio.create_task(self._renew(opened), name="tasktalk token")

    def _report(self, *, present: bool) -> None:
        if present != self._present:
            self._present = present
            if self._on_state is not None:
                self._on_state(present)

    # ---------------------------------------------------------------- the token
    async def _renew(self, socket: Socket) -> None:
        """Before the token ends, go on under a fresh one: over the same socket where the server can, else another."""
        while not socket.closed and (end := expiry(socket.token)) is not None:
            left = end - time.time()
            # Half of a short life: a token that lives shorter than `refresh_before` must not be asked for ever.
            await asyncio.sleep(max(0.0, left - min(self._refresh_before, left / 2)))
            fresh = await self._fresh(socket, end)
            if fresh is None:
                return  # the server ends the socket with the token, and the next one asks again
            if not await _refresh(socket, fresh):
                self._replace(socket)
                return
            socket.token = fresh

    async def _fresh(self, socket: Socket, end: float) -> str | None:
        """Another token than the one in use; None where there is none by its end."""
        while not socket.closed:
            try:
                token = await _value(self._token)
            # A boundary: the program's own code, which may fail in any way, and may do better before the token ends.
            except Exception as error:
                _log.warning("no fresh token: %s", type(error).__name__)
            else:
                if token != socket.token:
                    return token
            if (left := end - time.time()) <= 0:
                return None
            await asyncio.sleep(max(1.0, left / 2))
        return None

    def _replace(self, socket: Socket) -> None:
        """Requests that run are still answered on the old one, until its token ends."""
        self._renewing = None
        self._retired.append(socket)
        socket.retire()

    async def _end_idle(self) -> None:
        for socket in [one for one in self._retired if one.idle or one.closed]:
            self._retired.remove(socket)
            await socket.close()

    async def _stop_renewing(self) -> None:
        task, self._renewing = self._renewing, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])


async def _value(source: Source) -> str:
    return source if isinstance(source, str) else await source()


async def _refresh(socket: Socket, token: str) -> bool:
    """Whether the server goes on with this socket under that token. False where it doesn't know how to, too."""
    try:
        async with asyncio.timeout(_REFRESH_SECONDS):
            running = socket.operate_now(REFRESH, {"input": {"token": token}}, lasting=False)
            async with aclosing(running) as answers:
                return _is_refreshed([data async for data in answers])
    except (OperationFailed, Lost, TimeoutError):
        return False


def _is_refreshed(answers: list[Data]) -> bool:
    match answers:
        case [{"refreshAuthentication": {"userErrors": []}}]:
            return True
    return False
