"""The terminal client against a scripted server: streaming, lost sockets, repeats, refusals, and its own server."""

from __future__ import annotations

import asyncio
import http
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import clock
from graphql_api.cli.chat import Session
from graphql_api.cli.chat_server import OwnServer, is_running
from graphql_api.cli.chat_terminal import Lines
from graphql_api.cli.chat_view import Note, Restart, Shown, Text
from tasktalk_client import Client, ClientError, Patience, Refused, ServerLost
from tests.support.fake_chat_server import Close, Cut, Errors, FakeServer, Raw, Step

PATIENCE = Patience(first=lambda: [0.0] * 3, again=lambda: [0.0] * 50)


class Typed(Lines):
    """Lines that the test types; `waiting` as with a person."""

    def __init__(self, *lines: str | None) -> None:
        super().__init__(lambda: None)
        self.queue: asyncio.Queue[str | None] = asyncio.Queue()
        for line in lines:
            self.queue.put_nowait(line)

    async def next(self) -> str | None:
        return await self.queue.get()


@dataclass
class Record:
    """A screen that keeps what was shown, by kind."""

    reply: str = ""
    kept: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    order: list[tuple[str, str]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self, shown: Shown) -> None:
        match shown:
            case Text(text):
                self.reply += text
                self._keep("pieces", text)
            case Restart():
                self.reply = ""
            case Note(line):
                self._keep("notes", line)

    def end_reply(self) -> None:
        if self.reply:
            self._keep("replies", self.reply)
        self.reply = ""

    def say(self, line: str) -> None:
        self._keep("said", line)

    def remark(self, line: str) -> None:
        self._keep("remarks", line)

    def problem(self, sentence: str) -> None:
        self._keep("problems", sentence)

    def _keep(self, kind: str, line: str) -> None:
        self.kept[kind].append(line)
        self.order.append((kind, line))
        self.changed.set()

    async def until(self, reached: Callable[[Record], bool]) -> None:
        while not reached(self):
            self.changed.clear()
            await self.changed.wait()


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    made = FakeServer()
    made.scripts |= {"Start": start, "FollowChanges": quiet, "Say": take, "FollowTurn": answer("Done.")}
    async with asyncio.timeout(30), made.running():
        yield made


