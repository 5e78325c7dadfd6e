"""`tasktalk chat`: a terminal client over the real API. A session sends what is said and shows what comes of it."""

from __future__ import annotations

import asyncio
import signal
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer
from rich.console import Console

from core import clock
from core.settings import load
from graphql_api.cli.chat_api import (
    FOLLOW_CHANGES,
    FOLLOW_TURN,
    SEND,
    TASKS,
    TURN,
    VIEWER,
    ChangeData,
    SendPayload,
    Sent,
    TasksRead,
    TurnData,
    UserError,
    ViewerRead,
    ask,
    read_as,
)
from graphql_api.cli.chat_server import OwnServer, is_running
from graphql_api.cli.chat_terminal import Lines, LiveScreen, PlainScreen, Screen, piped_lines, tidy_terminal, typed_line
from graphql_api.cli.chat_view import ChangeView, Note, TurnView, task_line
from services.auth.development import is_loopback_host, issue, load_key
from tasktalk_client import Client, ClientError, OperationFailed, TurnGone

HELP: Final = """\
Say what is to be done, in your own words: add buy milk tomorrow at 5pm
/tasks   the open tasks
/new     start a new conversation
/help    this
/quit    leave (also Ctrl-D)"""

_TOKEN_SECONDS: Final = 3600  # a new one is signed at each connection, and before the end
_LARGEST_MESSAGE: Final = 50_000  # bytes; the server's frames end at 64 KiB, and its messages at 10,000 characters
_LONGEST_WAIT: Final = 120.0  # seconds until a limit lets a script's next message through
_ELSEWHERE: Final = 20  # lines kept while a reply is shown

Pause = Callable[[float], Awaitable[None]]


class Session:
    """A conversation over a client of the API.

    `patient`: a message that a limit refuses waits (by `pause`, in seconds) until the server takes it: a script can't
    say it again.
    """

    def __init__(
        self, client: Client, screen: Screen, lines: Lines, *, patient: bool = False, pause: Pause = asyncio.sleep
    ) -> None:
        self._client = client
        self._screen = screen
        self._lines = lines
        self._patient = patient
        self._pause = pause
        self._conversation_id: str | None = None
        self._cursor = ""
        self._changes = ChangeView()
        self._answering = False
        self._elsewhere: list[str] = []

    async def run(self) -> None:
        """Until the lines end or /quit. Raises ClientError where it can't go on."""
        self._cursor = (await ask(self._client, VIEWER, {}, ViewerRead)).viewer.cursor
        self._screen.remark("Connected. /help says what can be said.")
        try:
            async with asyncio.TaskGroup() as group:
                follower = group.create_task(self._follow_changes(), name="changes")
                try:
                    await self._take_lines()
                finally:
                    follower.cancel()
        except ExceptionGroup as group:
            expected, others = group.split(ClientError)
            if expected is None or others is not None:
                raise
            raise expected.exceptions[0] from None

    async def _take_lines(self) -> None:
        while (line := await self._lines.next()) is not None:
            match line.strip():
                case "":
                    pass
                case "/quit" | "/exit":
                    return
                case command if command.startswith("/"):
                    await self._spared(self._obey(command))
                case content:
                    await self._spared(self._converse(content))

    async def _spared(self, work: Awaitable[None]) -> None:
        """What one operation fails with is said; the session goes on."""
        try:
            await work
        except OperationFailed as failure:
            self._screen.problem(failure.message)

    async def _obey(self, command: str) -> None:
        match command:
            case "/tasks":
                await self._list_tasks()
            case "/new":
                self._conversation_id = self._changes.conversation_id = None
                self._screen.remark("The next message starts a new conversation.")
            case "/help":
                self._screen.say(HELP)
            case _:
                self._screen.problem("There is no such command; /help lists them.")

    async def _list_tasks(self) -> None:
        page = (await ask(self._client, TASKS, {}, TasksRead)).tasks
        for edge in page.edges:
            self._screen.say(task_line(edge.node))
        if not page.edges:
            self._screen.say("No open tasks.")
        elif page.page_info.has_next_page:
            self._screen.say(f"… the first {len(page.edges)} of {page.total_count or 'many'}")

    async def _converse(self, content: str) -> None:
        if len(content.encode("utf-8", "replace")) > _LARGEST_MESSAGE:
            self._screen.problem("The message is too long: at most 10,000 characters.")
            return
        self._answering = True
        try:
            sent = await self._send(content)
            for error in sent.user_errors:
                self._screen.problem(error.message)
                if error.code == "CONVERSATION_INACTIVE":
                    self._screen.remark("/new starts another conversation.")
            if sent.turn is not None and sent.conversation is not None:
                self._conversation_id = self._changes.conversation_id = sent.conversation.id
                await self._follow_turn(sent.turn.id)
        finally:
            self._answering = False
            self._screen.end_reply()
            waited, self._elsewhere = self._elsewhere, []
            for line in waited:
                self._screen.remark(line)

    async def _send(self, content: str) -> SendPayload:
        """One key a message: however often it goes out, it is said once."""
        said = {"content": content, "conversationId": self._conversation_id, "idempotencyKey": str(uuid.uuid4())}
        while True:
            sent = (await ask(self._client, SEND, {"input": said}, Sent)).send_message
            if sent.turn is not None:
                self._changes.own.add(sent.turn.id)
            wait = _wait_for(sent.user_errors) if self._patient else None
            if wait is None:
                return sent
            await self._pause(wait)

    async def _follow_turn(self, turn_id: str) -> None:
        view = TurnView()
        try:
            async with aclosing(self._client.turn(turn_id, follow=FOLLOW_TURN, read=TURN)) as updates:
                async for seen in updates:
                    for shown in view.apply(read_as(TurnData, {"turn": seen.update.data}).turn):
                        self._screen.show(shown)
                    if view.done:
                        break
        except TurnGone as gone:
            self._screen.show(Note(f"✗ {gone.message}"))
        if view.waits:
            # It goes on under another turn's eyes; what it then does comes as changes.
            self._changes.own.discard(turn_id)

    async def _follow_changes(self) -> None:
        try:
            async with aclosing(self._client.changes(self._cursor, document=FOLLOW_CHANGES)) as changes:
                async for change in changes:
                    line = self._changes.apply(read_as(ChangeData, {"changes": change.data}).changes)
                    if line is not None:
                        self._tell(line)
        except OperationFailed as failure:
            # The chat itself needs no changes.
            self._tell(f"Changes made elsewhere aren't shown: {failure.message}")

    def _tell(self, line: str) -> None:
        if not self._answering:
            self._screen.remark(line)
        elif len(self._elsewhere) < _ELSEWHERE:
            self._elsewhere.append(line)


