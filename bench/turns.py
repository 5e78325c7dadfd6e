"""The speed of a turn: Tasktalk, which stores everything, beside loops that store nothing or little.

All answer the same message with the same model: one tool call, then a text of 60 tokens. See bench/README.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import orjson

from bench import first_delta
from bench.load import Judge, Load, NewRequest, drive, post
from bench.peers import KINDS, peer_model, peer_servers
from bench.running import measured, names, numbers
from bench.servers import Server, environment, free_port, serving, tasktalk
from services.auth.development import issue, load_key

HERE = Path(__file__).parent
WARM = 50
"""Turns of each target before the first that counts."""

_TURN = """mutation Turn($input: SendMessageInput!) {
  sendMessage(input: $input) {
    turn { status reply { content } toolCalls { operation status task { id } } }
    conversation { id context }
    userErrors { code message }
  }
}"""


@dataclass(frozen=True)
class Target:
    """Something that answers turns."""

    server: Server
    request: NewRequest
    judge: Judge


@dataclass(frozen=True)
class Figures:
    """One target at one concurrency. Times in milliseconds, CPU a turn."""

    per_second: float
    p50: float
    p99: float
    cpu: float
    postgres: float
    resident_mb: float
    bad: float


def ours(server: Server, data_dir: Path) -> Target:
    """One request a turn, as a client sends it: another user on each connection, a new conversation each time."""
    key = load_key(data_dir)
    body = orjson.dumps({"query": _TURN, "variables": {"input": {"content": first_delta.SAID, "waitSeconds": 30}}})

    def judge(status: int, answer: bytes) -> bool:
        if status != 200:
            return False
        said = (orjson.loads(answer).get("data") or {}).get("sendMessage") or {}
        turn = said.get("turn") or {}
        calls = [call["status"] for call in turn.get("toolCalls", ())]
        return turn.get("status") == "COMPLETED" and bool(turn["reply"]["content"]) and calls == ["COMPLETED"]

    def request(number: int) -> bytes:
        if number not in requests:
            token = issue(key, f"bench-{number}", 24 * 3600)
            requests[number] = post(server.url, body, Authorization=f"Bearer {token}", Accept="application/json")
        return requests[number]

    requests: dict[int, bytes] = {}
    return Target(server, request, judge)


def bare(server: Server) -> Target:
    """A peer: POST /turn {text, model}."""
    request = post(server.url, orjson.dumps({"text": first_delta.SAID, "model": "fake"}))
    return Target(server, lambda _: request, lambda status, body: status == 200 and b"tok59" in body)


@contextmanager
def targets(options: argparse.Namespace, scratch: Path, model_url: str) -> Iterator[dict[str, Target]]:
    """Everything that was asked for, started and ready."""
    with ExitStack() as stack:
        made: dict[str, Target] = {}
        if options.peers:
            found = peer_servers(options.peers, options.peers_python, scratch, model_url, options.kinds)
            made |= {kind: bare(server) for kind, server in stack.enter_context(found).items()}
        else:
            port = free_port()
            command = (sys.executable, str(HERE / "bare_turn.py"), str(port), model_url)
            started = serving(command, port, scratch / "bare.log", environment(), "/turn")
            made["bare"] = bare(stack.enter_context(started))
        data_dir = scratch / "data"
        data_dir.mkdir(exist_ok=True)
        made["tasktalk"] = ours(stack.enter_context(tasktalk(data_dir, model_url, "fake")), data_dir)
        yield made


@contextmanager
def fake_model(options: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The model all of them ask; its base URL."""
    port = free_port()
    if options.peers:
        with peer_model(options.peers, options.peers_python, port, scratch):
            yield f"http://127.0.0.1:{port}/v1"
    else:
        command = (sys.executable, str(HERE / "fake_model.py"), str(port))
        with serving(command, port, scratch / "model.log", environment()):
            yield f"http://127.0.0.1:{port}/v1"


