"""What a subscription has to offer so that operations which ask for the same share its results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from events.cursors import Cursor


@dataclass(frozen=True, slots=True)
class Step:
    """What follows a place in the log: events, each with the place that it leads to, and the place behind them all."""

    events: Sequence[tuple[Cursor, Any]]  # Any: the events are the subscription's own
    end: Cursor
    rows: Mapping[UUID | None, object] = field(default_factory=dict)
    """Rows that the events refer to, by id, which needn't be read."""


class Live(ABC):
    """Steps as they come, with nothing that runs while none does. To be closed."""

    over: bool
    """Nothing comes any more: the server stops."""

    @abstractmethod
    async def take(self) -> Step | None:
        """The next step, None where there is none yet. Raises what ends the subscription."""

    @abstractmethod
    def owe(self, place: Cursor) -> None:
        """Someone joins who was last told of this place."""

    @abstractmethod
    def close(self) -> None: ...


class Shareable(ABC):
    """A subscription's source. Whoever reads an equal `key` with an equal document may see the same results, whatever
    token they came with: results are read in contexts of `reading`, which know the user and no token."""

    key: Hashable

    @abstractmethod
    def begin(self) -> AsyncGenerator[Step, None]:
        """From where the caller asked to begin, on without end."""

    @abstractmethod
    def resume(self, place: Cursor) -> AsyncGenerator[Step, None]:
        """From a place that the caller had come to."""

    @abstractmethod
    def live(self, place: Cursor, wake: Callable[[], None]) -> Live:
        """From a place on; `wake` is called whenever there may be a step to take."""

    @abstractmethod
    def reading(self, step: Step) -> AbstractAsyncContextManager[Any]:
        """A context to read results of one step in."""
