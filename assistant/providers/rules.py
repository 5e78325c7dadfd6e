"""The built-in provider: deterministic, no network. It reads by grammar and answers from the calls' results."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from assistant.interpreter import outcomes, phrases, questions
from assistant.interpreter.calls import Call, Plan, missing, operation_of, operation_of_tool, plan_of
from assistant.interpreter.commands import (
    ASK_CHANGE,
    Command,
    Correct,
    Greet,
    Help,
    NeverMind,
    Nothing,
    Setting,
    Thanks,
    Understanding,
    understand,
)
from assistant.interpreter.referring import referents
from assistant.providers.base import (
    MAX_CALLS,
    AssistantSaid,
    CallReady,
    CallResult,
    Finished,
    Item,
    ModelCall,
    Prompt,
    ProviderEvent,
    TextDelta,
    ToolSpec,
    Understood,
    UsageReported,
    UserSaid,
)
from models.enums import FinishReason

_QUOTED = re.compile("“[^”]*”")
CALLING: Final = 6
"""Rounds of calls that a message may take: with the answer they are within what the loop allows."""

_WORD_GROUP = re.compile(r"\s*(?:\S+\s*){1,3}")


class RulesProvider:
    """Answers without a model, in the same loop: one round of calls, then one of text."""

    @property
    def name(self) -> str:
        return "rules"

    async def stream(self, prompt: Prompt, tools: Sequence[ToolSpec]) -> AsyncGenerator[ProviderEvent, None]:
        """The calls for the user's last message, or the reply once their results are there. Raises nothing."""
        for event in _events(prompt):
            yield event

    async def aclose(self) -> None:
        """Nothing is held."""


class _Talk(NamedTuple):
    """A prompt, taken apart: the message and its place, what stands after it, what earlier attempts did."""

    text: str
    place: int
    finished: list[outcomes.Outcome]
    done: list[outcomes.Outcome]
    earlier: Sequence[Item]


def _taken_apart(prompt: Prompt) -> _Talk:
    said = _last_said(prompt.items)
    if said is None:
        return _Talk("", 0, [], [], ())
    text, place = said
    before: Sequence[Item] = prompt.items[:place]
    done: Sequence[Item] = ()
    goes_on = prompt.retry and bool(before) and isinstance(before[-1], CallResult)
    if goes_on and (attempt := _last_said(before)):
        before, done = prompt.items[: attempt[1]], before[attempt[1] + 1 :]
    previous = _last_said(before)
    earlier = before[previous[1] + 1 :] if previous else ()
    return _Talk(text, place, _outcomes(prompt.items[place + 1 :]), _outcomes(done), earlier)


def _last_said(items: Sequence[Item]) -> tuple[str, int] | None:
    found = ((item.text, i) for i, item in reversed(list(enumerate(items))) if isinstance(item, UserSaid))
    return next(found, None)


def _events(prompt: Prompt) -> Iterator[ProviderEvent]:
    talk = _taken_apart(prompt)
    understanding = understand(
        talk.text,
        now=prompt.now,
        time_zone=prompt.time_zone,
        locale=prompt.locale,
        last_question=_question(talk.earlier),
    )
    if not talk.finished:
        yield from _first_round(prompt, talk, understanding)
    else:
        yield from _next_round(prompt, talk, understanding)
    yield UsageReported(0, 0)
    yield Finished(FinishReason.STOP)


def _answer(came: Sequence[outcomes.Outcome], prompt: Prompt) -> Iterator[TextDelta]:
    view = phrases.Viewpoint(prompt.now, prompt.time_zone, prompt.locale)
    yield from _text(phrases.answer(came, view, offer_undo=True))


def _first_round(prompt: Prompt, talk: _Talk, understanding: Understanding) -> Iterator[ProviderEvent]:
    again = _chosen(talk.text, understanding, talk.earlier)
    if again:
        word = talk.text.strip()
        yield Understood(operation_of_tool(again[0][0]), 0.9, ({"kind": "target", "text": word, "value": word},))
    else:
        intent = operation_of(understanding.commands)
        yield Understood(intent, understanding.confidence, understanding.entities)
    plan = Plan(again) if again else _plan(prompt, talk, understanding)
    lacking = plan.calls if plan.looking else missing(plan.calls, talk.done)
    yield from _calls(lacking[:MAX_CALLS])
    if lacking:
        return
    if plan.calls:
        yield from _answer(talk.done, prompt)
    else:
        yield from _text(plan.question or _reply(understanding.commands[0]))


