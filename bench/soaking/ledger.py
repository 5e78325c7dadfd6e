"""What the readers of changes had, against the log in the database: lost, repeated, out of order, and how late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import psycopg

from bench.soaking.changes import Reader

_ROWS = "SELECT user_id, seq, kind, extract(epoch FROM at)::float8 FROM tasktalk.change_log ORDER BY user_id, seq"
_ENDS = "SELECT user_id, seq FROM tasktalk.change_counters"


@dataclass
class Round:
    """One fault, from when it began until every reader had caught up."""

    fault: str
    began: float
    ended: float = 0.0
    silences: list[float] = field(default_factory=list)
    lost: int = 0
    repeated: int = 0
    disordered: int = 0


async def ends(dsn: str) -> dict[str, int]:
    """How far each user's log goes now. Raises psycopg.OperationalError."""
    async with await psycopg.AsyncConnection.connect(dsn, connect_timeout=5) as connection:
        return dict(await (await connection.execute(_ENDS)).fetchall())


async def settle_accounts(dsn: str, readers: Sequence[Reader], rounds: Sequence[Round]) -> dict[str, int]:
    """Note in each round what was lost, repeated or late of the changes committed in it; what must be 0 beside them."""
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        rows = await (await connection.execute(_ROWS)).fetchall()
    logs: dict[str, dict[int, tuple[str, float]]] = {}
    for user, seq, kind, at in rows:
        logs.setdefault(user, {})[seq] = kind, at
    gaps = sum(list(log) != list(range(1, len(log) + 1)) for log in logs.values())
    invented = 0
    for reader in readers:
        log = logs[reader.user]
        moments = {seq: at for seq, (kind, at) in log.items() if reader.kinds is None or kind in reader.kinds}
        for stretch in reader.stretches:
            expected = [seq for seq in moments if stretch.after < seq <= stretch.up_to]
            seen = set(stretch.seen)
            for seq in expected:
                if seq not in seen:
                    _round_of(rounds, moments[seq]).lost += 1
            if len(seen) < len(stretch.seen):
                repeated = len(stretch.seen) - len(seen)
                _round_of(rounds, moments.get(stretch.seen[-1], 0.0)).repeated += repeated
            if stretch.seen != sorted(stretch.seen):
                _round_of(rounds, moments.get(stretch.seen[-1], 0.0)).disordered += 1
            invented += len(seen - set(expected))
        _note_silences(reader, moments, rounds)
    return {"gaps in a log": gaps, "changes that aren't in the log": invented}


def _round_of(rounds: Sequence[Round], moment: float) -> Round:
    """The round in which that was committed; the first for what came before all of them."""
    found = rounds[0]
    for one in rounds:
        if one.began <= moment:
            found = one
    return found


def _note_silences(reader: Reader, moments: dict[int, float], rounds: Sequence[Round]) -> None:
    """The longest that this reader waited for a change of each round."""
    for one in rounds:
        waits = [
            reader.arrived[seq] - at
            for seq, at in moments.items()
            if one.began <= at < one.ended and seq in reader.arrived
        ]
        if waits:
            one.silences.append(max(waits))


def table(rounds: Sequence[Round]) -> str:
    """Fault, times, the longest silence of all readers (the worst round and the median one), lost, repeated, order."""
    lines = ["| fault | times | longest silence, s | median of rounds, s | lost | repeated | out of order |"]
    lines.append("|---|---|---|---|---|---|---|")
    for fault in dict.fromkeys(one.fault for one in rounds):
        mine = [one for one in rounds if one.fault == fault]
        worst = [max(one.silences, default=0.0) for one in mine]
        counts = [sum(getattr(one, name) for one in mine) for name in ("lost", "repeated", "disordered")]
        cells = [fault, len(mine), f"{max(worst):.2f}", f"{median(worst):.2f}", *counts]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)
