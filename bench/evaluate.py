"""How well the built-in interpreter understands, on labelled rows that are given as files.

    make evaluate DATES=dates.jsonl COMMANDS=commands.jsonl [FOLDS=directory]

A third of the rows, chosen by a hash of their id, is for checking only: what reads well on the other two thirds and
not on it was fitted to them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.understanding.folds import cross_validated
from bench.understanding.judging import Row, is_core, right_value, shared_words, title_words
from graphql_api.cli.understand_lines import command_answer, date_answer

_WRITES = frozenset({"add", "update", "complete", "delete", "undo"})
_DESTRUCTIVE = frozenset({"delete", "complete", "undo"})

Answered = tuple[Row, Row]


def rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def checks(row: Row) -> bool:
    """Whether the row is of the third that nothing was developed on."""
    return zlib.crc32(str(row["id"]).encode()) % 3 == 0


def answer_all(given: list[Row], answer: Callable[[Mapping[str, object]], dict[str, object]]) -> list[Answered]:
    """The answer to each row. Prints the median and the 99th percentile in CPU time, the first run left aside."""
    answer(given[0])
    found, spent = [], []
    for row in given:
        start = time.process_time()
        found.append((row, answer(row)))
        spent.append((time.process_time() - start) * 1000)
    spent.sort()
    print(f"{len(given)} rows, p50 {statistics.median(spent):.2f} ms, p99 {spent[int(0.99 * len(spent))]:.2f} ms\n")
    return found


def show_dates(answered: list[Answered]) -> None:
    """The share of right values by group: all rows, those developed on, those for checking."""
    groups: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for row, answer in answered:
        expected = row["expect"]
        assert isinstance(expected, Mapping)
        outcome = checks(row), right_value(expected, answer)
        names = ["all", f"kind {expected['kind']}", f"source {row['source']}"]
        for name in names + (["core"] if is_core(expected, str(row["text"])) else []):
            groups[name].append(outcome)
    print("| dates | rows | value right | two thirds | the other third |\n|---|---|---|---|---|")
    for name in sorted(groups, key=lambda name: (name.partition(" ")[0] in ("kind", "source"), name)):
        some = groups[name]
        thirds = [[right for check, right in some if check == third] for third in (False, True)]
        shares = [share([right for _, right in some]), *(share(third) for third in thirds)]
        print(f"| {name} | {len(some)} | " + " | ".join(shares) + " |")
    print()


def share(outcomes: list[bool]) -> str:
    return f"{sum(outcomes) / len(outcomes):.3f}" if outcomes else "–"


def show_commands(answered: list[Answered]) -> None:
    """Intents, what is written where nothing was asked, and titles."""
    pairs = [(str(row["intent"]), str(answer.get("intent", "none"))) for row, answer in answered]
    idle = [(row, answer) for row, answer in answered if row["intent"] == "none"]
    hard = [answer["intent"] in _WRITES for row, answer in idle if row.get("hard")]
    figures = {
        "accuracy": share([wanted == got for wanted, got in pairs]),
        "macro-F1": f"{statistics.mean(f1(pairs, label) for label in {wanted for wanted, _ in pairs}):.3f}",
        "writes where nothing was asked": share([answer["intent"] in _WRITES for _, answer in idle]),
        "the same, hard rows": share(hard),
        "missed action": share([got == "none" for wanted, got in pairs if wanted != "none"]),
        "wrong destructive action": share([got in _DESTRUCTIVE for wanted, got in pairs if wanted not in _DESTRUCTIVE]),
        **titles(answered),
    }
    print("| commands | |\n|---|---|")
    for name, figure in figures.items():
        print(f"| {name} | {figure} |")
    by_source: dict[str, list[bool]] = defaultdict(list)
    for row, answer in answered:
        by_source[str(row["source"])].append(row["intent"] == answer.get("intent"))
    for source, outcomes in sorted(by_source.items()):
        print(f"| accuracy, {source} ({len(outcomes)}) | {share(outcomes)} |")


def f1(pairs: list[tuple[str, str]], label: str) -> float:
    hits = sum(wanted == got == label for wanted, got in pairs)
    total = sum(wanted == label for wanted, _ in pairs) + sum(got == label for _, got in pairs)
    return 2 * hits / total if total else 0.0


def titles(answered: list[Answered]) -> dict[str, str]:
    """Exact titles and the F1 of their words, where the row has a title and asks for a change."""
    exact, overlaps = [], []
    for row, answer in answered:
        slots = row.get("slots")
        wanted = slots.get("title") if isinstance(slots, Mapping) else None
        if wanted and row["intent"] in _WRITES - {"undo"}:
            words = title_words(" ".join(wanted) if isinstance(wanted, list) else wanted)
            got = title_words(answer.get("title") or "")
            exact.append(words == got)
            overlaps.append(shared_words(words, got))
    mean = f"{statistics.mean(overlaps):.3f}" if overlaps else "–"
    return {f"title exact ({len(exact)})": share(exact), "title, F1 of its words": mean}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--dates", type=Path, help="labelled date phrases, one JSON object a line")
    arguments.add_argument("--commands", type=Path, help="labelled commands, one JSON object a line")
    arguments.add_argument("--folds", type=Path, help="weights that each miss a part of the commands")
    given = arguments.parse_args()
    if given.dates is None and given.commands is None:
        arguments.error("nothing to evaluate: name --dates, --commands or both")
    if given.dates is not None:
        show_dates(answer_all(rows(given.dates), date_answer))
    if given.commands is not None:
        answer = cross_validated(given.folds, command_answer) if given.folds else command_answer
        show_commands(answer_all(rows(given.commands), answer))


if __name__ == "__main__":
    main()
