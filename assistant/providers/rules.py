"""The built-in provider: deterministic, no network. It reads by grammar and answers from the calls' results."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from uuid import UUID

from assistant.interpreter import outcomes, phrases, targets
from assistant.interpreter.commands import (
    Add,
    Categorize,
    Command,
    Complete,
    Delete,
    Greet,
    Help,
    ListTasks,
    Nothing,
    Reopen,
    Reschedule,
    Search,
    Thanks,
    Understanding,
    Update,
    is_choice,
    understand,
)
from assistant.providers.base import (
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

_OPERATIONS = {
    Add: "CREATE", Update: "UPDATE", Complete: "UPDATE", Reopen: "UPDATE", Reschedule: "UPDATE", Delete: "DELETE",
    ListTasks: "SEARCH", Search: "SEARCH", Categorize: "CATEGORIZE",
}  # fmt: skip
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


def _events(prompt: Prompt) -> Iterator[ProviderEvent]:
    said = max((i for i, item in enumerate(prompt.items) if isinstance(item, UserSaid)), default=-1)
    finished = _outcomes(prompt.items[said + 1 :])
    if finished:
        yield from _text(phrases.answer(finished, phrases.Viewpoint(prompt.now, prompt.time_zone)))
    else:
        yield from _first_round(prompt, said)
    yield UsageReported(0, 0)
    yield Finished(FinishReason.STOP)


def _first_round(prompt: Prompt, said: int) -> Iterator[ProviderEvent]:
    message = prompt.items[said] if said >= 0 else None
    text = message.text if isinstance(message, UserSaid) else ""
    earlier = _previous_turn(prompt.items[: max(said, 0)])
    if again := _chosen(text, earlier):
        call, operation = again
        yield Understood(operation, 0.9, ({"kind": "target", "text": text.strip(), "value": text.strip()},))
        yield CallReady(call)
        return
    understanding = understand(
        text, now=prompt.now, time_zone=prompt.time_zone, locale=prompt.locale, last_question=_question(earlier)
    )
    intent = next((found for c in understanding.commands if (found := _OPERATIONS.get(type(c)))), None)
    yield Understood(intent, understanding.confidence, understanding.entities)
    calls = _calls(understanding)
    if not calls:
        yield from _text(_reply(understanding.commands[0]))
    for call in calls:
        yield CallReady(call)


def _calls(understanding: Understanding) -> list[ModelCall]:
    made = [tool for command in understanding.commands if (tool := _tool(command))]
    return [
        ModelCall(
            f"call_{i}", name, json.dumps({k: v for k, v in arguments.items() if v is not None}, ensure_ascii=False)
        )
        for i, (name, arguments) in enumerate(made)
    ]


def _tool(command: Command) -> tuple[str, dict[str, object]] | None:
    """The tool call of a command; None where it needs none."""
    match command:
        case Add(title, due, priority, labels):
            return "add_task", {"title": title, "due": due, "priority": priority, "labels": list(labels) or None}
        case ListTasks(due, status, label, priority, text):
            arguments = {"due": due, "status": status, "label": label, "priority_at_least": priority, "text": text}
            return "list_tasks", {**arguments}
        case Search(query):
            return "search_tasks", {"query": query}
        case Update(target, title, description, priority):
            return "update_task", {"task": target, "title": title, "description": description, "priority": priority}
        case Complete(target):
            return "complete_task", {"task": target}
        case Reopen(target):
            return "complete_task", {"task": target, "completed": False}
        case Delete(target):
            return "delete_task", {"task": target}
        case _:
            return _tool_of_many(command)


def _tool_of_many(command: Command) -> tuple[str, dict[str, object]] | None:
    match command:
        case Categorize(names, added, removed):
            labels = {"add_labels": list(added) or None, "remove_labels": list(removed) or None}
            return "categorize_tasks", {"tasks": list(names), **labels}
        case Reschedule(names, due):
            return "reschedule_tasks", {"tasks": list(names), "due": due}
        case _:
            return None


def _reply(command: Command) -> str:
    match command:
        case Greet():
            return phrases.GREETING
        case Help():
            return phrases.HELP
        case Thanks():
            return phrases.THANKS
        case Nothing(question) if question is not None:
            return question
        case _:
            return phrases.NOTHING


def _text(text: str) -> Iterator[TextDelta]:
    for group in _WORD_GROUP.findall(text):
        yield TextDelta(group)


def _pairs(items: Sequence[Item]) -> list[tuple[ModelCall, str]]:
    """Calls with their results' JSON, in the order of the results."""
    calls = {call.id: call for item in items if isinstance(item, AssistantSaid) for call in item.calls}
    return [
        (calls[item.call_id], item.content) for item in items if isinstance(item, CallResult) and item.call_id in calls
    ]


def _outcomes(items: Sequence[Item]) -> list[outcomes.Outcome]:
    return [outcomes.read(call.name, call.arguments, content) for call, content in _pairs(items)]


def _previous_turn(items: Sequence[Item]) -> Sequence[Item]:
    """What followed the user's message before the present one."""
    start = max((i for i, item in enumerate(items) if isinstance(item, UserSaid)), default=-1)
    return items[start + 1 :]


def _question(earlier: Sequence[Item]) -> str | None:
    said = [item.text for item in earlier if isinstance(item, AssistantSaid) and item.text]
    return said[-1] if said and "?" in said[-1] else None


def _chosen(text: str, earlier: Sequence[Item]) -> tuple[ModelCall, str] | None:
    """The earlier call that failed for having several candidates, once more, with the user's choice as its target."""
    for call, content in _pairs(earlier):
        candidates = outcomes.read(call.name, call.arguments, content).candidates
        if not candidates or not (is_choice(text) or _names_one(text, candidates)):
            continue
        words = text.strip().rstrip(".!?").strip()
        arguments = outcomes.arguments_of(call.arguments)
        if "tasks" in arguments:
            arguments["tasks"] = _replaced(arguments["tasks"], words, candidates)
        else:
            arguments["task"] = words
        operation = {"delete_task": "DELETE", "categorize_tasks": "CATEGORIZE"}.get(call.name, "UPDATE")
        return ModelCall("call_0", call.name, json.dumps(arguments, ensure_ascii=False)), operation
    return None


def _as_candidates(shown: Sequence[outcomes.Shown]) -> list[targets.Candidate]:
    return [targets.Candidate(UUID(int=i), task.title, task.is_completed) for i, task in enumerate(shown)]


def _names_one(text: str, candidates: Sequence[outcomes.Shown]) -> bool:
    """Whether a message without a command of its own names exactly one of the candidates."""
    return isinstance(targets.match(text, _as_candidates(candidates), ()), targets.Found)


def _replaced(named: object, words: str, candidates: Sequence[outcomes.Shown]) -> list[str]:
    """The targets of a call, with the one that the candidates belong to replaced by the user's choice."""
    names = [str(name) for name in named] if isinstance(named, list) else []
    unclear = next(
        (
            i
            for i, name in enumerate(names)
            if isinstance(targets.match(name, _as_candidates(candidates), ()), targets.Ambiguous)
        ),
        len(names) - 1,
    )
    return [words if i == unclear else name for i, name in enumerate(names)] or [words]
