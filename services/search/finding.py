"""What a query finds, in order. The database ranks (`tasktalk.search` in migrations/sql/0010_up.sql says how)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, bindparam, text

from core.statements import prepared
from core.unit_of_work import Session, UnitOfWork
from models.enums import SearchKind
from services.inputs import clean_text
from services.search.following import catch_up

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
    """The words that were looked for, as the database reads them, and the best hits; of one score, the newest first.

    `is_behind`: changes wait for their keys, so nothing was looked for yet.
    """

    words: Sequence[str]
    hits: Sequence[Hit]
    is_behind: bool = False


_WORDS: Final = prepared(
    text("SELECT tasktalk.search_words(:query), tasktalk.search_is_behind()").bindparams(bindparam("query", type_=Text))
)
_HITS: Final = prepared(
    text("SELECT id, kind, score FROM tasktalk.search(:words, :kinds, :wanted)").bindparams(
        bindparam("words", type_=ARRAY(Text)),
        bindparam("kinds", type_=ARRAY(Text)),
        bindparam("wanted", type_=Integer),
    ),
    Hit,
)


async def search(
    session: Session, query: str, kinds: Collection[SearchKind] = (), *, behind_too: bool = False
) -> Found:
    """The best hits of these kinds (none given: of all). A query that holds no word finds nothing.

    A unit of work makes the keys that are missing. A snapshot can't: there the answer says so, unless `behind_too`.
    Raises DomainError INVALID or TOO_LONG on `query`.
    """
    asked = clean_text(query, ("query",), limit=QUERY_LIMIT)
    found = await session.first(_WORDS, query=asked)
    assert found is not None, "it selects one row"
    words = sorted(found[0], key=lambda word: (-len(word), word))[:WORD_LIMIT]
    if not words:
        return Found((), ())
    if found[1] and isinstance(session, UnitOfWork):
        while not await catch_up(session):
            pass
    elif found[1] and not behind_too:
        return Found(words, (), is_behind=True)
    wanted = [kind.value for kind in kinds or SearchKind]
    return Found(words, await session.every(_HITS, words=words, kinds=wanted, wanted=FOUND))
