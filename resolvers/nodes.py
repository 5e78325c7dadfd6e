"""Looking nodes up by their global id, whatever their type."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy import Uuid
from strawberry.types import Info

from core.ids import split_global_id
from resolvers.fields import Node, node_types
from resolvers.scalars import invalid_argument

NODES = 100
"""Ids that one `nodes` may ask for."""

IdArgument = Annotated[strawberry.ID, strawberry.argument(description="Its id.")]


async def load(info: Info, text: str, type_name: str | None = None) -> Node | None:
    """The viewer's node of that id (of that type, where given), or None: absent and another's are alike."""
    try:
        name, key = split_global_id(text)
        if name not in node_types() or type_name not in (None, name):
            return None
        value = UUID(key) if isinstance(node_types()[name].key.type, Uuid) else key
    except ValueError:
        return None
    if isinstance(value, str) and value != info.context.user_id:
        return None
    found: Node | None = await info.context.edges.one(info, value, type_name=name)
    return found


@strawberry.type
class NodeQueries:
    @strawberry.field(description="Anything by its id; null where it isn't there or isn't the viewer's.")
    async def node(self, info: Info, id: IdArgument) -> Node | None:
        return await load(info, id)

    @strawberry.field(description="Many at once, in the order asked for.")
    async def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")]
    ) -> list[Node | None]:
        if len(ids) > NODES:
            raise invalid_argument(f"ids: at most {NODES}.")
        return list(await asyncio.gather(*(load(info, one) for one in ids)))
