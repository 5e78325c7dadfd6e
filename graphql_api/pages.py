"""The pages for people: what this is, signing in during development, and GraphiQL."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from core.settings import Settings
from services.auth.development import DevelopmentKey, issue, load_key

DEVELOPER: Final = "developer"
"""The user that development's pages sign in."""

TOKEN_SECONDS: Final = 24 * 3600

_HEADERS: Final = {"Content-Security-Policy": "frame-ancestors 'none'", "Referrer-Policy": "no-referrer"}

_HOME: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tasktalk</title>
<style>body{{font:16px/1.5 system-ui;max-width:44rem;margin:3rem auto;padding:0 1rem}}
code,textarea{{font:13px ui-monospace,monospace}}textarea{{width:100%;height:6rem}}</style></head>
<body><h1>Tasktalk</h1>
<p>Talk to your to-do list. The API is GraphQL at <code>/graphql</code>: POST, and graphql-transport-ws
for subscriptions.</p>
{links}{sign_in}
</body></html>"""

_SIGN_IN: Final = """<h2>Signed in for development</h2>
<p>You are <code>{user}</code> for a day. Send this as <code>Authorization: Bearer …</code>; another user's token comes
from <code>.venv/bin/tasktalk token --user NAME</code>.</p>
<textarea readonly>{token}</textarea>"""


def page_routes(settings: Settings) -> Sequence[BaseRoute]:
    """`/`, and `/graphiql` where introspection is on. In development mode both hand out a token."""
    # Read once, so that a key that can't be used is refused at start.
    key = load_key(settings.data_dir) if settings.development else None

    async def home(_: Request) -> Response:
        links = '<p><a href="/graphiql">GraphiQL</a></p>' if settings.introspection_on else ""
        sign_in = _SIGN_IN.format(user=DEVELOPER, token=html.escape(_token(key))) if key is not None else ""
        return HTMLResponse(_HOME.format(links=links, sign_in=sign_in), headers=_HEADERS)

    async def graphiql(_: Request) -> Response:
        token = _token(key) if key is not None else "paste-a-token-here"
        return HTMLResponse(graphiql_page({"Authorization": f"Bearer {token}"}), headers=_HEADERS)

    routes = [Route("/", home)]
    if settings.introspection_on:
        routes.append(Route("/graphiql", graphiql))
    return routes


def _token(key: DevelopmentKey) -> str:
    return issue(key, DEVELOPER, TOKEN_SECONDS, name="Developer")


def graphiql_page(headers: dict[str, str]) -> str:
    """Strawberry's page, pointed at /graphql. `headers` stand in its editor of headers to begin with; it sends those
    over HTTP and in connection_init alike.
    """
    # Imported here: the command line wants only names of this module, and is quick without Strawberry.
    from strawberry.http.ides import get_graphql_ide_html

    page = get_graphql_ide_html("graphiql")
    # As a JavaScript string; "</" would end the script that it stands in.
    editor = json.dumps(json.dumps(headers, indent=2)).replace("<", "\\u003c")
    for theirs, ours in (
        ('window.location.href.split("?")[0]', 'window.location.origin + "/graphql"'),
        ("React.useState(parameters.headers)", f"React.useState({editor})"),
        # A token stays out of the browser's storage.
        ("shouldPersistHeaders: true", "shouldPersistHeaders: false"),
    ):
        assert page.count(theirs) == 1, "Strawberry's page has changed"
        page = page.replace(theirs, ours)
    return page
