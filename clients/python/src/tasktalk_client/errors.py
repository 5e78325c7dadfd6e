"""What a program that uses the client has to know of: each says in one sentence what happened."""

from __future__ import annotations

from typing import Final

UNREADABLE: Final = "The server's answer can't be read: is it a Tasktalk server of this version?"

_PASSING: Final = frozenset({"INTERNAL", "TIMEOUT", "RATE_LIMITED"})


class ClientError(Exception):
    """The root of them. `message` can be shown to a person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refused(ClientError):
    """The server won't have this client: its token, its address, or what it speaks."""


class ServerLost(ClientError):
    """No server answers and no more tries are left, or a mutation's answer was lost with the socket."""


class OperationFailed(ClientError):
    """A top-level error of the contract. `code` is its `extensions.code`, empty where it had none."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    @property
    def passing(self) -> bool:
        """Whether asking again later may help."""
        return self.code in _PASSING


class TurnGone(OperationFailed):
    """The turn that was followed doesn't exist any more: its conversation was deleted."""

    def __init__(self) -> None:
        super().__init__("The message and its answer are gone.", "NOT_FOUND")
