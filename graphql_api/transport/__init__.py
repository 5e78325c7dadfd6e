"""The GraphQL endpoint: HTTP (GraphQL over HTTP, graphql-sse) and WebSocket (graphql-transport-ws). Knows no type of
the schema."""

from graphql_api.transport.app import build_graphql_app, uvicorn_options
from graphql_api.transport.hooks import Caller, EdgeHooks, EdgeLimits, Identity
from graphql_api.transport.sockets import SocketRegistry

__all__ = [
    "Caller",
    "EdgeHooks",
    "EdgeLimits",
    "Identity",
    "SocketRegistry",
    "build_graphql_app",
    "uvicorn_options",
]
