"""The socket that is served on: what the connections that it accepts have from it."""

from __future__ import annotations

import socket
import sys

from core.settings import Settings
from graphql_api.cli.process import SILENT_PEER, bind


def test_a_peer_that_takes_in_nothing_is_gone_after_a_minute() -> None:
    """Of an event stream nobody has to answer the heartbeats: else only the kernel's patience, 15 minutes, ends it."""
    with bind(Settings(port=0)) as bound:
        bound.listen()
        with socket.create_connection(bound.getsockname()), bound.accept()[0] as accepted:
            if sys.platform == "linux":
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == SILENT_PEER == 60_000