async def _stretch(target: Target, concurrency: int, seconds: float) -> Figures:
    server = target.server
    before, before_pg = server.cpu(), server.postgres_cpu()
    load: Load = await drive(
        server.url, target.request, target.judge, concurrency=concurrency, seconds=seconds, least=concurrency
    )
    return Figures(
        per_second=load.per_second,
        p50=load.p50,
        p99=load.p99,
        cpu=(server.cpu() - before) * 1000 / load.turns,
        postgres=(server.postgres_cpu() - before_pg) * 1000 / load.turns,
        resident_mb=server.resident() / 1e6,
        bad=load.bad,
    )


async def compare(
    made: Mapping[str, Target], concurrency: int, rounds: int, seconds: float
) -> dict[str, tuple[Figures, list[Figures]]]:
    """Medians over rounds in which the targets take turns, and each round's figures."""
    seen: dict[str, list[Figures]] = {name: [] for name in made}
    for target in made.values():
        warm = await drive(
            target.server.url, target.request, target.judge, concurrency=concurrency, seconds=0, least=WARM
        )
        if warm.bad:
            raise SystemExit(f"{warm.bad} of {warm.turns} answers of {target.server.url} are wrong")
    for _ in range(rounds):
        for name, target in made.items():
            seen[name].append(await _stretch(target, concurrency, seconds))
    return {name: (_median(all_), all_) for name, all_ in seen.items()}


def _median(seen: Sequence[Figures]) -> Figures:
    return Figures(**{field: median(asdict(one)[field] for one in seen) for field in asdict(seen[0])})


def table(found: Mapping[str, Figures]) -> str:
    """Markdown. A ratio of turns above 1 and of CPU below 1 is better than that target."""
    bases = [name for name in ("bare", "chatkit") if name in found]
    heads = ["", "turns/s", "p50 ms", "p99 ms", "CPU ms", "PostgreSQL ms", "MB", "wrong"]
    heads += [f"{what} ÷ {base}" for base in bases for what in ("turns", "CPU", "CPU with PostgreSQL")]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for name, one in found.items():
        cells = [name, f"{one.per_second:.1f}", f"{one.p50:.1f}", f"{one.p99:.1f}", f"{one.cpu:.2f}"]
        cells += [f"{one.postgres:.2f}", f"{one.resident_mb:.0f}", f"{one.bad:.0f}"]
        for base in bases:
            other = found[base]
            cells += [f"{one.per_second / other.per_second:.2f}", f"{one.cpu / other.cpu:.2f}"]
            cells += [f"{(one.cpu + one.postgres) / (other.cpu + other.postgres):.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


async def run(options: argparse.Namespace, scratch: Path) -> dict[str, object]:
    """Everything, printed as it comes; what was measured."""
    results: dict[str, object] = {}
    with fake_model(options, scratch) as model_url, targets(options, scratch, model_url) as made:
        for concurrency in options.concurrency:
            found = await compare(made, concurrency, options.rounds, options.seconds)
            medians = {name: middle for name, (middle, _) in found.items()}
            print(f"\nConcurrency {concurrency}, medians of {options.rounds} × {options.seconds} s\n")
            print(table(medians), flush=True)
            results[f"turns at {concurrency}"] = {
                name: {"median": asdict(middle), "rounds": [asdict(one) for one in all_]}
                for name, (middle, all_) in found.items()
            }
        if options.first_delta:
            bare_url = made["bare"].server.url if "bare" in made else None
            results["first delta"] = await first_delta.compare(
                model_url, bare_url, scratch, options.concurrency, options.first_delta
            )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="a directory with fake_llm.py and peers/py_turns.py")
    parser.add_argument("--peers-python", default=sys.executable, help="the Python that has what the peers need")
    parser.add_argument("--kinds", type=names, default=list(KINDS), help="which peers")
    parser.add_argument("--concurrency", type=numbers, default=[1, 16])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each round and target")
    parser.add_argument("--first-delta", type=int, default=200, help="turns to time the first delta of; 0: none")
    parser.add_argument("--json", type=Path, help="where every figure goes")
    options = parser.parse_args()
    measured(options, run)


if __name__ == "__main__":
    main()
