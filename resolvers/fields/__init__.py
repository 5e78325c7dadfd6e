"""Fields declared, not coded: what a field is (column, pure function, SQL expression, edge), and the one loader."""

from resolvers.fields.arguments import AfterArgument, BeforeArgument, FirstArgument, LastArgument, PageArguments
from resolvers.fields.connections import Connection, Edge, PageInfo
from resolvers.fields.declarations import (
    Expr,
    Scope,
    Through,
    column,
    connection,
    expr,
    many,
    one,
    pure,
    pure_list,
    several,
    some,
)
from resolvers.fields.keyset import Key, Keyset
from resolvers.fields.nodes import Node, node, node_types

__all__ = [
    "AfterArgument",
    "BeforeArgument",
    "Connection",
    "Edge",
    "Expr",
    "FirstArgument",
    "Key",
    "Keyset",
    "LastArgument",
    "Node",
    "PageArguments",
    "PageInfo",
    "Scope",
    "Through",
    "column",
    "connection",
    "expr",
    "many",
    "node",
    "node_types",
    "one",
    "pure",
    "pure_list",
    "several",
    "some",
]
