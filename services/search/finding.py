"""What a query finds, in order. The database ranks (`tasktalk.search` in migrations/sql/0007_up.sql says how)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, bindparam, text

from core.statements import prepared
from core.unit_of_work import Session
from models.enums import SearchKind
from services.inputs import clean_text

QUERY_LIMIT: Final = 500
"""Code points of a query."""

WORD_LIMIT: Final = 8
"""Words of a query that are looked for, the longest ones; more say nothing more."""

FOUND: Final = 200
"""Hits that one query has at most: who wants more of them says more."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What a query found. `score` is 1..1000; 1000: every word stands in the title."""

    id: UUID
    kind: str
    score: int


@dataclass(frozen=True, slots=True)
class Found:
    """The words that were looked for, as the database reads them, and the best hits; of one score, the newest first."""

    words: Sequence[str]
    hits: Sequence[Hit]


_WORDS: Final = prepared(text("SELECT tasktalk.search_words(:query)").bindparams(bindparam("query", type_=Text)))
_HITS: Final = prepared(
    text("SELECT id, kind, score FROM tasktalk.search(:words, :kinds, :wanted)").bindparams(
        bindparam("words", type_=ARRAY(Text)),
        bindparam("kinds", type_=ARRAY(Text)),
        bindparam("wanted", type_=Integer),
    ),
    Hit,
)


async def search(session: Session, query: str, kinds: Collection[SearchKind] = ()) -> Found:
    """The best hits of these kinds (none given: of all). A query that holds no word finds nothing.

    Raises DomainError INVALID or TOO_LONG on `query`.
    """
    asked = clean_text(query, ("query",), limit=QUERY_LIMIT)
    words = sorted(await session.value(_WORDS, query=asked), key=lambda word: (-len(word), word))[:WORD_LIMIT]
    if not words:
        return Found((), ())
    wanted = [kind.value for kind in kinds or SearchKind]
    return Found(words, await session.every(_HITS, words=words, kinds=wanted, wanted=FOUND))
