"""Tasks in and out over HTTP, streamed: POST /import, GET /export by the API's bearer token, a feed by its secret."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from assistant.interpreter import dates
from core import clock
from core.database import Database
from core.errors import DomainError, RequestError, RequestErrorCode
from graphql_api.errors import Presenter, body_of
from graphql_api.gate import Gate
from graphql_api.transport.headers import headers_of
from graphql_api.transport.http import STATUS, json_response
from models.users import Settings
from services.exchange import EVENTS, FORMATS, TODOS, Dated, Dates, Format, Outcome, Result, export_tasks, import_tasks
from services.feeds import owner_of
from services.recurrence import skipped_time
from services.users import check_time_zone, read_settings

BODY_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of an import."""

PATIENCE: Final = 30.0
"""Seconds that the next piece of a body may take."""

LISTED: Final = 1_000
"""Rows that an answer lists; all are counted."""


def reader_of(settings: Settings, now: datetime) -> Dates:
    """Dates in files as the interpreter reads them: ISO 8601 and words, in the user's zone if the file names none."""

    def read(words: str, time_zone: str | None) -> Dated | None:
        try:
            zone = check_time_zone(time_zone, ("timeZone",)) if time_zone else settings.time_zone
        except DomainError:
            zone = settings.time_zone
        if (exact := _iso(words, zone)) is not None:
            return exact
        return _dated(dates.resolve(words, now=now, time_zone=zone, locale=settings.locale))

    return read


def _iso(words: str, zone: str) -> Dated | None:
    try:
        return Dated(date=date.fromisoformat(words.strip()))
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(words.strip())
        aware = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))
        return Dated(at=aware.astimezone(UTC), time_zone=zone, meant=None if at.tzinfo else skipped_time(aware))
    except (ValueError, OverflowError):
        return None


def _dated(value: dates.Value | None) -> Dated | None:
    match value:
        case dates.DateValue(day):
            return Dated(date=day)
        case dates.DateTimeValue(at, zone):
            return Dated(at=at, time_zone=zone)
        case dates.RecurrenceValue(rule, dates.DateValue(day)):
            return Dated(date=day, recurrence=rule)
        case dates.RecurrenceValue(rule, dates.DateTimeValue(at, zone)):
            return Dated(at=at, time_zone=zone, recurrence=rule)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Exchange:
    """The three routes."""

    database: Database
    gate: Gate
    presenter: Presenter
    origins: tuple[str, ...] = ()

    def routes(self) -> Sequence[BaseRoute]:
        # No credentials, as for the API: tokens come in a header that a page sets itself.
        from_pages = Middleware(
            CORSMiddleware,
            allow_origins=self.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type"],
            expose_headers=["content-disposition", "retry-after", "www-authenticate"],
        )
        middleware, more = ([from_pages], ["OPTIONS"]) if self.origins else ([], [])
        return [
            Route("/import", self._answering(self.take), methods=["POST", *more], middleware=middleware),
            Route("/export", self._answering(self.give), methods=["GET", *more], middleware=middleware),
            Route("/calendar/{secret}.ics", self._answering(self.feed), methods=["GET"]),
        ]

    async def take(self, request: Request) -> Response:
        """Import the body. The answer counts all rows and lists the first that weren't made, in a dry run of all."""
        user_id = (await self.gate.authenticate(request.scope)).user_id
        form, dry_run = _format(request), request.query_params.get("dryRun") in ("1", "true")
        announced = request.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > BODY_LIMIT:
            raise _too_large()
        async with self.database.snapshot(user_id) as session:
            reader = reader_of(await read_settings(session), clock.now())
        counted: Counter[Result] = Counter()
        listed: list[Outcome] = []
        async for outcome in import_tasks(self.database, user_id, form, _body(request), reader, dry_run=dry_run):
            counted[outcome.result] += 1
            if len(listed) < LISTED and (dry_run or outcome.result is not Result.MADE):
                listed.append(outcome)
        rows = [{"row": one.number, "result": one.result, "title": one.title, "message": one.message} for one in listed]
        counts = {result.value.lower(): counted[result] for result in Result}
        return json_response({"dryRun": dry_run, **counts, "rows": rows})

    async def give(self, request: Request) -> Response:
        """Export all tasks."""
        user_id = (await self.gate.authenticate(request.scope)).user_id
        form = _format(request)
        name = f"tasktalk{form.endings[0]}"
        return StreamingResponse(
            export_tasks(self.database, user_id, form.output),
            media_type=form.output.media_type,
            headers={"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"},
        )

    async def feed(self, request: Request) -> Response:
        """The open tasks that are due some time, as to-dos or `?as=events`, for who knows the secret address."""
        user_id = await owner_of(self.database, request.path_params["secret"])
        if user_id is None:
            raise HTTPException(404)
        self.gate.count_for(user_id)
        output = EVENTS if request.query_params.get("as") == "events" else TODOS
        return StreamingResponse(
            export_tasks(self.database, user_id, output, due_only=True),
            media_type=output.media_type,
            headers={"cache-control": "private, no-store"},
        )

    def _answering(self, action: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return await action(request)
            except HTTPException:
                raise
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            # A process boundary: masked, and logged by the presenter.
            except Exception as error:
                fault = self.presenter.fault(error)
                headers: dict[str, Any] = {**headers_of([fault]), "connection": "close"}
                status = 413 if fault.code is RequestErrorCode.DOCUMENT_TOO_COMPLEX else STATUS.get(fault.code, 400)
                return json_response(body_of(fault), status, headers=headers)

        return endpoint


def _format(request: Request) -> Format:
    name = request.query_params.get("format", "jsonl")
    if name not in FORMATS:
        raise RequestError(RequestErrorCode.DOCUMENT_INVALID, f"format must be one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def _too_large() -> RequestError:
    message = f"An import is limited to {BODY_LIMIT:,} bytes; send the rest as another one."
    return RequestError(RequestErrorCode.DOCUMENT_TOO_COMPLEX, message)


async def _body(request: Request) -> AsyncIterator[bytes]:
    """The body's pieces as they come. Raises RequestError for one that is too large or doesn't go on."""
    size = 0
    pieces = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(PATIENCE):
                piece = await anext(pieces, None)
        except TimeoutError:
            raise RequestError(RequestErrorCode.TIMEOUT, "The body did not go on.") from None
        if piece is None:
            return
        size += len(piece)
        if size > BODY_LIMIT:
            raise _too_large()
        yield piece
