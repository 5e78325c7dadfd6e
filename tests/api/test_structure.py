"""Subtasks, the user's own order, several tasks at once and expected versions, as clients see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.database import Database
from core.ids import parse_global_id, to_global_id
from core.settings import Settings
from events.bus import Bus
from tests.support.api import Api, serving

FAMILY = """query ($id: ID!, $first: Int) {
  task(id: $id) { title subtasks(first: $first) { title isCompleted parent { title } } }
}"""
PAYLOAD = "{ task { id version } userErrors { code field message nodeId } }"
SEVERAL = "{ tasks { id isCompleted deletedAt } userErrors { code field nodeId } }"


@pytest.fixture
async def api(database: Database, bus: Bus, user: str) -> AsyncIterator[Api]:
    async with serving(database, bus, user, Settings(limit_sends_per_minute=0)) as api:
        yield api


async def run(api: Api, name: str, kind: str, answer: str, given: dict[str, Any], **more: str) -> Any:
    arguments = "".join(f", {argument}: {value}" for argument, value in more.items())
    document = f"mutation ($input: {kind}!) {{ {name}(input: $input{arguments}) {answer} }}"
    return (await api.data(document, input=given))[name]


async def make(api: Api, title: str, **more: Any) -> str:
    made = await run(api, "createTask", "CreateTaskInput", PAYLOAD, {"title": title, **more})
    assert made["userErrors"] == []
    return str(made["task"]["id"])


async def titles(api: Api, **filter_: Any) -> list[str]:
    document = "query ($filter: TaskFilter) { tasks(filter: $filter) { edges { node { title } } totalCount } }"
    page = (await api.data(document, filter=filter_))["tasks"]
    assert page["totalCount"] == len(page["edges"])
    return [edge["node"]["title"] for edge in page["edges"]]


async def test_a_family_is_read_filtered_completed_and_deleted(api: Api) -> None:
    shopping, lone = await make(api, "Shopping"), await make(api, "Lone")
    for title in ("Milk", "Oil", "Tea"):
        await make(api, title, parentId=shopping)
    family = (await api.data(FAMILY, id=shopping, first=2))["task"]
    assert [one["title"] for one in family["subtasks"]] == ["Milk", "Oil"]
    assert family["subtasks"][0]["parent"] == {"title": "Shopping"}
    assert len((await api.data(FAMILY, id=shopping))["task"]["subtasks"]) == 3
    assert await titles(api, parentId=shopping) == ["Milk", "Oil", "Tea"]
    assert await titles(api, isSubtask=False) == ["Shopping", "Lone"]
    assert await titles(api, isSubtask=True, text="tea") == ["Tea"]
    refused = await api.answer(FAMILY, id=shopping, first=101)
    assert "first must be 1..100" in str(refused["errors"])

    asked = await run(api, "completeTask", "TaskIdInput", PAYLOAD, {"taskId": shopping})
    assert asked["task"] is None
    [error] = asked["userErrors"]
    assert (error["code"], error["field"], error["nodeId"]) == ("OPEN_SUBTASKS", ["openSubtasks"], shopping)
    assert "3 open subtasks" in error["message"]
    done = await run(api, "completeTask", "TaskIdInput", PAYLOAD, {"taskId": shopping}, openSubtasks="COMPLETE")
    assert done["task"]["version"] == 2
    assert all(one["isCompleted"] for one in (await api.data(FAMILY, id=shopping))["task"]["subtasks"])

    out = await run(api, "updateTask", "UpdateTaskInput", PAYLOAD, {"taskId": lone, "parentId": shopping})
    assert out["task"]["id"] == lone
    await run(api, "updateTask", "UpdateTaskInput", PAYLOAD, {"taskId": lone, "parentId": None})
    await run(api, "deleteTask", "TaskIdInput", PAYLOAD, {"taskId": shopping})
    assert await titles(api) == ["Lone"]
    await run(api, "restoreTask", "TaskIdInput", PAYLOAD, {"taskId": shopping})
    assert len(await titles(api)) == 5


async def test_tasks_are_moved_and_several_change_together_or_not_at_all(api: Api) -> None:
    a, b, c = [await make(api, title) for title in "abc"]
    moved = await run(api, "moveTask", "MoveTaskInput", PAYLOAD, {"taskId": c, "beforeId": a, "expectedVersion": 1})
    assert moved["task"] == {"id": c, "version": 2}
    await run(api, "moveTask", "MoveTaskInput", PAYLOAD, {"taskId": c, "to": "BOTTOM"})
    await run(api, "moveTask", "MoveTaskInput", PAYLOAD, {"taskId": a, "afterId": b, "beforeId": c})
    assert await titles(api) == ["b", "a", "c"]
    for input_ in ({"taskId": a}, {"taskId": a, "afterId": a}, {"taskId": a, "afterId": b, "to": "TOP"}):
        refused = await run(api, "moveTask", "MoveTaskInput", PAYLOAD, input_)
        assert (refused["task"], refused["userErrors"][0]["code"]) == (None, "INVALID")

    done = await run(api, "completeTasks", "TaskIdsInput", SEVERAL, {"taskIds": [c, a]})
    assert [(task["id"], task["isCompleted"]) for task in done["tasks"]] == [(c, True), (a, True)]
    missing = await run(api, "deleteTasks", "TaskIdsInput", SEVERAL, {"taskIds": [a, "nothing"]})
    assert (missing["tasks"], missing["userErrors"][0]["field"]) == ([], ["input", "taskIds", "1"])
    for only in (label_like(a), "nothing"):
        missing = await run(api, "completeTasks", "TaskIdsInput", SEVERAL, {"taskIds": [only]})
        assert missing["userErrors"][0]["field"] == ["input", "taskIds", "0"], "a list of one is a list"
    for many in ([], [a] * 101):
        refused = await run(api, "deleteTasks", "TaskIdsInput", SEVERAL, {"taskIds": many})
        assert refused["userErrors"][0]["field"] == ["input", "taskIds"]
    assert len(await titles(api)) == 3
    gone = await run(api, "deleteTasks", "TaskIdsInput", SEVERAL, {"taskIds": [a, b]})
    assert all(task["deletedAt"] for task in gone["tasks"])
    child = await make(api, "child", parentId=c)
    await run(api, "completeTasks", "TaskIdsInput", SEVERAL, {"taskIds": [c]}, openSubtasks="KEEP")
    await run(api, "completeTasks", "TaskIdsInput", SEVERAL, {"taskIds": [child, c]})
    assert await titles(api, isCompleted=True) == ["c", "child"]


async def test_each_of_several_tasks_may_be_expected_at_a_version(api: Api) -> None:
    a, b = [await make(api, title) for title in "ab"]
    ids = {"taskIds": [a, b]}
    stale = await run(api, "deleteTasks", "TaskIdsInput", SEVERAL, {**ids, "expectedVersions": [1, 2]})
    assert [task["id"] for task in stale["tasks"]] == [b]
    assert stale["userErrors"] == [
        {"code": "VERSION_CONFLICT", "field": ["input", "expectedVersions", "1"], "nodeId": b}
    ]
    uneven = await run(api, "completeTasks", "TaskIdsInput", SEVERAL, {**ids, "expectedVersions": [1]})
    assert uneven["userErrors"][0]["field"] == ["input", "expectedVersions"]
    assert await titles(api, isCompleted=False) == ["a", "b"]
    done = await run(api, "completeTasks", "TaskIdsInput", SEVERAL, {**ids, "expectedVersions": [None, 1]})
    assert [task["isCompleted"] for task in done["tasks"]] == [True, True]


async def test_a_reminder_is_not_set_for_a_time_long_over(api: Api) -> None:
    over = (clock.now() - timedelta(days=1, seconds=1)).isoformat()
    refused = await run(api, "createTask", "CreateTaskInput", PAYLOAD, {"title": "Call", "remindAt": over})
    [error] = refused["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID", ["input", "remindAt"])
    assert "more than a day" in error["message"]
    assert await titles(api) == []
    task = await make(api, "Call", remindAt=(clock.now() - timedelta(hours=1)).isoformat())  # comes at once
    refused = await run(api, "updateTask", "UpdateTaskInput", PAYLOAD, {"taskId": task, "remindAt": over})
    assert (refused["task"], refused["userErrors"][0]["field"]) == (None, ["input", "remindAt"])


def label_like(task_id: str) -> str:
    """The same object's id, of another kind."""
    return to_global_id("Label", parse_global_id(task_id, "Task"))


