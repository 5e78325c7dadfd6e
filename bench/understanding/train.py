"""Trains the weights of assistant/interpreter/model and says by cross-validation what they are worth. Plain Python.

    .venv/bin/python -m bench.understanding.train bench/understanding/utterances.jsonl      # writes weights.bin
    .venv/bin/python -m bench.understanding.train UTTERANCES.jsonl --folds 5 --out DIR

A line of UTTERANCES is {"id", "source", "text", "intent"}. Only the sources of `LICENSED` are learned from, and the
sentences of `own_phrases`; rows of other sources are passed over. With --folds one file of weights a fold is written,
`fold-N.bin`, trained without the rows of that fold (`fold_of` their ids), and the accuracy of each on its own fold is
shown; `make evaluate COMMANDS=… FOLDS=DIR` then asks each row of weights that haven't seen it.
"""

from __future__ import annotations

import argparse
import json
import random
from array import array
from collections.abc import Sequence
from math import exp, sqrt
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from assistant.interpreter.model import BUCKETS, KINDS, features, weights
from bench.understanding.own_phrases import sentences

LICENSED = ("clinc150", "hwu64", "slurp", "home-assistant", "leon-templates")
SHIPPED = Path(weights.__file__).with_name("weights.bin")
EPOCHS, SEEDS, RATE, SHRINK, NEGLIGIBLE = 8, (1, 2, 3), 0.3, 1e-5, 1e-4


class Example(NamedTuple):
    buckets: list[int]
    kind: int
    fold: int  # -1: a sentence of our own, in every training set


def fold_of(row_id: str, folds: int) -> int:
    return crc32(f"f{row_id}".encode()) % folds


def examples(path: Path, folds: int) -> list[Example]:
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    learned = [row for row in rows if row["source"] in LICENSED and row["intent"] in KINDS]
    return [
        *(Example(features(row["text"]), KINDS.index(row["intent"]), fold_of(row["id"], folds)) for row in learned),
        *(Example(features(text), KINDS.index(kind), -1) for text, kind in sentences()),
    ]


def trained(rows: Sequence[Example]) -> weights.Model:
    """The mean of some runs of stochastic gradient descent, each in an order of its own, with a rate a weight."""
    total = [array("d", bytes(8 * BUCKETS)) for _ in KINDS]
    biases = [0.0] * len(KINDS)
    for seed in SEEDS:
        columns, bias = _run(rows, seed)
        for one, other in zip(total, columns, strict=True):
            for bucket, weight in enumerate(other):
                one[bucket] += weight / len(SEEDS)
        biases = [have + more / len(SEEDS) for have, more in zip(biases, bias, strict=True)]
    scale = max(max(map(abs, column)) for column in total) / 127
    return weights.Model(scale, biases, [array("b", (round(weight / scale) for weight in column)) for column in total])


def _run(rows: Sequence[Example], seed: int) -> tuple[list[list[float]], list[float]]:
    columns = [[0.0] * BUCKETS for _ in KINDS]
    steps = [[1e-6] * BUCKETS for _ in KINDS]
    bias, bias_steps = [0.0] * len(KINDS), [1e-6] * len(KINDS)
    order = list(range(len(rows)))
    shuffled = random.Random(seed)
    for _ in range(EPOCHS):
        shuffled.shuffle(order)
        for place in order:
            buckets, wanted, _fold = rows[place]
            size = 1 / sqrt(len(buckets))
            for kind, off in enumerate(_off(columns, bias, buckets, size, wanted)):
                if abs(off) < NEGLIGIBLE:
                    continue
                column, step, gradient = columns[kind], steps[kind], off * size
                for bucket in buckets:
                    slope = gradient + SHRINK * column[bucket]
                    step[bucket] += slope * slope
                    column[bucket] -= RATE * slope / sqrt(step[bucket])
                bias_steps[kind] += off * off
                bias[kind] -= RATE * off / sqrt(bias_steps[kind])
    return columns, bias


def _off(columns: list[list[float]], bias: list[float], buckets: list[int], size: float, wanted: int) -> list[float]:
    """How far each kind's probability is from what it should be."""
    scores = [b + size * sum(map(column.__getitem__, buckets)) for b, column in zip(bias, columns, strict=True)]
    highest = max(scores)
    parts = [exp(score - highest) for score in scores]
    whole = sum(parts)
    return [part / whole - (kind == wanted) for kind, part in enumerate(parts)]


def right(model: weights.Model, rows: Sequence[Example]) -> int:
    scores = ([bias * sqrt(len(row.buckets)) / model.scale + sum(map(column.__getitem__, row.buckets))
               for bias, column in zip(model.biases, model.columns, strict=True)] for row in rows)  # fmt: skip
    return sum(max(range(len(KINDS)), key=one.__getitem__) == row.kind for one, row in zip(scores, rows, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("utterances", type=Path)
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--out", type=Path, default=SHIPPED.parent)
    asked = parser.parse_args()
    rows = examples(asked.utterances, max(asked.folds, 1))
    if not asked.folds:
        model = trained(rows)
        (asked.out / SHIPPED.name).write_bytes(model.packed())
        print(
            f"{len(rows)} sentences, {len(model.packed())} bytes, right on them: {right(model, rows) / len(rows):.4f}"
        )
        return
    asked.out.mkdir(parents=True, exist_ok=True)
    for fold in range(asked.folds):
        model = trained([row for row in rows if row.fold != fold])
        unseen = [row for row in rows if row.fold == fold]
        (asked.out / f"fold-{fold}.bin").write_bytes(model.packed())
        print(f"fold {fold}: {right(model, unseen) / len(unseen):.4f} of {len(unseen)}", flush=True)


if __name__ == "__main__":
    main()
