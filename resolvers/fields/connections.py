"""Relay's connection types (GraphQL Cursor Connections specification)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

import strawberry

from resolvers.fields.keyset import Cursors, PageRequest

NodeT = TypeVar("NodeT")

COUNTED: Final = 10_000
"""Rows past which a total is not counted: counting all would make a page cost its whole list."""


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follows this page.")
    has_previous_page: bool = strawberry.field(description="Whether more stands before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last edge.")


@strawberry.type(description="A node and its place in the list.")
class Edge(Generic[NodeT]):
    cursor: str = strawberry.field(description="The edge's place: give it as `after` or `before`.")
    node: NodeT = strawberry.field(description="What stands here.")


async def _count(root: Any) -> int | None:
    total: int = await root.count()
    return None if total > COUNTED else total


@strawberry.type(description="A page of a list.")
class Connection(Generic[NodeT]):
    edges: list[Edge[NodeT]] = strawberry.field(description="The page, in the list's order.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int | None = strawberry.field(
        resolver=_count, description="How many the whole list has; null past 10,000."
    )


def make_connection(
    request: PageRequest,
    cursors: Cursors,
    rows: list[tuple[Any, tuple[Any, ...]]],
    count: Callable[[], Awaitable[int]],
) -> Any:
    """A page from its rows as read: (node, key values), one more than asked for where there is more."""
    more = len(rows) > request.limit
    rows = rows[: request.limit]
    if request.backwards:
        rows.reverse()
    edges: list[Edge[Any]] = [Edge(cursor=cursors.encode(values), node=node) for node, values in rows]
    info = PageInfo(
        has_next_page=request.before is not None if request.backwards else more,
        has_previous_page=more if request.backwards else request.after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    page: Connection[Any] = Connection(edges=edges, page_info=info)
    page.count = count  # type: ignore[attr-defined]  # read by the resolver of totalCount alone
    return page
