"""The viewer: who calls, their settings, their token and what they used."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

import strawberry
from sqlalchemy import func, select
from strawberry.types import Info

from core.errors import DomainError, ErrorCode, UserGone
from core.ids import to_global_id
from events import cursors
from events.reading import position
from models.enums import ConfirmPolicy as ConfirmPolicies
from models.enums import WeekStart as WeekStarts
from models.users import settings, usage, user_limits, users
from resolvers.conversations.mutations import DeletePayload
from resolvers.enums import ConfirmPolicy, WeekStart
from resolvers.fields import Node, column, node, one
from resolvers.payloads import UserError, mutate, user_error
from resolvers.scalars import TimeZone
from services.feeds import feed_since, renew_feed, revoke_feed
from services.inputs import UNSET
from services.users import update_settings


@node(settings, key="user_id", description="How the server talks to its user.")
class Settings(Node):
    time_zone: TimeZone = column(description="The zone that days and times are meant in.")
    locale: str = column(description="A BCP 47 tag, e.g. en-GB.")
    confirm: ConfirmPolicy = column(description="Which tool calls wait for the user's word before they run.")
    week_start: WeekStart = column(description="The day that weeks begin on: what is due this week or next week.")
    default_due_time: time | None = column(
        description="The wall time at which a task is due that the assistant is given by its day alone; null: all day."
    )
    version: int = column(description="Rises at every change; give it as expectedVersion.")


@strawberry.type(description="The token that a request came with. It is never stored or shown.")
class AuthenticationToken:
    user_id: str = strawberry.field(description="Whose it is: its sub.")
    created_at: datetime | None = strawberry.field(description="When it was issued.")
    expires_at: datetime = strawberry.field(description="When it ends.")
    is_valid: bool = strawberry.field(description="Whether it can still be used.")


@strawberry.type(description="One limit of the viewer.")
class Limit:
    name: str = strawberry.field(description="Which one.")
    limit: int = strawberry.field(description="How many in its window.")
    remaining: int = strawberry.field(description="How many are left in it.")
    resets_at: datetime = strawberry.field(description="When the window ends.")


@strawberry.type(description="What the viewer used, by UTC days.")
class Usage:
    turns: int = strawberry.field(description="Turns that ended.")
    input_tokens: int = strawberry.field(description="Tokens that models read.")
    output_tokens: int = strawberry.field(description="Tokens that models wrote.")
    limits: list[Limit] = strawberry.field(description="The limits in force, as they stand now.")


def _token(info: Info, *, valid: bool = True) -> AuthenticationToken:
    claims = info.context.claims
    return AuthenticationToken(
        user_id=claims.subject, created_at=claims.issued_at, expires_at=claims.expires_at, is_valid=valid
    )


async def _limits(info: Info, session: Any) -> list[Limit]:
    limits = info.context.settings
    found = []
    row = (await session.execute(select(user_limits.c.window_start, user_limits.c.sends))).first()
    ends = row.window_start + timedelta(minutes=1)
    if limits.limit_sends_per_minute:
        used, reset = (row.sends, ends) if ends > session.now else (0, session.now + timedelta(minutes=1))
        left = max(0, limits.limit_sends_per_minute - used)
        found.append(Limit(name="sendsPerMinute", limit=limits.limit_sends_per_minute, remaining=left, resets_at=reset))
    if limits.limit_tokens_per_day:
        today = session.now.astimezone(UTC).date()
        spent = await session.scalar(select(usage.c.input_tokens + usage.c.output_tokens).where(usage.c.day == today))
        left = max(0, limits.limit_tokens_per_day - (spent or 0))
        reset = datetime.combine(today + timedelta(days=1), datetime.min.time(), UTC)
        found.append(Limit(name="tokensPerDay", limit=limits.limit_tokens_per_day, remaining=left, resets_at=reset))
    return found


@node(users, description="Who is calling.")
class Viewer(Node):
    email: str | None = column(description="As the token has it.")
    name: str | None = column(description="As the token has it.")
    settings: Settings = one(users.c.id, description="How the server talks to them.")

    @strawberry.field(description="The token that this request came with.")
    def authentication_token(self, info: Info) -> AuthenticationToken:
        return _token(info)

    @strawberry.field(description="What they used, all days or those given.")
    async def usage(
        self,
        info: Info,
        since: Annotated[date | None, strawberry.argument(description="The first UTC day.")] = None,
        until: Annotated[date | None, strawberry.argument(description="The last UTC day.")] = None,
    ) -> Usage:
        columns = (usage.c.turns, usage.c.input_tokens, usage.c.output_tokens)
        statement = select(*(func.coalesce(func.sum(one), 0) for one in columns))
        statement = statement.where(usage.c.user_id == info.context.user_id)
        if since is not None:
            statement = statement.where(usage.c.day >= since)
        if until is not None:
            statement = statement.where(usage.c.day <= until)
        async with info.context.reading() as session:
            turns, read, written = (await session.execute(statement)).one()
            limits = await _limits(info, session)
        return Usage(turns=int(turns), input_tokens=int(read), output_tokens=int(written), limits=limits)

    @strawberry.field(description="Since when the calendar feed has its present address; null: there is no feed.")
    async def calendar_feed_since(self, info: Info) -> datetime | None:
        async with info.context.reading() as session:
            return await feed_since(session)

    @strawberry.field(description="The newest change's place: read it beside a first page, then subscribe after it.")
    async def cursor(self, info: Info) -> str:
        async with info.context.reading() as session:
            return cursors.encode((await position(session)).cursor, info.context.user_id)


@strawberry.type
class ViewerQueries:
    @strawberry.field(description="Who is calling.")
    async def viewer(self, info: Info) -> Viewer:
        found: Viewer | None = await info.context.edges.one(info, info.context.user_id)
        if found is None:
            raise UserGone
        return found


@strawberry.input(description="The settings to change.")
class UpdateSettingsInput:
    time_zone: TimeZone | None = strawberry.field(
        default=None, description="The zone that days and times are meant in."
    )
    locale: str | None = strawberry.field(default=None, description="A BCP 47 tag, e.g. en-GB.")
    confirm: ConfirmPolicy | None = strawberry.field(
        default=None, description="Which tool calls wait for the user's word before they run."
    )
    week_start: WeekStart | None = strawberry.field(default=None, description="The day that weeks begin on.")
    default_due_time: time | None = strawberry.field(
        default=strawberry.UNSET, description="To the minute, e.g. 09:00; null: a day alone is all day."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="Where given and stale, nothing changes and the answer is VERSION_CONFLICT."
    )


@strawberry.type(description="The settings as they became.")
class SettingsPayload:
    user_errors: list[UserError] = strawberry.field(description="What stood in the way.")
    user_id: strawberry.Private[str | None] = None
    settings: Settings | None = one("user_id", description="The settings; with VERSION_CONFLICT as they are now.")


@strawberry.input(description="The token to go on with.")
class RefreshAuthenticationInput:
    token: str = strawberry.field(description="A good token of the same user, without a scheme before it.")


@strawberry.type(description="The token as it became.")
class AuthenticationPayload:
    authentication_token: AuthenticationToken | None = strawberry.field(description="The token.")
    user_errors: list[UserError] = strawberry.field(description="What stood in the way.")


@strawberry.type(description="The calendar feed as it became.")
class CalendarFeedPayload:
    path: str | None = strawberry.field(
        default=None,
        description="The feed's secret address on this server, shown this once: open tasks that are due, as iCalendar.",
    )
    user_errors: list[UserError] = strawberry.field(description="What stood in the way.")


@strawberry.input(description="The user's word that all of their data is to go.")
class DeleteMyDataInput:
    confirm: str = strawberry.field(description="The viewer's id, as `viewer { id }` answers it.")


@strawberry.type
class ViewerMutations:
    @strawberry.mutation(description="Change settings; a field left out stays as it is.")
    async def update_settings(
        self, info: Info, input: Annotated[UpdateSettingsInput, strawberry.argument(description="The input.")]
    ) -> SettingsPayload:
        async def action(work: Any) -> dict[str, Any]:
            due_time = UNSET if input.default_due_time is strawberry.UNSET else input.default_due_time
            await update_settings(
                work,
                time_zone=input.time_zone,
                locale=input.locale,
                confirm=ConfirmPolicies(input.confirm.value) if input.confirm is not None else None,
                week_start=WeekStarts(input.week_start.value) if input.week_start is not None else None,
                default_due_time=due_time,
                expected_version=input.expected_version,
            )
            return {"user_id": work.user_id}

        return await mutate(info, SettingsPayload, action, conflict="user_id")

    @strawberry.mutation(
        description="Over an open WebSocket: carry on under a fresh token, before the old one ends. Elsewhere INVALID."
    )
    async def refresh_authentication(
        self, info: Info, input: Annotated[RefreshAuthenticationInput, strawberry.argument(description="The input.")]
    ) -> AuthenticationPayload:
        try:
            await info.context.refresh(input.token)
        except DomainError as error:
            return AuthenticationPayload(authentication_token=None, user_errors=[user_error(error)])
        return AuthenticationPayload(authentication_token=_token(info), user_errors=[])

    @strawberry.mutation(description="Make this request's token useless from now on, on every replica.")
    async def revoke_authentication(self, info: Info) -> AuthenticationPayload:
        operation = info.context
        await operation.renew()
        await operation.application.gate.revoke(operation.identity, operation.claims)
        return AuthenticationPayload(authentication_token=_token(info, valid=False), user_errors=[])

    @strawberry.mutation(
        description="Give the calendar feed of due tasks a new secret address; an older one opens nothing any more."
    )
    async def renew_calendar_feed(self, info: Info) -> CalendarFeedPayload:
        async def action(work: Any) -> dict[str, Any]:
            return {"path": f"/calendar/{await renew_feed(work)}.ics"}

        return await mutate(info, CalendarFeedPayload, action)

    @strawberry.mutation(description="Close the calendar feed; doing it twice is a success.")
    async def revoke_calendar_feed(self, info: Info) -> CalendarFeedPayload:
        async def action(work: Any) -> dict[str, Any]:
            await revoke_feed(work)
            return {}

        return await mutate(info, CalendarFeedPayload, action)

    @strawberry.mutation(
        description="Delete everything of the viewer's, for good. What is under way ends first or is stopped; their"
        " sockets and streams close on every replica. Signing in again begins anew, with a change log that no older"
        " cursor fits. A revoked token stays revoked."
    )
    async def delete_my_data(
        self, info: Info, input: Annotated[DeleteMyDataInput, strawberry.argument(description="The input.")]
    ) -> DeletePayload:
        own = strawberry.ID(to_global_id("Viewer", info.context.user_id))
        if input.confirm != own:
            error = DomainError(ErrorCode.INVALID, "confirm must be the viewer's id.", field=("input", "confirm"))
            return DeletePayload(user_errors=[user_error(error)])
        await info.context.erase()
        return DeletePayload(user_errors=[], deleted_id=own)
