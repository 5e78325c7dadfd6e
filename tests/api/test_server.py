"""The server as a process: what it answers, whom it refuses, and how it starts and ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.support.events import streaming
from tests.support.tasktalk_process import Running, data_directory, serve, tasktalk

SEND = """mutation($text: String!) {
  sendMessage(input: {content: $text, waitSeconds: 30}) { turn { status reply { content } } userErrors { code } }
}"""
REVOKE = "mutation { revokeAuthentication { authenticationToken { isValid } } }"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with data_directory() as directory, serve(directory) as running:
        yield running


def post(running: Running, token: str, query: str, **variables: object) -> dict[str, Any]:
    with running.client() as client:
        answer = client.post(
            "/graphql", json={"query": query, "variables": variables}, headers={"authorization": f"Bearer {token}"}
        )
    found: dict[str, Any] = answer.json()
    return found


def postmaster(running: Running) -> int:
    """Its process id; 0 while it is being started."""
    try:
        return int((running.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    except (FileNotFoundError, IndexError):
        return 0


def test_the_process_is_alive_and_ready(running: Running) -> None:
    with running.client() as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"] == {
        "database": True,
        "migrations": True,
        "row_level_security": True,
        "worker": True,
        "bus": True,
    }


def test_figures_are_in_prometheus_format(running: Running) -> None:
    with running.client() as client:
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "tasktalk_sockets 0.0" in answer.text
    assert "tasktalk_hub_reads_total" in answer.text


@pytest.mark.parametrize("token", [None, "nonsense"])
def test_a_post_without_a_good_token_is_refused(running: Running, token: str | None) -> None:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    with running.client() as client:
        answer = client.post("/graphql", json={"query": "{ viewer { id } }"}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_token_of_the_command_line_is_taken(running: Running) -> None:
    found = post(running, running.token("alice"), "{ viewer { authenticationToken { userId isValid } } }")
    assert found["data"]["viewer"]["authenticationToken"] == {"userId": "alice", "isValid": True}


def test_a_message_is_answered(running: Running) -> None:
    found = post(running, running.token("bob"), SEND, text="add buy milk")
    assert found["data"]["sendMessage"]["turn"]["status"] == "COMPLETED"
    assert "buy milk" in found["data"]["sendMessage"]["turn"]["reply"]["content"].lower()


@pytest.mark.parametrize("path", ["/graphql/", "/nowhere", "/graphiql/"])
def test_a_path_that_is_not_there_is_told_in_json_and_redirects_nowhere(running: Running, path: str) -> None:
    with running.client() as client:
        answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["extensions"]["code"] == "DOCUMENT_INVALID"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("header", [{"host": "evil.example"}, {"origin": "https://evil.example"}, {"origin": "null"}])
@pytest.mark.parametrize("path", ["/", "/graphiql", "/readyz"])
def test_development_mode_answers_to_this_machine_only(running: Running, header: dict[str, str], path: str) -> None:
    with running.client() as client:
        answer = client.get(path, headers=header)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_development_mode_refuses_a_foreign_pages_socket(running: Running) -> None:
    url = running.url.replace("http", "ws") + "/graphql"
    with pytest.raises(InvalidStatus) as refused:
        await connect(
            url, subprotocols=[Subprotocol("graphql-transport-ws")], additional_headers={"host": "evil.example"}
        )
    assert refused.value.response.status_code == 403


def test_the_page_signs_in_and_the_explorer_is_pointed_at_the_endpoint(running: Running) -> None:
    with running.client() as client:
        home = client.get("/").text
        explorer = client.get("/graphiql").text
    token = home.partition("<textarea readonly>")[2].partition("</textarea>")[0]
    found = post(running, token, "{ viewer { authenticationToken { userId } } }")
    assert found["data"]["viewer"]["authenticationToken"]["userId"] == "developer"
    assert 'window.location.origin + "/graphql"' in explorer
    assert "Authorization" in explorer


async def test_a_revoked_token_is_refused_at_once_and_its_socket_closes(running: Running) -> None:
    token = await asyncio.to_thread(running.token, "carol")
    url = running.url.replace("http", "ws") + "/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        revoked = await asyncio.to_thread(post, running, token, REVOKE)
        assert revoked["data"]["revokeAuthentication"]["authenticationToken"] == {"isValid": False}
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4403
    refused = await asyncio.to_thread(post, running, token, "{ viewer { id } }")
    assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_the_embedded_database(number: signal.Signals) -> None:
    with data_directory() as directory, serve(directory) as running:
        pid_file = running.data_dir / "postgres" / "postmaster.pid"
        assert pid_file.exists()
        running.process.send_signal(number)
        assert running.process.wait(60) == 0
        assert not pid_file.exists(), "a server that was stopped cleanly removes it"


async def test_a_server_that_stops_breaks_streams_off_and_they_resume_on_the_next() -> None:
    changes = "subscription($after: String) { changes(after: $after) { cursor ... on TaskChanged { task { title } } } }"
    with data_directory() as directory:
        with serve(directory) as running:
            token = await asyncio.to_thread(running.token)
            async with streaming(f"{running.url}/graphql", token, changes) as stream:
                cursor = (await stream.result())["changes"]["cursor"]
                running.process.terminate()
                assert await stream.rest() == [], "no complete: there is more to come"
            assert await asyncio.to_thread(running.process.wait, 60) == 0
        with serve(directory) as running:
            await asyncio.to_thread(post, running, token, SEND, text="add water the plants")
            async with streaming(f"{running.url}/graphql", token, changes, variables={"after": cursor}) as stream:
                while "task" not in (change := (await stream.result())["changes"]):
                    pass
    assert change["task"] == {"title": "water the plants"}


def test_what_was_said_survives_a_kill() -> None:
    with data_directory() as directory:
        with serve(directory) as running:
            token = running.token()
            post(running, token, SEND, text="add water the plants")
            running.process.kill()
            running.process.wait(60)
        with serve(directory) as running:
            found = post(running, token, "{ tasks { edges { node { title } } } }")
            assert [edge["node"]["title"] for edge in found["data"]["tasks"]["edges"]] == ["water the plants"]


def test_the_embedded_database_is_started_again_when_it_was_killed() -> None:
    with data_directory() as directory, serve(directory) as running:
        token, before = running.token(), postmaster(running)
        post(running, token, SEND, text="add water the plants")
        os.kill(before, signal.SIGKILL)
        deadline = time.monotonic() + 60
        with running.client() as client:
            while postmaster(running) in (0, before) or client.get("/readyz").status_code != 200:
                assert time.monotonic() < deadline
        found = post(running, token, "{ tasks { edges { node { title } } } }")
        assert [edge["node"]["title"] for edge in found["data"]["tasks"]["edges"]] == ["water the plants"]


def test_with_authentication_no_page_hands_out_tokens_and_any_host_is_served() -> None:
    settings = {
        "BETTER_AUTH_SECRET": "a-secret-of-at-least-32-characters",
        "TASKTALK_AUTH_ISSUER": "https://auth.example",
        "TASKTALK_AUTH_AUDIENCE": "https://auth.example",
    }
    with data_directory() as directory, serve(directory, **settings) as running, running.client() as client:
        home = client.get("/", headers={"host": "tasktalk.example"})
        assert home.status_code == 200
        assert "Bearer" not in home.text
        assert client.get("/graphiql").status_code == 404
        token = running.token()  # of the development key, which means nothing here
        answer = client.post("/graphql", json={"query": "{ x }"}, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401


def test_a_database_that_does_not_answer_ends_it_with_one_line_and_code_2() -> None:
    with data_directory() as directory:
        url = "postgresql://u:hush@127.0.0.1:1/x"
        done = tasktalk("serve", "--port", "0", "--data-dir", str(directory), DATABASE_URL=url)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "DATABASE_URL" in line
    assert "hush" not in line


def test_a_port_that_is_taken_is_refused_by_name(running: Running) -> None:
    with data_directory() as directory:
        done = tasktalk("serve", "--port", running.url.rpartition(":")[2], "--data-dir", str(directory))
    assert done.returncode == 2
    assert "TASKTALK_PORT" in done.stderr


def test_the_doctor_finds_a_running_server_well(running: Running) -> None:
    done = tasktalk("doctor", "--data-dir", str(running.data_dir))
    assert done.returncode == 0, done.stdout
    assert "✗" not in done.stdout
    assert "row-level security: holds" in done.stdout


def test_the_doctor_says_what_is_missing() -> None:
    with data_directory() as directory:
        done = tasktalk("doctor", "--data-dir", str(directory))
    assert done.returncode == 1
    assert "tasktalk migrate" in done.stdout
