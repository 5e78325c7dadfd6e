"""The cost of a change on its way to a thousand sockets: Tasktalk, which commits and logs it, beside servers whose
publish stores nothing. See bench/README.md."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import jwt

from bench.running import measured, names, numbers
from bench.servers import Server, environment, free_port, serving, tasktalk
from bench.sockets import Crowd, Figures, Words, measure

SECRET = "fan-out-bench-fan-out-bench-fan-out-bench"
NODE = ("yoga", "mercurius")
PYTHON = ("py_fanout",)

_OURS = Words(
    subscribe="subscription { changes { __typename cursor ... on TaskChanged { task { title } } } }",
    publish="mutation P($input: CreateTaskInput!) { createTask(input: $input) { userErrors { message } } }",
    variables=lambda user, payload: {"input": {"title": payload}},
)
_THEIRS = Words(
    subscribe="subscription { events { kind id payload } }",
    publish="mutation P($userId: ID!, $payload: String!) { publish(userId: $userId, payload: $payload) }",
    variables=lambda user, payload: {"userId": user, "payload": payload},
)

Start = Callable[[], AbstractContextManager[Server]]


@dataclass(frozen=True)
class Target:
    """Something to subscribe to; started anew for each round."""

    start: Start
    words: Words


def token(user: str) -> str:
    """One that all targets take."""
    now = int(time.time())
    claims = {"sub": user, "iss": "bench", "aud": "bench", "iat": now, "exp": now + 3600}
    return jwt.encode(claims, SECRET, algorithm="HS256")


def targets(options: argparse.Namespace, scratch: Path) -> dict[str, Target]:
    """Everything that was asked for."""
    found = {"tasktalk": Target(lambda: _ours(scratch), _OURS)}
    if options.peers:
        for kind in options.kinds:
            found[kind] = Target(_peer(options, kind, scratch), _THEIRS)
    return found


@contextmanager
def _ours(scratch: Path) -> Iterator[Server]:
    data_dir = scratch / "data"
    data_dir.mkdir(exist_ok=True)
    more = {
        "BETTER_AUTH_SECRET": SECRET,
        "TASKTALK_AUTH_ISSUER": "bench",
        "TASKTALK_AUTH_AUDIENCE": "bench",
        "TASKTALK_LIMIT_SOCKETS_PER_USER": "0",
    }
    with tasktalk(data_dir, "http://127.0.0.1:9/v1", "none", **more) as server:
        yield server


def _peer(options: argparse.Namespace, kind: str, scratch: Path) -> Start:
    """From their own folder, with its Node and its modules."""

    def start() -> AbstractContextManager[Server]:
        port = free_port()
        node = str(options.peers / "node/node_modules/.bin/node")
        command = (node, f"peers/{kind}.mjs") if kind in NODE else (options.peers_python, f"peers/{kind}.py")
        # They ask their database nothing here, but want to know where it would be.
        env = environment(PORT=str(port), PERF_JWT_SECRET=SECRET, PERF_DSN="postgresql://postgres@localhost/none")
        return serving(command, port, scratch / f"{kind}.log", env, "/graphql", cwd=options.peers)

    return start


async def compare(
    made: dict[str, Target], crowd: Crowd, rounds: int, seconds: float, rate: float
) -> dict[str, list[Figures]]:
    """Rounds in which the targets take turns, each in a process of its own."""
    tokens = [token(f"bench-{number}") for number in range(crowd.users)]
    seen: dict[str, list[Figures]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, target in made.items():
            with target.start() as server:
                seen[name].append(await measure(server, target.words, crowd, tokens, seconds=seconds, rate=rate))
    return seen


def middle(seen: Sequence[Figures]) -> Figures:
    return Figures(**{field: median(asdict(one)[field] for one in seen) for field in asdict(seen[0])})


def table(found: dict[str, Figures]) -> str:
    """Markdown. A ratio below 1 is better than that peer."""
    bases = [name for name in NODE if name in found]
    heads = ["", "CPU µs a delivery", "p50 ms", "p99 ms", "lost", "KB a subscription", "driver's CPU %"]
    heads += [f"{what} ÷ {base}" for base in bases for what in ("CPU", "p99", "KB")]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for name, one in found.items():
        cells = [name, f"{one.cpu:.1f}", f"{one.p50:.1f}", f"{one.p99:.1f}", f"{one.lost:.0f}"]
        cells += [f"{one.kilobytes:.1f}", f"{one.driver:.0f}"]
        for base in bases:
            other = found[base]
            cells += [f"{one.cpu / other.cpu:.2f}", f"{one.p99 / other.p99:.2f}"]
            cells += [f"{one.kilobytes / other.kilobytes:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


async def run(options: argparse.Namespace, scratch: Path) -> dict[str, object]:
    """Everything, printed as it comes; what was measured."""
    results: dict[str, object] = {}
    made = targets(options, scratch)
    for users in options.users:
        crowd = Crowd(options.sockets, users)
        rate = options.rate if users == 1 else options.rate * 10
        found = await compare(made, crowd, options.rounds, options.seconds, rate)
        print(f"\n{crowd.sockets} sockets of {users} users, {rate:g} changes a second, medians of {options.rounds}\n")
        print(table({name: middle(all_) for name, all_ in found.items()}), flush=True)
        results[f"{crowd.sockets} of {users}"] = {name: [asdict(one) for one in all_] for name, all_ in found.items()}
    streams = await compare(
        {"tasktalk": made["tasktalk"]},
        Crowd(options.sockets, 1, streams=True),
        options.rounds,
        options.seconds,
        options.rate,
    )
    print(f"\n{options.sockets} event streams of one user\n")
    print(table({name: middle(all_) for name, all_ in streams.items()}), flush=True)
    results["event streams"] = {name: [asdict(one) for one in all_] for name, all_ in streams.items()}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="a directory with peers/*.mjs, peers/py_fanout.py and node/")
    parser.add_argument("--peers-python", default=sys.executable, help="the Python that has what the peers need")
    parser.add_argument("--kinds", type=names, default=[*NODE, *PYTHON], help="which peers")
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--users", type=numbers, default=[1, 50, 1000])
    parser.add_argument("--rate", type=float, default=4.0, help="changes a second of one user; ten times that of many")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each round and target")
    parser.add_argument("--json", type=Path, help="where every figure goes")
    options = parser.parse_args()
    if options.peers:
        options.peers = options.peers.resolve()
    measured(options, run)


if __name__ == "__main__":
    main()
