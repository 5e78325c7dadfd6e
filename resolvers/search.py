"""Search: one ranked list of tasks, messages and conversations."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Final

import strawberry
from sqlalchemy import literal_column
from strawberry.types import Info

from models.enums import SearchKind as Kinds
from resolvers.conversations.types import Conversation, Message
from resolvers.enums import SearchKind
from resolvers.fields import AfterArgument, Connection, FirstArgument, Key, Keyset
from resolvers.fields.connections import make_connection
from resolvers.fields.keyset import Cursors
from resolvers.operation import Operation
from resolvers.tasks.types import Task
from services.search import FOUND, Found, Hit, Part, as_html, catch_up, search, snippet

TYPES: Final = {Kinds.TASK: "Task", Kinds.MESSAGE: "Message", Kinds.CONVERSATION: "Conversation"}

ORDER: Final = Keyset("search", (Key.number(literal_column("score")), Key.uuid(literal_column("id"))), descending=True)
"""The best first, and of those that are as good the newest. The database ranks, so nothing is compared in SQL."""

SearchResult = Annotated[
    Task | Message | Conversation, strawberry.union("SearchResult", description="What a search found.")
]


@strawberry.type(description="A piece of a snippet.")
class SnippetPart:
    text: str = strawberry.field(description="As it stands in the text, not escaped.")
    is_match: bool = strawberry.field(description="Whether the query means it.")


@strawberry.type(description="Something that a query found.")
class SearchHit:
    result: SearchResult = strawberry.field(description="What was found, as it is now.")
    score: float = strawberry.field(
        description="0..1, the mean over the query's words: 1 in a title, 0.8 elsewhere, 0.7 in another form (English),"
        " 0.6 as the beginning of a longer word, 0.4 with a letter missing, added, wrong or exchanged."
    )
    snippet: str = strawberry.field(
        description="The text around what was found, as HTML: all of the text is escaped, `<mark>` stands around the"
        " words that the query means, and there is no other tag. Without HTML, use `parts`."
    )
    parts: list[SnippetPart] = strawberry.field(
        description="The same in pieces and unescaped, for clients that mark by other means."
    )


def _parts(found: Any, words: Any) -> list[Part]:
    """What of a hit is shown: of a task its description, where the query means that and not the title."""
    if isinstance(found, Message):
        return snippet(found.content, words)
    in_title = snippet(found.title, words)
    if isinstance(found, Task) and found.description and not any(part.is_match for part in in_title):
        described = snippet(found.description, words)
        if any(part.is_match for part in described):
            return described
    return in_title


async def _load(info: Info, hit: Hit) -> Any:
    return await info.context.edges.one(
        info, hit.id, path=("edges", "node", "result"), type_name=TYPES[Kinds(hit.kind)]
    )


async def _found(operation: Operation, query: str, kinds: Sequence[Kinds]) -> Found:
    """What is found now. What was changed since the last search gets its keys first; what is read is of after that."""
    async with operation.reading() as session:
        found = await search(session, query, kinds)
    if not found.is_behind:
        return found
    while not await operation.work_between(catch_up):
        pass
    async with operation.reading() as session:
        return await search(session, query, kinds, behind_too=True)


def _shown(hit: Hit, found: Any, words: Any) -> SearchHit:
    parts = _parts(found, words)
    shown = [SnippetPart(text=part.text, is_match=part.is_match) for part in parts]
    return SearchHit(result=found, score=hit.score / 1000, snippet=as_html(parts), parts=shown)


@strawberry.type
class SearchQueries:
    @strawberry.field(
        description=f"The best {FOUND} of the viewer's tasks, messages and conversations that hold all of the query's"
        " words, or where there are none, some of them: as they are, in another form, as the beginning of longer ones"
        " or with a slip of the finger, whatever their case and accents. The best first, then the newest. Deleted tasks"
        " aren't found."
    )
    async def search(
        self,
        info: Info,
        query: Annotated[str, strawberry.argument(description="1..500 characters; its eight longest words count.")],
        kinds: Annotated[
            list[SearchKind] | None, strawberry.argument(description="Only these; all by default.")
        ] = None,
        first: FirstArgument = None,
        after: AfterArgument = None,
    ) -> Connection[SearchHit]:
        wanted = sorted({Kinds(kind.value) for kind in kinds or ()})
        cursors = Cursors.of(ORDER, {"query": query, "kinds": wanted})
        request = cursors.request(first, after, None, None)
        found = await _found(info.context, query, wanted)
        page = [hit for hit in found.hits if request.after is None or (hit.score, hit.id) < request.after]
        page = page[: request.limit + 1]
        results = await asyncio.gather(*(_load(info, hit) for hit in page))
        rows = [
            (_shown(hit, result, found.words), (hit.score, hit.id))
            for hit, result in zip(page, results, strict=True)
            if result is not None
        ]

        async def count() -> int:
            return len(found.hits)

        connection: Connection[SearchHit] = make_connection(request, cursors, rows, count)
        return connection
