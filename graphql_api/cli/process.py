"""What every long-running command needs of the process: an event loop, an end on SIGINT and SIGTERM, a socket."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from uvicorn.loops.auto import auto_loop_factory

from core.errors import ConfigurationError
from core.settings import Settings

Result = TypeVar("Result")

SILENT_PEER: Final = 60_000
"""Milliseconds after which a peer that takes in nothing of what was sent to it is gone. An event stream, whose
heartbeats nobody has to answer, would else be held for a quarter of an hour, and count among its user's."""

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


# Any: a coroutine is only awaited here, never sent to.
def run(action: Coroutine[Any, Any, Result]) -> Result:
    """Run it on the fastest event loop there is."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        return runner.run(action)


async def until_signal(action: Coroutine[Any, Any, None], end: Callable[[], bool] = lambda: False) -> None:
    """Run `action` to its end, or until a signal. Its `finally` blocks run: a signal's own effect would skip them.

    `end` may end it more gently and says whether it could; otherwise the first signal cancels it.
    """
    running = asyncio.create_task(action, name="command")
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not end() and not running.cancelling():
            running.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        await asyncio.wait([running])
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
    if not running.cancelled():
        running.result()


def check_address(settings: Settings) -> None:
    """Raises ConfigurationError for any but a loopback address in development mode."""
    try:
        loopback = settings.host == "localhost" or ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        loopback = False
    if settings.development and not loopback:
        raise ConfigurationError(
            f"TASKTALK_HOST: {settings.host} is not loopback, and no authentication is configured. "
            "Set BETTER_AUTH_URL or BETTER_AUTH_SECRET first."
        )


def bind(settings: Settings) -> socket.socket:
    """The socket to serve on; nobody can connect before it listens. Raises ConfigurationError."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if sys.platform == "linux":  # the connections that it accepts have it from it
                bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_PEER)
            bound.bind(address)
        except BaseException:
            bound.close()
            raise
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        raise ConfigurationError(f"TASKTALK_HOST, TASKTALK_PORT: {place} can't be used ({error.strerror}).") from error
    return bound


def address_of(bound: socket.socket) -> str:
    """The http URL of a bound socket: with port 0 only this knows the real one."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
