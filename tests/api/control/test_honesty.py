"""Claims that nothing stands behind, and questions with their choices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.providers.rules import RulesProvider
from tests.support.controlling import Person
from tests.support.scripted_provider import Said, call

FACT = "(Nothing was changed.)"


# Claims


@pytest.mark.parametrize(
    "lie", ["I've added milk to your list.", "Done! Milk is deleted.", "Ich habe Milch hinzugefügt."]
)
async def test_a_claim_without_a_deed_ends_with_the_fact(ann: Person, lie: str) -> None:
    ann.model.then(lie)
    async with ann.working():
        turn = await ann.say("add milk")
    assert turn["reply"]["content"] == f"{lie}\n\n{FACT}"
    assert turn["draft"] == turn["reply"]["content"]
    assert await ann.tasks() == []


async def test_a_claim_after_a_call_that_failed_or_only_looked_ends_with_the_fact(ann: Person) -> None:
    ann.model.then(Said("", [call("complete_task", task="milk"), call("list_tasks")]), "I completed “milk”.")
    async with ann.working():
        turn = await ann.say("milk is bought")
    assert turn["reply"]["content"] == f"I completed “milk”.\n\n{FACT}"


async def test_a_claim_with_a_deed_and_a_reply_that_claims_nothing_stay(ann: Person) -> None:
    ann.model.then(Said("", [call("add_task", title="milk")]), "I've added milk.", "Shall I add eggs as well?")
    async with ann.working():
        assert (await ann.say("add milk"))["reply"]["content"] == "I've added milk."
        assert (await ann.say("and?"))["reply"]["content"] == "Shall I add eggs as well?"


# Asking back


async def test_asking_back_gives_choices_and_picking_one_goes_on(ann: Person) -> None:
    ann.engine = replace(ann.engine, provider=RulesProvider())
    first, second = await ann.add("call mom", "call dad")
    async with ann.working():
        asked = await ann.say("complete call and add milk")
        choices = asked["reply"]["choices"]
        assert [one["task"] and one["task"]["id"] for one in choices] == [first, second, None]
        assert [one["label"] for one in choices] == ["call mom", "call dad", "None of these"]
        picked = await ann.say(choices[1]["content"])
    assert [(one["toolName"], one["status"]) for one in picked["toolCalls"]] == [("complete_task", "COMPLETED")]
    assert picked["toolCalls"][0]["tasks"][0]["id"] == second
    assert picked["reply"]["choices"] == []
    assert (await ann.tasks()).count("milk") == 1


async def test_a_models_question_has_the_same_choices_and_its_numbers_mean_them(ann: Person) -> None:
    _, second = await ann.add("call mom", "call dad")
    ann.model.then(Said("", [call("complete_task", task="call")]), "Which one, mom or dad?")
    ann.model.then(Said("", [call("complete_task", task="the second one")]), "Completed “call dad”.")
    async with ann.working():
        asked = await ann.say("I called")
        assert len(asked["reply"]["choices"]) == 3
        picked = await ann.say(asked["reply"]["choices"][1]["content"])
    assert picked["toolCalls"][0]["tasks"][0]["id"] == second


async def test_none_of_these_leaves_everything_as_it_is(ann: Person) -> None:
    ann.engine = replace(ann.engine, provider=RulesProvider())
    await ann.add("call mom", "call dad")
    async with ann.working():
        asked = await ann.say("delete call")
        dropped = await ann.say(asked["reply"]["choices"][-1]["content"])
    assert dropped["toolCalls"] == []
    assert await ann.tasks() == ["call mom", "call dad"]