def _wait_for(errors: tuple[UserError, ...]) -> float | None:
    """Seconds until a refused message may be sent again; None where waiting (that long) doesn't help."""
    instants = [error.retry_at for error in errors if error.retry_at is not None]
    if not errors or len(instants) < len(errors):
        return None
    wait = max((instant - clock.now()).total_seconds() for instant in instants)
    return max(wait, 0.1) if wait <= _LONGEST_WAIT else None


def base_url(text: str) -> str:
    """The server's address from what a person gave. Raises ClientError for anything but a web address."""
    address = text.strip().rstrip("/").removesuffix("/graphql").rstrip("/")
    for scheme, web in (("ws://", "http://"), ("wss://", "https://")):
        if address.lower().startswith(scheme):
            address = web + address[len(scheme) :]
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or "@" in parts.netloc:
        raise ClientError("--url: must be the server's address, such as http://127.0.0.1:8000.")
    return address


async def talk(url: str | None, token: str | None, data_dir: Path | None, user: str) -> None:
    """Find or start a server and talk over it, on this process' terminal. Raises ClientError."""
    settings = load(data_dir=data_dir)
    fixed = base_url(url) if url is not None else None
    if token is None and not settings.development:
        raise ClientError("--token is needed: this server's tokens come from Better Auth.")
    if token is None and fixed is not None and not is_loopback_host(urlsplit(fixed).netloc):
        raise ClientError("--token is needed for a server that isn't on this machine.")
    typed = sys.stdin.isatty() and sys.stdout.isatty()
    out, err = Console(), Console(stderr=True)
    lines = Lines(typed_line if typed else piped_lines(sys.stdin.fileno()))
    screen: Screen = LiveScreen(out, lambda: lines.waiting) if typed else PlainScreen(out, err)

    async with AsyncExitStack() as stack:
        stack.enter_context(_ending_with_signals())
        stack.enter_context(tidy_terminal() if typed else nullcontext())
        default = f"http://127.0.0.1:{settings.port}"
        own: OwnServer | None = None
        if fixed is None and not (settings.port and await is_running(default)):
            screen.remark("No server runs yet; starting one.")
            own = await stack.enter_async_context(OwnServer.of(settings.data_dir))

        async def signed() -> str:
            return _signed(settings.data_dir, user)

        where = own.url if own is not None else fixed or default
        client = Client(where, token or signed, on_state=lambda present: screen.remark(_STATES[present]))
        await stack.enter_async_context(client)
        await Session(client, screen, lines, patient=not typed).run()


@contextmanager
def _ending_with_signals() -> Iterator[None]:
    """A closed terminal window (SIGHUP) or a SIGTERM ends as Ctrl-C does: with the own server stopped."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    handled = []
    for name in ("SIGHUP", "SIGTERM"):
        with suppress(AttributeError, NotImplementedError):  # not on Windows
            loop.add_signal_handler(number := getattr(signal, name), task.cancel)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


_STATES: Final = {False: "The connection was lost; trying to get it back.", True: "Connected again."}


def _signed(data_dir: Path, user: str) -> str:
    try:
        return issue(load_key(data_dir), user, _TOKEN_SECONDS)
    except ValueError as error:
        raise ClientError(f"--user: {error}.") from None


def chat(
    url: Annotated[str | None, typer.Option(help="The server's address; default: one on this machine.")] = None,
    token: Annotated[str | None, typer.Option(help="A bearer token; default: one of the development key.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the embedded database and keys live (TASKTALK_DATA_DIR).")
    ] = None,
    user: Annotated[str, typer.Option(help="Who to be in development mode: the token's sub.")] = "developer",
) -> None:
    """Talk to your tasks in the terminal; each line of a pipe is one message."""
    try:
        asyncio.run(talk(url, token, data_dir, user))
    except ClientError as error:
        PlainScreen(Console(), Console(stderr=True)).problem(error.message)
        raise typer.Exit(1) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(130) from None