async def test_a_stale_version_changes_nothing_wherever_one_object_changes(api: Api) -> None:
    begun = await api.data('mutation { createConversation(input: {title: "Plans"}) { conversation { id version } } }')
    talk = begun["createConversation"]["conversation"]
    label = await run(api, "createLabel", "CreateLabelInput", "{ label { id version } }", {"name": "Home"})
    named = {"labelId": label["label"]["id"]}
    where = {"conversationId": talk["id"]}
    for name, kind, given, answer in (
        ("updateLabel", "UpdateLabelInput", {**named, "name": "House"}, "label { id version }"),
        ("deleteLabel", "LabelIdInput", named, "deletedId"),
        ("renameConversation", "RenameConversationInput", {**where, "title": "New"}, "conversation { id version }"),
        ("closeConversation", "ConversationIdInput", where, "conversation { id version }"),
        ("reopenConversation", "ConversationIdInput", where, "conversation { id version }"),
        ("deleteConversation", "ConversationIdInput", where, "deletedId"),
    ):
        stale = {**given, "expectedVersion": 7}
        payload = await run(api, name, kind, f"{{ {answer} userErrors {{ code field nodeId }} }}", stale)
        [error] = payload["userErrors"]
        assert (error["code"], error["field"]) == ("VERSION_CONFLICT", ["input", "expectedVersion"])
        if answer != "deletedId":
            assert payload[answer.split()[0]] == (label["label"] if "label" in answer else talk)
        assert error["nodeId"] in (talk["id"], label["label"]["id"])
    renamed = await run(
        api, "renameConversation", "RenameConversationInput", "{ conversation { title version } }",
        {**where, "title": "New", "expectedVersion": talk["version"]},
    )  # fmt: skip
    assert renamed["conversation"] == {"title": "New", "version": talk["version"] + 1}
    gone = await run(api, "deleteLabel", "LabelIdInput", "{ deletedId }", {**named, "expectedVersion": 1})
    assert gone["deletedId"] == named["labelId"]
