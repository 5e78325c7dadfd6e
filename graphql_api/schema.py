"""The schema: every domain's queries, mutations and subscriptions put together."""

from __future__ import annotations

import strawberry
from strawberry.schema.config import StrawberryConfig

from core.settings import Settings
from graphql_api.documents import DocumentPolicy, EdgeSchema
from graphql_api.limits import DocumentLimits
from resolvers.change_stream import ChangeSubscriptions
from resolvers.changes import CHANGE_TYPES, ChangeQueries, Progress, ResyncRequired
from resolvers.conversations.live import TurnSubscriptions
from resolvers.conversations.mutations import ConversationMutations
from resolvers.conversations.queries import ConversationQueries
from resolvers.conversations.turn_mutations import TurnMutations
from resolvers.fields import node_types
from resolvers.nodes import NodeQueries
from resolvers.scalars import SCALARS
from resolvers.search import SearchQueries
from resolvers.tasks.list_mutations import TaskListMutations
from resolvers.tasks.mutations import TaskMutations
from resolvers.tasks.queries import TaskQueries
from resolvers.viewer import ViewerMutations, ViewerQueries


@strawberry.type(description="Everything that can be read. One operation reads one snapshot.")
class Query(ViewerQueries, NodeQueries, ConversationQueries, TaskQueries, SearchQueries, ChangeQueries):
    pass


@strawberry.type(description="Everything that can be done. A payload's object is null where userErrors is not empty.")
class Mutation(ConversationMutations, TurnMutations, TaskMutations, TaskListMutations, ViewerMutations):
    pass


@strawberry.type(description="What can be followed.")
class Subscription(ChangeSubscriptions, TurnSubscriptions):
    pass


def make_schema(settings: Settings, subscription: type[Subscription] = Subscription) -> EdgeSchema:
    """The schema with the settings' limits. A test may follow more than there is."""
    return EdgeSchema(
        Query,
        mutation=Mutation,
        subscription=subscription,
        types=[*CHANGE_TYPES.values(), Progress, ResyncRequired, *(kind.cls for kind in node_types().values())],
        config=StrawberryConfig(scalar_map=SCALARS),
        document_policy=DocumentPolicy(
            DocumentLimits(nodes=settings.limit_nodes),
            introspection=settings.introspection_on,
            suggestions=settings.introspection_on,
        ),
    )
