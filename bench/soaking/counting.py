"""What is left at the end: counted from the database alone, against what was acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

import psycopg

from bench.soaking.killing import Kill
from bench.soaking.talking import Acknowledged
from bench.soaking.watching import LIVE

_TWICE = {
    "messages stored twice": "SELECT content FROM tasktalk.messages WHERE sender = 'USER' GROUP BY 1",
    "turns twice": "SELECT message_id FROM tasktalk.turns GROUP BY 1",
    "replies twice": "SELECT turn_id FROM tasktalk.messages WHERE sender = 'ASSISTANT' GROUP BY 1",
    "tasks twice": "SELECT title FROM tasktalk.tasks GROUP BY 1",
    "calls completed twice": "SELECT message_id FROM tasktalk.tool_calls WHERE status = 'COMPLETED' GROUP BY 1",
}
_UNDONE = """SELECT count(*) FROM tasktalk.turns t JOIN tasktalk.messages m ON m.id = t.message_id
WHERE t.status = 'COMPLETED' AND NOT EXISTS
  (SELECT FROM tasktalk.tasks WHERE user_id = t.user_id AND 'add ' || title = m.content)"""
_LEASES = "SELECT coalesce(max(lost_leases), 0), coalesce(sum(lost_leases), 0) FROM tasktalk.turns"


@dataclass
class Report:
    """`zeros` must all be 0; the rest is told."""

    zeros: dict[str, int] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return not any(self.zeros.values())

    def __str__(self) -> str:
        lines = [*self.told.items(), *((name, str(count)) for name, count in self.zeros.items())]
        width = max(len(name) for name, _ in lines)
        return "\n".join(f"{name.ljust(width)}  {value}" for name, value in lines)


async def count(
    connection: psycopg.AsyncConnection, acknowledged: Sequence[Acknowledged], kills: Sequence[Kill]
) -> Report:
    """Read the database once all is quiet."""
    report = Report()
    rows = await _rows(connection, "SELECT id, status, error_code FROM tasktalk.turns")
    states = {turn: (status, code) for turn, status, code in rows}
    known = [states.get(one.turn) for one in acknowledged]
    report.told["acknowledged"] = str(len(acknowledged))
    report.told["stored, not acknowledged"] = str(len(states) - len([one for one in known if one is not None]))
    report.told["completed"] = str(sum(status == "COMPLETED" for status, _ in states.values()))
    failed = [code for status, code in states.values() if status == "FAILED"]
    report.told["failed"] = ", ".join(f"{code} {failed.count(code)}" for code in sorted(set(failed))) or "0"
    report.zeros["lost"] = sum(one is None for one in known)
    report.zeros["not ended"] = sum(status in LIVE for status, _ in states.values())
    report.zeros["cancelled with nobody asking"] = sum(status == "CANCELLED" for status, _ in states.values())
    for name, grouped in _TWICE.items():
        found = await _rows(connection, f"SELECT count(*) FROM ({grouped} HAVING count(*) > 1) AS twice")
        report.zeros[name] = found[0][0]
    report.zeros["completed without effect"] = (await _rows(connection, _UNDONE))[0][0]
    most, lost = (await _rows(connection, _LEASES))[0]
    report.told["leases lost"] = f"{lost}, of one turn at most {most}"
    _tell_kills(report, kills)
    return report


def _tell_kills(report: Report, kills: Sequence[Kill]) -> None:
    report.told["kills"] = str(len(kills))
    report.told["turns under way at a kill"] = str(sum(len(kill.held) for kill in kills))
    restarted, left = [kill for kill in kills if not kill.left], [kill for kill in kills if kill.left]
    # A worker begins a moment before its server says that it is ready; where a start takes long, another comes first.
    spans: dict[str, tuple[Iterable[Kill], Callable[[Kill], float]]] = {
        "resumed, s after its server was ready": (restarted, lambda kill: kill.ready),
        "resumed, s after its server's start": (restarted, lambda kill: kill.started),
        "resumed, s after the kill, by others": (left, lambda kill: kill.at),
    }
    for name, (chosen, since) in spans.items():
        times = [max(0.0, moment - since(kill)) for kill in chosen for moment in kill.resumed.values()]
        report.told[name] = _spread(times)
    early = sum(moment < kill.ready for kill in restarted for moment in kill.resumed.values())
    report.told["of them resumed before it was ready"] = str(early)
    starts = [kill.ready - kill.started for kill in kills]
    report.told["a process's start, s"] = _spread(starts)


def _spread(times: Sequence[float]) -> str:
    if len(times) < 2:
        return f"{len(times)} of them" + "".join(f": {one:.2f}" for one in times)
    p90 = quantiles(times, n=10, method="inclusive")[-1]
    return f"median {median(times):.2f}, p90 {p90:.2f}, max {max(times):.2f}, of {len(times)}"


async def _rows(connection: psycopg.AsyncConnection, statement: str) -> list[Any]:  # Any: rows of SQL
    return await (await connection.execute(statement)).fetchall()
