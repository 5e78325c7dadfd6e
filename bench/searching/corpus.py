"""Tasks and messages that read like none but are spread like real ones: words by Zipf's law, of a vocabulary that
grows with the corpus (Heaps' law)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

SYLLABLES = [first + vowel + last for first in "bdfgklmnprstv" for vowel in "aeiou" for last in ("", "n", "r", "s")]


@dataclass
class Corpus:
    """The same seed makes the same corpus."""

    tasks: int
    messages: int
    seed: int = 7
    words: list[str] = field(default_factory=list)
    _weights: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        size = int(12 * (self.tasks + self.messages) ** 0.6)
        known: dict[str, None] = {}
        while len(known) < size:
            known["".join(self.random.choices(SYLLABLES, k=self.random.choice((1, 2, 2, 3, 3, 4))))] = None
        self.words = list(known)
        self._weights = list(accumulate(1 / (rank + 3) for rank in range(size)))

    def text(self, shortest: int, longest: int) -> str:
        """So many words."""
        count = self.random.randint(shortest, longest)
        return " ".join(self.random.choices(self.words, cum_weights=self._weights, k=count))

    def queries(self, count: int) -> Iterator[tuple[str, str]]:
        """(sort, query): a word that is common or rare, two words, the beginning of one, one with a slip in it."""
        long = [word for word in self.words if len(word) >= 6]
        for number in range(count):
            common = self.random.choice(self.words[:30])
            rare = self.random.choice(self.words[len(self.words) // 3 :])
            usual = self.random.choice(long[: len(long) // 2])
            match number % 5:
                case 0:
                    yield "common", common
                case 1:
                    yield "rare", rare
                case 2:
                    yield "two words", f"{common} {usual}"
                case 3:
                    yield "prefix", usual[: self.random.choice((3, 4, 5))]
                case _:
                    at = self.random.randrange(1, len(usual))
                    yield "slip", usual[:at] + self.random.choice("xqz") + usual[at + 1 :]
