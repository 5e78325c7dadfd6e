"""The open sockets and event streams of this process, by user: how many there may be, and ending those whose token
was revoked."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

from core.clock import now
from graphql_api.transport.hooks import Identity


class Socket(Protocol):
    """A connection that can be told to end."""

    @property
    def identity(self) -> Identity | None: ...

    def end(self) -> None:
        """End as at the token's end, soon; doesn't wait for it."""
        ...


class SocketRegistry:
    """Counts and finds connections: sockets, and event streams among them. `per_user` 0 is no limit. One event loop
    only. Whoever stops the server sets `stopping` first: event streams don't end by themselves."""

    def __init__(self, per_user: int) -> None:
        self.stopping = asyncio.Event()
        self._per_user = per_user
        self._sockets: defaultdict[str, set[Socket]] = defaultdict(set)

    def __len__(self) -> int:
        return sum(map(len, self._sockets.values()))

    def add(self, user_id: str, socket: Socket) -> bool:
        """Whether the user may have this socket as well; if so it is counted."""
        sockets = self._sockets[user_id]
        if self._per_user and len(sockets) >= self._per_user:
            return False
        sockets.add(socket)
        return True

    def remove(self, user_id: str, socket: Socket) -> None:
        """Count it no more. A socket that isn't counted is no error."""
        sockets = self._sockets.get(user_id, set())
        sockets.discard(socket)
        if not sockets:
            self._sockets.pop(user_id, None)

    def end_where(self, matches: Callable[[Identity], bool]) -> int:
        """Close the sockets whose identity matches; how many there were."""
        found = [
            socket
            for sockets in self._sockets.values()
            for socket in sockets
            if socket.identity is not None and matches(socket.identity)
        ]
        for socket in found:
            socket.end()
        return len(found)


def end_of(identity: Identity) -> float | None:
    """When the token ends, by the event loop's clock."""
    if identity.expires_at is None:
        return None
    seconds = max(0.0, (identity.expires_at - now()).total_seconds())
    return asyncio.get_running_loop().time() + seconds
