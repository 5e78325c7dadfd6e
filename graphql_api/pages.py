"""The pages for people: what this is, signing in during development, and GraphiQL."""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from strawberry.http.ides import get_graphql_ide_html

from core.errors import RequestError
from core.settings import Settings
from graphql_api.gate import Gate
from services.auth.development import issue, load_key

DEVELOPER: Final = "developer"
"""The user that development's pages sign in."""

TOKEN_SECONDS: Final = 24 * 3600

_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"}

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

Page = Callable[[Request], Awaitable[Response]]


def page_routes(settings: Settings, gate: Gate) -> Sequence[BaseRoute]:
    """`/`, and `/graphiql` where introspection is on."""

    def token() -> str:
        return issue(load_key(settings.data_dir), DEVELOPER, TOKEN_SECONDS, name="Developer")

    def local(page: Page) -> Page:
        async def checked(request: Request) -> Response:
            try:
                gate.check_local(request.scope)
            except RequestError as error:
                body = {"errors": [{"message": error.message, "extensions": {"code": error.code.value}}]}
                return JSONResponse(body, status_code=403, headers=_HEADERS)
            return await page(request)

        return checked

    async def home(_: Request) -> Response:
        links = '<p><a href="/graphiql">GraphiQL</a></p>' if settings.introspection_on else ""
        sign_in = _SIGN_IN.format(user=DEVELOPER, token=html.escape(token())) if settings.development else ""
        return HTMLResponse(_HOME.format(links=links, sign_in=sign_in), headers=_HEADERS)

    async def graphiql(_: Request) -> Response:
        headers = {"Authorization": f"Bearer {token()}"} if settings.development else {}
        return HTMLResponse(graphiql_page(headers), headers=_HEADERS)

    routes = [Route("/", local(home))]
    if settings.introspection_on:
        routes.append(Route("/graphiql", local(graphiql)))
    return routes


def graphiql_page(headers: dict[str, str]) -> str:
    """Strawberry's page, pointed at /graphql and sending `headers` over HTTP and in connection_init alike."""
    page = get_graphql_ide_html("graphiql")
    for ours, theirs in (
        ('window.location.origin + "/graphql"', 'window.location.href.split("?")[0]'),
        (json.dumps(headers).replace("<", "\\u003c") + ";", "{};\n      const csrfToken"),
        ("subscriptionUrl,\n        wsConnectionParams: defaultHeaders,", "subscriptionUrl,\n      });"),
    ):
        assert theirs in page, "Strawberry's page has changed"
        kept = {"{};\n      const csrfToken": "\n      const csrfToken", "subscriptionUrl,\n      });": "\n      });"}
        page = page.replace(theirs, ours + kept.get(theirs, ""), 1)
    return page
