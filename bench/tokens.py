"""What a token costs on its way from the model to the client, and how long it takes: Tasktalk beside its peers.

See bench/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.load import quantile
from bench.peers import peer_servers
from bench.running import measured, names, numbers
from bench.servers import Server, tasktalk
from bench.streams import Arrivals, Stream, posted, relayed, subscribed
from bench.turns import fake_model
from services.auth.development import issue, load_key

KINDS = ("aisdk", "bare", "relay", "chatkit")
SAID = "tell me something long"
APART = 0.003
"""Seconds between the beginnings of two streams: fifty people don't press a key at once."""


@dataclass(frozen=True)
class Target:
    """Something that streams a model's tokens to a client."""

    server: Server
    stream: Stream


@dataclass(frozen=True)
class Figures:
    """One stretch of one target. Times in milliseconds, CPU in microseconds a token; `pieces`: tokens that came one by
    one, of all; `driver`: the share of one core that the driver took."""

    p50: float
    p90: float
    p99: float
    longest: float
    lost: float
    cpu: float
    postgres: float
    pieces: float
    resident_mb: float
    driver: float


def model_name(options: argparse.Namespace) -> str:
    """A model without tool calls, paced and stamped, in the words of both fake models."""
    return f"fake:ts,tools=0,rounds=0,tokens={options.tokens},delay={1 / options.rate:g}"


@contextmanager
def targets(options: argparse.Namespace, scratch: Path, model_url: str) -> Iterator[dict[str, Target]]:
    """Everything that was asked for, started and ready."""
    model = model_name(options)
    with ExitStack() as stack:
        made: dict[str, Target] = {}
        if options.peers:
            found = peer_servers(options.peers, options.peers_python, scratch, model_url, options.kinds)
            for kind, server in stack.enter_context(found).items():
                plain = {"text": SAID, "model": model, "stream": True}
                made[kind] = Target(
                    server, relayed(server.url, model) if kind == "relay" else posted(server.url, plain)
                )
        data_dir = scratch / "data"
        data_dir.mkdir(exist_ok=True)
        server = stack.enter_context(tasktalk(data_dir, model_url, model))
        key = load_key(data_dir)

        def bearer(number: int) -> str:
            return f"Bearer {issue(key, f'bench-{number}', 24 * 3600)}"

        made["tasktalk"] = Target(server, subscribed(server.url, bearer, SAID))
        yield made


async def _stretch(target: Target, streams: int, tokens: int) -> Figures:
    server = target.server
    before, before_pg = server.cpu(), server.postgres_cpu()
    drove, began = time.process_time(), time.perf_counter()
    all_ = [Arrivals() for _ in range(streams)]

    async def client(number: int) -> None:
        await asyncio.sleep(number * APART)
        await target.stream(number, all_[number])

    async with asyncio.TaskGroup() as group:
        for number in range(streams):
            group.create_task(client(number))
    drove, elapsed = time.process_time() - drove, time.perf_counter() - began
    took = [one for arrivals in all_ for one in arrivals.took]
    count = max(1, len(took))
    return Figures(
        p50=quantile(took, 0.5),
        p90=quantile(took, 0.9),
        p99=quantile(took, 0.99),
        longest=quantile(took, 1),
        lost=streams * tokens - len(took),
        cpu=(server.cpu() - before) * 1e6 / count,
        postgres=(server.postgres_cpu() - before_pg) * 1e6 / count,
        pieces=sum(arrivals.pieces for arrivals in all_) / count,
        resident_mb=server.resident() / 1e6,
        driver=drove / elapsed,
    )


async def compare(made: Mapping[str, Target], streams: int, options: argparse.Namespace) -> dict[str, list[Figures]]:
    """Each round's figures. The targets take turns."""
    seen: dict[str, list[Figures]] = {name: [] for name in made}
    for _ in range(options.rounds):
        for name, target in made.items():
            seen[name].append(await _stretch(target, streams, options.tokens))
    return seen


def _median(seen: Sequence[Figures]) -> Figures:
    return Figures(**{field: median(asdict(one)[field] for one in seen) for field in asdict(seen[0])})


def table(found: Mapping[str, Figures]) -> str:
    """Markdown. The last columns are Tasktalk's terms: this row's CPU as a share of the first row's, and so p99."""
    base = next(iter(found.values()))
    heads = ["", "p50 ms", "p90 ms", "p99 ms", "longest", "lost", "CPU µs a token", "PostgreSQL µs", "pieces ÷ tokens"]
    heads += ["MB", "driver", "CPU ÷ first", "p99 ÷ first"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for name, one in found.items():
        cells = [name, f"{one.p50:.2f}", f"{one.p90:.2f}", f"{one.p99:.2f}", f"{one.longest:.0f}", f"{one.lost:.0f}"]
        cells += [f"{one.cpu:.0f}", f"{one.postgres:.0f}", f"{one.pieces:.2f}", f"{one.resident_mb:.0f}"]
        cells += [f"{one.driver:.0%}", f"{one.cpu / base.cpu:.2f}", f"{one.p99 / base.p99:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


async def run(options: argparse.Namespace, scratch: Path) -> dict[str, object]:
    """Everything, printed as it comes; what was measured."""
    results: dict[str, object] = {}
    with fake_model(options, scratch) as model_url, targets(options, scratch, model_url) as made:
        for target in made.values():
            await _stretch(target, 5, options.tokens)
        for streams in options.streams:
            seen = await compare(made, streams, options)
            medians = {name: _median(all_) for name, all_ in seen.items()}
            print(f"\n{streams} streams of {options.rate:g} tokens/s, medians of {options.rounds} rounds\n")
            print(table(medians), flush=True)
            results[f"{streams} streams"] = {
                name: {"median": asdict(medians[name]), "rounds": [asdict(one) for one in all_]}
                for name, all_ in seen.items()
            }
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="a directory with fake_llm.py and peers/")
    parser.add_argument("--peers-python", default=sys.executable, help="the Python that has what the peers need")
    parser.add_argument("--kinds", type=names, default=list(KINDS), help="which peers")
    parser.add_argument("--streams", type=numbers, default=[10, 50])
    parser.add_argument("--rate", type=float, default=50.0, help="tokens a second of each stream")
    parser.add_argument("--tokens", type=int, default=150, help="of each stream")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where every figure goes")
    options = parser.parse_args()
    measured(options, run)


if __name__ == "__main__":
    main()
