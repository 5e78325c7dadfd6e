"""What an action costs, by the clock and in CPU time of this process and of a backend of PostgreSQL's: on a machine
that others use the latter says more. Linux only."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Cost:
    """Milliseconds."""

    wall: float
    cpu: float


def backend_cpu(pid: int) -> float:
    """Seconds that a process has run (Linux)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


async def best_of(times: int, pid: int, action: Callable[[], Awaitable[Any]]) -> Cost:
    costs = []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time() + backend_cpu(pid)
        await action()
        costs.append(((time.perf_counter() - wall) * 1e3, (time.process_time() + backend_cpu(pid) - cpu) * 1e3))
    return Cost(min(wall for wall, _ in costs), min(cpu for _, cpu in costs))