def _next_round(prompt: Prompt, talk: _Talk, understanding: Understanding) -> Iterator[ProviderEvent]:
    """What a look was for, or the reply. The looks themselves are told only where they found nothing to do."""
    rounds = _rounds(prompt.items[talk.place + 1 :])
    came = [*talk.done, *talk.finished]
    if _chosen(talk.text, understanding, talk.earlier):
        yield from _answer(came, prompt)
        return
    plan = _plan(prompt, talk, understanding)
    if not plan.looking:
        full = bool(rounds) and len(rounds[-1]) >= MAX_CALLS
        yield from _rest(missing(plan.calls, came) if full else [], came, len(rounds), prompt)
        return
    acted = [outcome for one in rounds[1:] for outcome in one]
    if not acted:
        lacking = missing(_plan(prompt, talk, understanding, rounds).calls, talk.done)
        yield from _calls(lacking)
        if lacking:
            return
    yield from _answer([*talk.done, *(acted or questions.worth_telling(talk.finished))], prompt)


def _rest(
    left: Sequence[Call], came: Sequence[outcomes.Outcome], rounds: int, prompt: Prompt
) -> Iterator[ProviderEvent]:
    """What one round has no room for comes in the next ones; then the answer, which says what is left even so."""
    if left and rounds < CALLING:
        yield from _calls(left[:MAX_CALLS])
        return
    yield from _answer(came, prompt)
    if left:
        yield from _text(f"\n{phrases.left_over(left)}")


def _plan(
    prompt: Prompt,
    talk: _Talk,
    understanding: Understanding,
    rounds: Sequence[Sequence[outcomes.Outcome]] = (),
) -> Plan:
    return plan_of(
        understanding.commands,
        _outcomes(talk.earlier),
        referents([_outcomes(turn) for turn in _turns(prompt.items[: talk.place])]),
        [outcome for one in rounds for outcome in one],
        Setting(prompt.now, prompt.time_zone, prompt.locale),
    )


def _calls(wanted: Sequence[Call]) -> Iterator[CallReady]:
    for i, (name, arguments) in enumerate(wanted):
        yield CallReady(ModelCall(f"call_{i}", name, json.dumps(arguments, ensure_ascii=False)))


def _turns(items: Sequence[Item]) -> list[list[Item]]:
    """The items of each turn, without what the user said."""
    turns: list[list[Item]] = [[]]
    for item in items:
        if isinstance(item, UserSaid):
            turns.append([])
        else:
            turns[-1].append(item)
    return turns


def _reply(command: Command) -> str:
    match command:
        case Greet():
            return phrases.GREETING
        case Help():
            return phrases.HELP
        case Thanks():
            return phrases.THANKS
        case NeverMind():
            return phrases.NEVER_MIND
        case Correct():
            return ASK_CHANGE
        case Nothing(question) if question is not None:
            return question
        case _:
            return phrases.NOTHING


def _text(text: str) -> Iterator[TextDelta]:
    for group in _WORD_GROUP.findall(text):
        yield TextDelta(group)


def _rounds(items: Sequence[Item]) -> list[list[outcomes.Outcome]]:
    """What the calls of each round came to, in the order of their results."""
    rounds: list[list[outcomes.Outcome]] = []
    calls: Mapping[str, ModelCall] = {}
    for item in items:
        if isinstance(item, AssistantSaid):
            calls = {call.id: call for call in item.calls}
            rounds.append([])
        elif isinstance(item, CallResult) and (call := calls.get(item.call_id)):
            rounds[-1].append(outcomes.read(call.name, call.arguments, item.content))
    return rounds


def _outcomes(items: Sequence[Item]) -> list[outcomes.Outcome]:
    return [outcome for one in _rounds(items) for outcome in one]


def _question(earlier: Sequence[Item]) -> str | None:
    said = [item.text for item in earlier if isinstance(item, AssistantSaid) and item.text]
    return said[-1] if said and "?" in _QUOTED.sub("", said[-1]) else None


def _chosen(text: str, understanding: Understanding, earlier: Sequence[Item]) -> list[Call]:
    """The calls that asked which task was meant, once more: the first with the user's choice, the others as they were.

    A choice that the list doesn't have asks the same again.
    """
    rounds = _rounds(earlier)
    if answer := questions.about_subtasks(text, rounds):
        return [("complete_task", answer)]
    waiting = questions.open_questions(rounds)
    if not waiting:
        return []
    is_command = not isinstance(understanding.commands[0], Nothing | Correct)
    picked = questions.picked(text, waiting[0], whole_titles=is_command)
    if picked is None:
        return []
    first = questions.answered(waiting[0], picked.words) if picked.words else [dict(waiting[0].arguments)]
    others = [(other.tool, dict(other.arguments)) for other in waiting[1:]]
    return [*((waiting[0].tool, arguments) for arguments in first), *others]
