"""The turn loop: ask the provider, commit the round, run its calls, feed the results back, until it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog

from assistant import replies
from assistant.asking import Asker, told
from assistant.beginning import Beginning, read_beginning
from assistant.calls import Surroundings, find_tool, run_call
from assistant.closing import completed
from assistant.confirmation import Asked, ask_for, described, held_back, weigh, weigh_found
from assistant.history import items_of_rounds, shown_by
from assistant.interpreter.commands import read_answer
from assistant.interpreter.phrases import Viewpoint
from assistant.interpreter.withholding import asks
from assistant.listening import Heard
from assistant.progress import Engine, Progress
from assistant.prompt import build_prompt
from assistant.providers.base import MAX_CALLS, Prompt, ProviderError, UserSaid
from assistant.summary import fold
from core.database import is_away
from core.errors import DomainError, ErrorCode
from core.unit_of_work import UnitOfWork
from models.enums import ConfirmPolicy, ToolCallStatus
from models.turns import Round, ToolCall
from services import conversations, turns
from services.limits import quota_exceeded
from services.turns import Claimed, Lease, LeaseLost, NewCall, Reply
from services.users import read_settings

log = structlog.get_logger()

ROUNDS: Final = 8


class TooManySteps(Exception):
    """The model still calls tools after the last round it may have."""


class TurnRunner:
    """Runs one claimed turn to its end, until it waits for its user, or until the lease is lost.

    Raises only what a database that is away raises. `stop` is its user's word; another cancellation hands the turn on.
    `beginning` is what was read as it was claimed; otherwise the runner reads it.
    """

    def __init__(self, engine: Engine, claimed: Claimed, beginning: Beginning | None = None) -> None:
        self._engine = engine
        self._beginning = beginning
        self._turn = claimed.turn
        self._message = claimed.message
        self._waiting = claimed.waiting
        self._lease: Lease = claimed.lease
        self._asker = Asker(engine, claimed.lease)
        self._stopped = claimed.turn.cancel_requested_at is not None
        self._running: asyncio.Task[Any] | None = None  # Any: whatever task runs it
        self._progress: Progress | None = None
        self._log = log.bind(turn=str(claimed.turn.id))

    def stop(self) -> None:
        """The user wants the turn stopped: end the model call now, and the turn with what there is."""
        if not self._stopped:
            self._stopped = True
            if self._running is not None:
                self._running.cancel()

    async def run(self) -> None:
        """Answer the message."""
        self._running = asyncio.current_task()
        try:
            await self._bounded()
        except LeaseLost:
            self._log.info("lease_lost")
        except asyncio.CancelledError:
            if not self._stopped_by_user():
                await asyncio.shield(self._hand_on())
                raise
            await self._end(self._stop)
        except TimeoutError:
            await self._fail(ErrorCode.ASSISTANT_TIMEOUT, "The assistant took too long.")
        except TooManySteps:
            await self._fail(ErrorCode.TOO_MANY_STEPS, f"The assistant needed more than {ROUNDS} steps.")
        except DomainError as error:
            await self._fail(error.code, error.message)
        except ProviderError as error:
            self._log.warning("model_failed", fault=error.fault.value)
            await self._fail(*told(error), retryable=error.retryable)
        except Exception as error:
            if is_away(error):  # an outage is not the turn's end: the worker goes on with it when the database is back
                raise
            # The boundary of a turn: whatever went wrong, the turn must end, and its user must see that it did.
            self._log.exception("turn_failed")
            await self._fail(ErrorCode.INTERNAL, "Something went wrong on the server.")
        finally:
            self._running = None

    def _stopped_by_user(self) -> bool:
        """Whether this cancellation is the user's, and not a shutdown's as well: then the next worker ends the turn."""
        task = asyncio.current_task()
        assert task is not None, "a coroutine calls this"
        return self._stopped and task.uncancel() == 0

    async def _bounded(self) -> None:
        if self._stopped:
            await self._stop()
            return
        async with asyncio.timeout(self._engine.turn_seconds):
            await self._answer()

    async def _hand_on(self) -> None:
        with suppress(LeaseLost):
            await self._work(lambda work: turns.hand_on(work, self._lease))

    async def _fail(self, code: ErrorCode, message: str, *, retryable: bool = True) -> None:
        conversation_id = self._turn.conversation_id

        async def action(work: UnitOfWork) -> None:
            await turns.fail(work, self._lease, code, message, retryable=retryable, conversation_id=conversation_id)

        await self._end(lambda: self._work(action))

    async def _end(self, action: Callable[[], Any]) -> None:
        """Do what ends the turn, unless it is another worker's by now. No word to stop it cuts that off."""
        self._running = None
        try:
            await action()
        except LeaseLost:
            self._log.info("lease_lost")
        except asyncio.CancelledError:
            await asyncio.shield(self._hand_on())
            raise

    async def _work(self, action: Callable[[UnitOfWork], Any]) -> Any:
        return await self._engine.database.work(self._lease.user_id, action)

    async def _answer(self) -> None:
        if self._turn.answer_to is not None:  # it was read: what waits by now is another question
            await self._tell_what_was_decided()
            return
        if self._waiting is not None and await self._taken_as_answer(self._waiting.id):
            return
        progress = await self._read()
        if progress.text:  # of an earlier attempt: whoever joins now must not find less than there is
            await self._work(lambda work: turns.show_again(work, self._lease, progress.attempt, progress.text))
        if progress.rounds and await self._run_calls(progress):
            return
        while not progress.done:
            if len(progress.rounds) >= ROUNDS:
                raise TooManySteps
            limit = self._engine.tokens_per_day
            if limit and progress.tokens_today >= limit:
                raise quota_exceeded(limit, self._message.created_at)
            try:
                heard = await self._asker.ask(progress, self._prompt(progress))
            except ProviderError as error:
                if not completed(progress.calls):
                    raise
                await self._complete(replies.broken_off(progress, error, self._view(progress.settings.locale)))
                return
            await self._commit(progress, heard)
            if not progress.done and await self._run_calls(progress):
                return

    async def _taken_as_answer(self, waiting_id: UUID) -> bool:
        """Read the message as the yes or no to what waits; another subject ends that instead, and is then answered.

        Whether the turn was given back: what was agreed to is done first.
        """
        answer = read_answer(self._message.content)

        async def action(work: UnitOfWork) -> bool:
            if answer is not None:
                return await turns.answer_with(work, self._lease, waiting_id, approve=answer)
            draft = await turns.read_draft(work, waiting_id)
            return await turns.pass_over(work, self._lease, waiting_id, replies.passed_over(draft))

        return bool(await self._work(action))

    async def _tell_what_was_decided(self) -> None:
        """The reply to a yes or a no: the decided turn has gone on, and done what it was told."""
        assert self._turn.answer_to is not None, "that is how it is called"
        async with self._engine.database.snapshot(self._lease.user_id) as session:
            _, calls = await turns.read_progress(session, self._turn.answer_to)
            locale = (await read_settings(session)).locale
            kept = [call for call in calls if call.error_code == ErrorCode.REJECTED_BY_USER]
            titles = {call.id: one.titles for call, one in zip(kept, await described(session, kept), strict=True)}
        await self._complete(replies.answered(calls, self._view(locale), titles))

    async def _complete(self, reply: Reply) -> None:
        await self._work(
            lambda work: turns.complete(work, self._lease, reply, conversation_id=self._turn.conversation_id)
        )

    async def _read(self) -> Progress:
        beginning = self._beginning or await self._read_beginning()
        if beginning.history.needs_fold:
            await self._work(lambda work: fold(work, self._turn))
        progress = Progress(
            history=beginning.history,
            context=dict(beginning.conversation.context),
            settings=beginning.settings,
            now=self._message.created_at,
            rounds=list(beginning.rounds),
            calls=list(beginning.calls),
            attempt=self._turn.attempt,
            provider=self._engine.provider,
            shown=beginning.history.shown,
            policy=beginning.policy,
            tokens_today=beginning.tokens_today,
        )
        for call in beginning.calls:
            progress.shown = shown_by(call, progress.shown)
        self._progress = progress
        return progress

    async def _read_beginning(self) -> Beginning:
        async with self._engine.database.snapshot(self._lease.user_id) as session:
            conversation = await conversations.find(session, self._turn.conversation_id)
            if conversation is None:
                raise LeaseLost
            return await read_beginning(session, self._engine, self._turn, conversation)

    def _prompt(self, progress: Progress) -> Prompt:
        items = (
            *progress.history.items,
            UserSaid(self._message.content),
            *items_of_rounds(self._turn.number, progress.rounds, progress.calls),
        )
        return build_prompt(
            items,
            now=progress.now,
            time_zone=self._turn.time_zone,
            locale=progress.settings.locale,
            context=progress.context,
            summary=progress.history.summary,
            retry=progress.history.retry,
        )

    def _view(self, locale: str = "en") -> Viewpoint:
        return Viewpoint(self._message.created_at, self._turn.time_zone, locale)

    async def _commit(self, progress: Progress, heard: Heard) -> None:
        """The round, whole, before its first call runs: a restart goes on from here and never asks for it again.

        A round without calls is the last, and the turn ends in the same transaction.
        """
        asked = heard.calls[:MAX_CALLS]
        done = Round(
            user_id=self._lease.user_id,
            turn_id=self._turn.id,
            number=len(progress.rounds),
            text=heard.text,
            calls=[{"name": call.name, "arguments": call.arguments} for call in asked],
            finish_reason=heard.reason.value,
        )
        known = [
            NewCall(index, tool.name, tool.operation)
            for index, call in enumerate(asked)
            if (tool := find_tool(call.name)) is not None
        ]
        progress.rounds.append(done)
        message, found = self._message, heard.understanding
        if progress.done:
            reply = replies.final(progress, self._view(progress.settings.locale))
            await self._work(
                lambda work: turns.complete_round(
                    work, self._lease, done, reply, heard.spent, message=message, understanding=found
                )
            )
            return
        noticed = progress.noticed
        committed = await self._work(
            lambda work: turns.commit_round(
                work, self._lease, done, known, heard.spent, message=message, understanding=found, noticed=noticed
            )
        )
        progress.noticed = False
        progress.calls.extend(committed.calls)
        progress.tokens_today = committed.tokens_today

    async def _run_calls(self, progress: Progress) -> bool:
        """Run what is PENDING of the last round, in order, each in its own transaction.

        Whether the turn now waits for its user: calls that their policy holds back are asked for once the others ran.
        """
        last = progress.rounds[-1]
        calls = [
            Asked(call, last.calls[call.index]["arguments"]) for call in progress.calls if call.round == last.number
        ]
        held: list[Asked] = []
        waits: set[UUID] = set()
        weighed_by: tuple[str, ...] | None = None
        for asked in [one for one in calls if one.call.status == ToolCallStatus.PENDING]:
            if progress.shown != weighed_by:  # "them" means another list from here on
                waits, weighed_by = await self._held_back(progress, calls), progress.shown
            if asked.call.id in waits:
                held.append(asked)
                continue
            around = self._surroundings(progress)
            self._keep(
                progress, await run_call(self._engine.database, self._lease, asked.call, asked.arguments, around)
            )
        return bool(held) and await self._ask_user(progress, held)

    def _keep(self, progress: Progress, done: ToolCall) -> None:
        """Put a call that has moved on in its place."""
        progress.calls = [done if call.id == done.id else call for call in progress.calls]
        progress.shown = shown_by(done, progress.shown)

    def _surroundings(self, progress: Progress) -> Surroundings:
        return Surroundings.of(progress.settings, progress.now, self._turn.time_zone, progress.shown)

    async def _held_back(self, progress: Progress, calls: Sequence[Asked]) -> set[UUID]:
        """The calls of a round that have to wait for the user; what they agreed to already doesn't wait again.

        Those that ran weigh as well: after a restart the others must not weigh less.
        """
        undecided = [asked for asked in calls if asked.call.decided_at is None]
        if progress.policy is ConfirmPolicy.NEVER or not undecided:
            return set()
        weights = {asked.call.id: weigh(asked, len(progress.shown)) for asked in undecided}
        around = self._surroundings(progress)
        for asked in undecided:
            if weights[asked.call.id].changes is None and asked.call.status == ToolCallStatus.PENDING:
                weights[asked.call.id] = await self._work(partial(weigh_found, asked=asked, surroundings=around))
        return held_back(progress.policy, weights)

    async def _ask_user(self, progress: Progress, held: Sequence[Asked]) -> bool:
        """Let these calls wait, and the turn with them; False where none of them can be done anyway."""
        around = self._surroundings(progress)

        async def action(work: UnitOfWork) -> list[ToolCall]:
            await turns.hold(work, self._lease, self._turn.conversation_id)
            calls = [await ask_for(work, asked, around) for asked in held]
            waiting = [call for call in calls if call.status == ToolCallStatus.PENDING]
            if waiting:
                question = asks(await described(work, waiting))
                await turns.wait_for_user(
                    work,
                    self._lease,
                    seconds=self._engine.confirmation_seconds,
                    attempt=progress.attempt,
                    draft=turns.joined((progress.text, question)),
                    conversation_id=self._turn.conversation_id,
                )
            return calls

        for call in await self._work(action):
            self._keep(progress, call)
        return any(call.status == ToolCallStatus.PENDING for call in progress.calls)

    async def _stop(self) -> None:
        """End the turn on its user's word, with what it has said and done."""
        async with self._engine.database.snapshot(self._lease.user_id) as session:
            done, calls = await turns.read_progress(session, self._turn.id)
            saved = await turns.read_draft(session, self._turn.id)
        text = saved
        if self._progress is not None:  # the last round may be one whose transaction was cut off
            said = [one.text for one in [*done, *self._progress.rounds[len(done) :]]]
            text = turns.joined([*said, self._asker.text_so_far])
        reply = replies.stopped(text, calls, self._view(), self._engine.provider.name if text else None)
        await self._work(
            lambda work: turns.cancel_as_worker(work, self._lease, reply, conversation_id=self._turn.conversation_id)
        )