async def start(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
    yield {"viewer": {"name": None, "email": None, "cursor": "c0"}}


async def quiet(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
    yield {"changes": {"__typename": "Progress", "cursor": "c0"}}
    await asyncio.Event().wait()


async def take(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
    yield sent("T1")


def sent(turn_id: str | None, *errors: dict[str, Any]) -> dict[str, Any]:
    turn = {"id": turn_id} if turn_id else None
    conversation = {"id": "V1"} if turn_id else None
    return {"sendMessage": {"conversation": conversation, "turn": turn, "userErrors": list(errors)}}


def error(code: str, message: str, retry_at: str | None = None) -> dict[str, Any]:
    return {"code": code, "message": message, "retryAt": retry_at}


def turn(status: str = "RUNNING", reply: str | None = None, *calls: dict[str, Any]) -> dict[str, Any]:
    said = None if reply is None else {"content": reply}
    return {"id": "T1", "status": status, "reply": said, "error": None, "toolCalls": list(calls)}


def added(title: str) -> dict[str, Any]:
    return {
        "id": f"C-{title}",
        "toolName": "add_task",
        "status": "COMPLETED",
        "error": None,
        "tasks": [{"title": title, "priority": "NONE", "isCompleted": False, "labels": []}],
        "result": {"__typename": "TasksChanged"},
    }


def snapshot(draft: str = "", attempt: int = 1, *calls: dict[str, Any]) -> Step:
    return {
        "turn": {
            "__typename": "TurnSnapshot",
            "attempt": attempt,
            "draft": draft,
            "turn": turn("RUNNING", None, *calls),
        }
    }


def delta(offset: int, text: str, attempt: int = 1) -> Step:
    return {"turn": {"__typename": "TextDelta", "attempt": attempt, "offset": offset, "text": text}}


def moved(call: dict[str, Any]) -> Step:
    return {"turn": {"__typename": "ToolCallUpdate", "toolCall": call}}


def ended(reply: str, *calls: dict[str, Any]) -> Step:
    return {"turn": {"__typename": "TurnEnded", "turn": turn("COMPLETED", reply, *calls)}}


def changed(cursor: str, title: str, turn_id: str | None = None) -> Step:
    call = {"turn": {"id": turn_id}} if turn_id else None
    task = {"title": title, "priority": "NONE", "isCompleted": False, "labels": []}
    event = {"__typename": "TaskChanged", "cursor": cursor, "action": "CREATED", "task": task, "toolCall": call}
    return {"changes": event}


def answer(text: str) -> Callable[[dict[str, Any], int], AsyncIterator[Step]]:
    async def script(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield snapshot()
        yield ended(text)

    return script


def failing(error: Exception) -> Callable[[dict[str, Any], int], AsyncIterator[Step]]:
    async def script(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        if nth >= 0:
            raise error
        yield {}

    return script


@asynccontextmanager
async def live_to(server: FakeServer, on_state: Callable[[bool], None] = lambda _: None) -> AsyncIterator[Client]:
    asked = iter(range(1_000))

    async def token() -> str:
        return f"token-{next(asked)}"

    async with Client(server.url, token, on_state=on_state, patience=PATIENCE) as client:
        yield client


async def said(server: FakeServer, *lines: str, patient: bool = False) -> Record:
    """What a session shows of these lines, to the end of the input."""
    record = Record()

    async def pause(_seconds: float) -> None:
        record.kept["pauses"].append("")

    async with live_to(server, lambda back: record.remark("back" if back else "lost")) as live:
        await Session(live, record, Typed(*lines, None), patient=patient, pause=pause).run()
    return record


@asynccontextmanager
async def session(server: FakeServer) -> AsyncIterator[tuple[Record, Typed]]:
    """A session whose lines the test types; it has ended well when this is left."""
    record, lines = Record(), Typed()
    async with (
        live_to(server, lambda back: record.remark("back" if back else "lost")) as live,
        asyncio.TaskGroup() as group,
    ):
        running = group.create_task(Session(live, record, lines).run())
        yield record, lines
        lines.queue.put_nowait(None)
        await running


# ---------------------------------------------------------------- a conversation
async def test_a_reply_streams_with_its_calls(server: FakeServer) -> None:
    async def script(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield snapshot()
        yield delta(0, "One moment")
        yield moved(added("buy milk"))
        yield delta(10, ", done 🥛")
        yield ended("One moment, done 🥛.", added("buy milk"))

    server.scripts["FollowTurn"] = script
    shown = await said(server, "add buy milk")
    assert shown.kept["pieces"] == ["One moment", ", done 🥛", "."]
    assert shown.kept["notes"] == ["✓ add_task “buy milk”"]
    assert shown.kept["replies"] == ["One moment, done 🥛."]
    assert not shown.kept["problems"]


async def test_a_conversation_goes_on_until_a_new_one_is_asked_for(server: FakeServer) -> None:
    await said(server, "one", "  two  ", "", "/new", "three", "/quit", "never said")
    inputs = [asked["input"] for asked in server.asked["Say"]]
    assert [(one["content"], one["conversationId"]) for one in inputs] == [
        ("one", None),
        ("two", "V1"),
        ("three", None),
    ]
    assert len({one["idempotencyKey"] for one in inputs}) == 3


async def test_open_tasks_are_listed(server: FakeServer) -> None:
    async def tasks(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        found = [{"node": {"title": title, "priority": "NONE", "isCompleted": False, "labels": []}} for title in "ab"]
        more = {"hasNextPage": nth == 1}
        yield {"tasks": {"edges": found if nth else [], "pageInfo": more, "totalCount": None}}

    server.scripts["OpenTasks"] = tasks
    shown = await said(server, "/tasks", "/tasks", "/tasks")
    assert shown.kept["said"] == ["No open tasks.", "• a", "• b", "… the first 2 of many", "• a", "• b"]


async def test_help_is_given_and_an_unknown_command_is_not_sent(server: FakeServer) -> None:
    shown = await said(server, "/help", "/drop everything")
    assert "/tasks" in shown.kept["said"][0]
    assert shown.kept["problems"] == ["There is no such command; /help lists them."]
    assert "Say" not in server.asked


async def test_user_errors_are_shown_and_the_session_goes_on(server: FakeServer) -> None:
    async def refuse(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        yield sent(None, error("CONVERSATION_INACTIVE", "The conversation is closed.")) if nth == 0 else sent("T1")

    server.scripts["Say"] = refuse
    shown = await said(server, "one", "two")
    assert shown.kept["problems"] == ["The conversation is closed."]
    assert "/new starts another conversation." in shown.kept["remarks"]
    assert shown.kept["replies"] == ["Done."]


async def test_a_top_level_error_is_a_sentence_and_the_session_goes_on(server: FakeServer) -> None:
    async def fail(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        if nth == 0:
            raise Errors("Something went wrong on the server.", "INTERNAL")
        yield sent("T1")

    server.scripts["Say"] = fail
    shown = await said(server, "one", "two")
    assert shown.kept["problems"] == ["Something went wrong on the server."]
    assert shown.kept["replies"] == ["Done."]


async def test_a_script_says_a_refused_message_again_under_its_key(server: FakeServer) -> None:
    soon = (clock.now() + timedelta(seconds=5)).isoformat()

    async def limited(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        yield sent(None, error("RATE_LIMITED", "Slow down.", soon)) if nth == 0 else sent("T1")

    server.scripts["Say"] = limited
    shown = await said(server, "one", patient=True)
    assert shown.kept["replies"] == ["Done."]
    assert not shown.kept["problems"]
    assert len(shown.kept["pauses"]) == 1
    first, second = server.asked["Say"]
    assert first == second


async def test_a_person_is_told_of_a_limit_at_once(server: FakeServer) -> None:
    async def limited(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield sent(None, error("RATE_LIMITED", "Slow down.", clock.now().isoformat()))

    server.scripts["Say"] = limited
    shown = await said(server, "one")
    assert shown.kept["problems"] == ["Slow down."]
    assert len(server.asked["Say"]) == 1


async def test_a_message_no_frame_can_hold_is_not_sent(server: FakeServer) -> None:
    shown = await said(server, "x" * 60_000, "one")
    assert shown.kept["problems"] == ["The message is too long: at most 10,000 characters."]
    assert [asked["input"]["content"] for asked in server.asked["Say"]] == ["one"]


# ---------------------------------------------------------------- lost sockets
async def test_a_message_whose_answer_was_lost_is_said_under_the_same_key(server: FakeServer) -> None:
    async def cut_once(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        if nth == 0:
            raise Cut
        yield sent("T1")

    server.scripts["Say"] = cut_once
    shown = await said(server, "add eggs")
    first, second = server.asked["Say"]
    assert first == second
    assert first["input"]["idempotencyKey"]
    assert shown.kept["replies"] == ["Done."]
    assert [line for line in shown.kept["remarks"] if line in ("lost", "back")] == ["lost", "back"]


async def test_a_reply_goes_on_where_it_was_cut(server: FakeServer) -> None:
    async def cut_in_the_middle(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        if nth == 0:
            yield snapshot()
            yield delta(0, "Added ")
            yield moved(added("eggs"))
            yield delta(6, "eggs")
            raise Cut
        yield snapshot("Added", 1, added("eggs"))  # the draft as it was last saved
        yield delta(5, " eggs and")
        yield delta(14, " bread")
        yield moved(added("bread"))
        yield ended("Added eggs and bread.", added("eggs"), added("bread"))

    server.scripts["FollowTurn"] = cut_in_the_middle
    shown = await said(server, "add eggs and bread")
    assert "".join(shown.kept["pieces"]) == "Added eggs and bread."
    assert shown.kept["notes"] == ["✓ add_task “eggs”", "✓ add_task “bread”"]
    assert server.asked["FollowTurn"] == [{"id": "T1"}] * 2
    assert len(server.asked["Say"]) == 1


async def test_a_turn_that_ended_while_the_server_was_gone_is_shown_whole(server: FakeServer) -> None:
    async def cut_in_the_middle(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        yield snapshot("Add")
        if nth == 0:
            raise Cut
        yield ended("Added eggs.", added("eggs"))

    server.scripts["FollowTurn"] = cut_in_the_middle
    shown = await said(server, "add eggs")
    assert shown.kept["pieces"] == ["Add", "ed eggs."]
    assert shown.kept["notes"] == ["✓ add_task “eggs”"]


async def test_a_stream_that_stops_early_is_made_good_by_reading_the_turn(server: FakeServer) -> None:
    async def stop(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield snapshot("Add")

    async def read(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        yield {"turn": turn() if nth == 0 else turn("COMPLETED", "Added eggs.", added("eggs"))}

    server.scripts |= {"FollowTurn": stop, "Turn": read}
    shown = await said(server, "add eggs")
    assert shown.kept["replies"] == ["Added eggs."]
    assert server.asked["Turn"] == [{"id": "T1"}] * 2


async def test_a_turn_that_is_gone_ends_the_wait(server: FakeServer) -> None:
    async def stop(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield snapshot("Add")

    async def read(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield {"turn": None}

    server.scripts |= {"FollowTurn": stop, "Turn": read}
    shown = await said(server, "add eggs")
    assert shown.kept["notes"] == ["✗ The message and its answer are gone."]


async def test_a_server_that_starts_again_is_found_again(server: FakeServer) -> None:
    async with session(server) as (record, lines):
        await server.until(lambda: len(server.asked.get("FollowChanges", ())) == 1)
        await server.stop()
        await record.until(lambda seen: "lost" in seen.kept["remarks"])
        await server.start()
        await server.until(lambda: len(server.asked["FollowChanges"]) == 2)
        lines.queue.put_nowait("add eggs")
        await record.until(lambda seen: seen.kept["replies"] == ["Done."])
    assert len(set(server.tokens)) == len(server.tokens)


# ---------------------------------------------------------------- changes
async def test_changes_resume_after_the_last_cursor_and_repeats_are_not_shown(server: FakeServer) -> None:
    async def changes(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        if nth == 0:
            yield changed("c1", "eggs")
            yield changed("c2", "bread")
            raise Cut
        yield changed("c2", "bread")
        yield changed("c3", "butter")
        await asyncio.Event().wait()

    server.scripts["FollowChanges"] = changes
    async with session(server) as (record, _):
        await record.until(lambda seen: any("butter" in line for line in seen.kept["remarks"]))
    assert [line for line in record.kept["remarks"] if "elsewhere" in line] == [
        "• “eggs” added elsewhere",
        "• “bread” added elsewhere",
        "• “butter” added elsewhere",
    ]
    assert server.asked["FollowChanges"] == [{"after": "c0"}, {"after": "c2"}]


async def test_the_own_turns_changes_are_not_shown_twice(server: FakeServer) -> None:
    told = asyncio.Event()

    async def changes(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield changed("c1", "before", "T0")
        await told.wait()
        yield changed("c2", "eggs", "T1")
        yield changed("c3", "after", "T9")
        await asyncio.Event().wait()

    async def answered(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield snapshot()
        yield moved(added("eggs"))
        yield ended("Added.", added("eggs"))
        told.set()

    server.scripts |= {"FollowChanges": changes, "FollowTurn": answered}
    async with session(server) as (record, lines):
        lines.queue.put_nowait("add eggs")
        await record.until(lambda seen: any("after" in line for line in seen.kept["remarks"]))
    assert not any("eggs" in line for line in record.kept["remarks"])
    assert record.kept["notes"] == ["✓ add_task “eggs”"]


async def test_what_happens_elsewhere_waits_for_the_end_of_the_reply(server: FakeServer) -> None:
    begun, told = asyncio.Event(), asyncio.Event()

    async def changes(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        await begun.wait()
        yield changed("c1", "bread", "T9")
        yield {"changes": {"__typename": "Progress", "cursor": "c2"}}
        told.set()
        await asyncio.Event().wait()

    async def answered(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield snapshot("Ad")
        begun.set()
        await told.wait()
        yield ended("Added.")

    server.scripts |= {"FollowChanges": changes, "FollowTurn": answered}
    async with session(server) as (record, lines):
        lines.queue.put_nowait("add eggs")
        await record.until(lambda seen: any("bread" in line for line in seen.kept["remarks"]))
    assert record.kept["replies"] == ["Added."]
    assert [kind for kind, _ in record.order][-2:] == ["replies", "remarks"]


async def test_after_a_gap_it_goes_on_from_the_servers_cursor(server: FakeServer) -> None:
    async def changes(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        if nth == 0:
            yield {"changes": {"__typename": "ResyncRequired", "cursor": "other-epoch"}}
            raise Cut
        yield changed("c9", "eggs")
        await asyncio.Event().wait()

    server.scripts["FollowChanges"] = changes
    async with session(server) as (record, _):
        await record.until(lambda seen: any("eggs" in line for line in seen.kept["remarks"]))
    assert server.asked["FollowChanges"][1] == {"after": "other-epoch"}
    assert any("missed" in line for line in record.kept["remarks"])


async def test_a_passing_fault_of_the_stream_is_tried_again(server: FakeServer) -> None:
    async def changes(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        if nth == 0:
            raise Errors("Something went wrong on the server.", "INTERNAL")
        if nth == 1:
            return
        yield changed("c1", "eggs")
        await asyncio.Event().wait()

    server.scripts["FollowChanges"] = changes
    async with session(server) as (record, _):
        await record.until(lambda seen: any("eggs" in line for line in seen.kept["remarks"]))
    assert len(server.asked["FollowChanges"]) == 3


async def test_the_chat_goes_on_where_changes_are_refused(server: FakeServer) -> None:
    server.scripts["FollowChanges"] = failing(Errors("after: not a cursor of this viewer.", "DOCUMENT_INVALID"))
    async with session(server) as (record, lines):
        await record.until(lambda seen: any("not a cursor" in line for line in seen.kept["remarks"]))
        lines.queue.put_nowait("add eggs")
        await record.until(lambda seen: seen.kept["replies"] == ["Done."])


# ---------------------------------------------------------------- refusals
async def refusal(server: FakeServer, *lines: str) -> ClientError:
    with pytest.raises(ClientError) as caught:
        await said(server, *lines)
    return caught.value


@pytest.mark.parametrize("code", [4401, 4403])
async def test_a_refused_token_is_a_plain_sentence_and_not_tried_again(server: FakeServer, code: int) -> None:
    server.at_init = [code]
    error = await refusal(server)
    assert isinstance(error, Refused)
    assert error.message == "The server refused the token."
    assert len(server.tokens) == 1


async def test_a_token_that_ends_under_way_is_followed_by_a_new_one(server: FakeServer) -> None:
    async def changes(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        if nth == 0:
            raise Close(4403)
        yield changed("c1", "eggs")
        await asyncio.Event().wait()

    server.scripts["FollowChanges"] = changes
    async with session(server) as (record, _):
        await record.until(lambda seen: any("eggs" in line for line in seen.kept["remarks"]))
    assert server.tokens == ["Bearer token-0", "Bearer token-1"]


async def test_a_full_server_is_tried_again(server: FakeServer) -> None:
    server.at_init = [1013, 1012]
    server.statuses = [http.HTTPStatus.SERVICE_UNAVAILABLE]
    assert (await said(server, "one")).kept["replies"] == ["Done."]


async def test_no_server_is_a_plain_sentence(server: FakeServer) -> None:
    await server.stop()
    error = await refusal(server)
    assert isinstance(error, ServerLost)
    assert error.message == f"No server answers at {server.url}."


async def test_a_server_that_never_comes_back_ends_the_session(server: FakeServer) -> None:
    record, lines = Record(), Typed()
    async with live_to(server) as live:
        running = asyncio.create_task(Session(live, record, lines).run())
        await server.until(lambda: "FollowChanges" in server.asked)
        await server.stop()
        with pytest.raises(ServerLost, match="No server answers"):
            await running


@pytest.mark.parametrize("status", [http.HTTPStatus.NOT_FOUND, http.HTTPStatus.FORBIDDEN])
async def test_another_kind_of_server_is_a_plain_sentence(server: FakeServer, status: http.HTTPStatus) -> None:
    server.statuses = [status]
    error = await refusal(server)
    assert error.message == f"{server.url} doesn't answer as a Tasktalk server (HTTP {status.value})."


async def test_a_redirect_does_not_get_the_token(server: FakeServer) -> None:
    async with FakeServer().running() as elsewhere:
        server.redirect = f"ws://127.0.0.1:{elsewhere.port}/graphql"
        assert "HTTP 302" in (await refusal(server)).message
        assert elsewhere.tokens == []


@pytest.mark.parametrize("frame", ["{", "[]", "null"])
async def test_an_unreadable_frame_loses_the_socket_not_the_message(server: FakeServer, frame: str) -> None:
    async def garbled(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        yield Raw(frame) if nth == 0 else sent("T1")
        if nth == 0:
            await asyncio.Event().wait()

    server.scripts["Say"] = garbled
    assert (await said(server, "one")).kept["replies"] == ["Done."]


async def test_an_answer_of_another_shape_is_a_plain_sentence(server: FakeServer) -> None:
    async def odd(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield {"sendMessage": {"userErrors": "none"}}

    server.scripts["Say"] = odd
    shown = await said(server, "one")
    assert shown.kept["problems"] == ["The server's answer can't be read: is it a Tasktalk server of this version?"]


@pytest.mark.parametrize("code", [1009, 4400])
async def test_a_message_that_the_server_can_not_take_is_not_sent_for_ever(server: FakeServer, code: int) -> None:
    server.scripts["Say"] = failing(Close(code))
    shown = await said(server, "one", "/help")
    assert shown.kept["problems"] == ["The server can't take this request: it is too large or malformed."]
    assert len(server.asked["Say"]) == 1
    assert len(shown.kept["said"]) == 1


async def test_a_server_that_dies_of_a_message_is_not_fed_it_for_ever(server: FakeServer) -> None:
    server.scripts["Say"] = failing(Cut())
    assert isinstance(await refusal(server, "one"), ServerLost)
    assert len(server.asked["Say"]) <= 50


async def test_pings_are_answered(server: FakeServer) -> None:
    server.pings = 2
    await said(server, "one")
    assert server.pongs == 2


# ---------------------------------------------------------------- the command and its own server
async def chatting(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import typer; from graphql_api.cli.chat import chat; typer.run(chat)",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run_chat(stdin: bytes, *arguments: str) -> tuple[int | None, str, str]:
    process = await chatting(*arguments)
    out, err = await process.communicate(stdin)
    return process.returncode, out.decode(), err.decode()


async def test_a_script_pipes_its_lines_and_reads_the_replies(server: FakeServer) -> None:
    arguments = ("--url", server.url, "--token", "abc")
    assert await run_chat(b"add eggs\n\nadd bread", *arguments) == (0, "Done.\nDone.\n", "")
    assert server.tokens == ["Bearer abc"]
    assert [asked["input"]["content"] for asked in server.asked["Say"]] == ["add eggs", "add bread"]


async def test_in_development_it_signs_its_own_token(server: FakeServer, tmp_path: Path) -> None:
    code, out, err = await run_chat(b"hi\n", "--url", server.url, "--data-dir", str(tmp_path), "--user", "someone")
    assert (code, out, err) == (0, "Done.\n", "")
    assert server.tokens[0].count(".") == 2


async def test_failures_are_sentences_and_exit_code_1(server: FakeServer) -> None:
    server.at_init = [4403]
    arguments = ("--url", server.url, "--token", "abc")
    assert await run_chat(b"hi\n", *arguments) == (1, "", "The server refused the token.\n")
    remote = await run_chat(b"", "--url", "https://tasks.example")
    assert remote == (1, "", "--token is needed for a server that isn't on this machine.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_it_quietly_while_it_waits_for_input(server: FakeServer, number: signal.Signals) -> None:
    process = await chatting("--url", server.url, "--token", "abc")
    await server.until(lambda: "FollowChanges" in server.asked)
    process.send_signal(number)
    assert await process.wait() == 130
    assert process.stderr is not None
    assert await process.stderr.read() == b""
    assert process.stdin is not None
    process.stdin.close()


async def test_a_running_server_is_known_by_its_health(server: FakeServer) -> None:
    assert await is_running(server.url)
    await server.stop()
    assert not await is_running(server.url)


CHILD = """
import signal
try:
    print("a log line", flush=True)
    print("x" * 400_000, flush=True)
    print("Tasktalk listens on http://127.0.0.1:%d" % {port}, flush=True)
    while True:
        signal.pause()
except KeyboardInterrupt:
    open({path!r}, "a").write("stopped ")
"""


async def test_its_own_server_is_started_once_and_stopped(tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
    async with OwnServer([sys.executable, "-c", CHILD.format(port=12345, path=str(stopped))]) as own:
        assert await own.url() == "http://127.0.0.1:12345"
        first = own.pid
        assert await own.url() == "http://127.0.0.1:12345"
        assert own.pid == first
    assert stopped.read_text() == "stopped "
    assert own.pid is None


async def test_its_own_server_is_started_again_once_it_is_gone(tmp_path: Path) -> None:
    ends = 'print("Tasktalk listens on http://127.0.0.1:12345", flush=True)'
    own = OwnServer([sys.executable, "-c", ends])
    await own.url()
    first = own.pid
    await own.ended()
    await own.url()
    assert own.pid != first
    await own.stop()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ([sys.executable, "-c", "print('TASKTALK_PORT: no such port')"], "TASKTALK_PORT: no such port"),
        ([sys.executable, "-c", ""], "it said nothing"),
        (["/nonexistent/python"], "can't be started"),
    ],
)
async def test_a_server_that_does_not_start_says_why(command: list[str], sentence: str) -> None:
    async with OwnServer(command) as own:
        with pytest.raises(ClientError, match=sentence):
            await own.url()
