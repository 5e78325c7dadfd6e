"""What lies under the openai provider: connections that are lost or reused, TLS, proxies, and what isn't HTTP."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from assistant.providers.base import Finished, Prompt, ProviderError, ProviderEvent, ProviderFault, TextDelta, UserSaid
from assistant.providers.openai import OpenAIProvider, Timeouts
from models.enums import FinishReason
from tests.support.reading import GUARD

KEY = "sk-secret-key-of-this-test"
PROMPT = Prompt("Be brief.", (UserSaid("hello"),), datetime(2026, 3, 5, tzinfo=UTC), "Europe/Berlin")
BODY = b'data: {"choices":[{"delta":{"content":"ok"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
OK = [TextDelta("ok"), Finished(FinishReason.STOP)]


def answer(body: bytes = BODY, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: text/event-stream", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Endpoint:
    """A server that answers each request with the next of `answers`, and with `closing` ends the connection after each.

    `heads` holds the heads of the requests, `connections` how many were opened; `left` is set once a client has closed
    the connection as well.
    """

    def __init__(self, *answers: bytes, closing: bool) -> None:
        self.heads: list[str] = []
        self.connections = 0
        self.port = 0
        self.left = asyncio.Event()
        self._answers = list(answers)
        self._closing = closing

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self._answers:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(line for line in head.lower().splitlines() if line.startswith("content-length:"))
                await reader.readexactly(int(length.partition(":")[2]))
                self.heads.append(head)
                writer.write(self._answers.pop(0))
                await writer.drain()
                if self._closing:
                    break
            if writer.can_write_eof():
                writer.write_eof()
            await reader.read()
            self.left.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has left
        finally:
            writer.close()


@asynccontextmanager
async def endpoint(
    *answers: bytes, closing: bool = False, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Endpoint]:
    made = Endpoint(*answers, closing=closing)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


async def listen(provider: OpenAIProvider) -> list[ProviderEvent]:
    async with asyncio.timeout(GUARD):
        return [event async for event in provider.stream(PROMPT, ())]


async def ask(url: str, times: int = 1, timeouts: Timeouts | None = None) -> list[ProviderEvent]:
    """What the last of so many calls gives."""
    provider = OpenAIProvider(KEY, url, "m", timeouts=timeouts)
    try:
        said = [await listen(provider) for _ in range(times)]
    finally:
        await provider.aclose()
    return said[-1]


async def fault_at(url: str, timeouts: Timeouts | None = None) -> ProviderFault:
    with pytest.raises(ProviderError) as caught:
        await ask(url, timeouts=timeouts)
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value.fault


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


# Connections


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: text/ev", id="half a head"),
        pytest.param(b"220 mail.example ESMTP\r\n", id="another protocol"),
        pytest.param(b"\x00\xff" * 200 + b"\r\n\r\n", id="bytes"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000 + b"\r\n\r\n", id="a head without measure"),
        pytest.param(answer(BODY[:20]).replace(b"Length: 20", b"Length: 99"), id="less than was said"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n" + BODY, id="chunks that are none"
        ),
        pytest.param(answer(BODY, b"Content-Encoding: gzip"), id="not compressed as was said"),
    ],
)
async def test_a_connection_that_brings_no_answer_is_unavailable(sent: bytes) -> None:
    async with endpoint(sent, closing=True) as server:
        assert await fault_at(f"http://127.0.0.1:{server.port}/v1") is ProviderFault.UNAVAILABLE


async def test_a_connection_that_is_reset_is_unavailable() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        taken: socket.socket = writer.get_extra_info("socket")
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    async with await asyncio.start_server(reset, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        assert await fault_at(url) is ProviderFault.UNAVAILABLE


async def test_a_connection_serves_the_next_call() -> None:
    async with endpoint(answer(), answer(), answer()) as server:
        assert await ask(f"http://127.0.0.1:{server.port}/v1", times=3) == OK
    assert server.connections == 1


async def test_a_connection_that_the_endpoint_closed_is_not_used_again() -> None:
    async with endpoint(answer(), answer(), closing=True) as server:
        provider = OpenAIProvider(KEY, f"http://127.0.0.1:{server.port}/v1", "m")
        assert await listen(provider) == OK
        async with asyncio.timeout(GUARD):
            await server.left.wait()
        assert await listen(provider) == OK
        await provider.aclose()
    assert server.connections == 2


async def test_a_compressed_answer_is_read() -> None:
    async with endpoint(answer(gzip.compress(BODY), b"Content-Encoding: gzip")) as server:
        assert await ask(f"http://127.0.0.1:{server.port}/v1") == OK


# TLS


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 with its key, signed by nobody else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    encodings = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = tmp_path / "certificate.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*encodings))
    return path


def serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_a_certificate_that_is_trusted_is_taken(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with endpoint(answer(), answer(), tls=serving(certificate)) as server:
        assert await ask(f"https://127.0.0.1:{server.port}/v1", times=2) == OK
    assert server.connections == 1


async def test_a_certificate_that_nobody_vouches_for_gets_no_request(certificate: Path) -> None:
    async with endpoint(answer(), tls=serving(certificate)) as server:
        assert await fault_at(f"https://127.0.0.1:{server.port}/v1") is ProviderFault.UNAVAILABLE
    assert server.heads == []


async def test_an_endpoint_that_speaks_no_tls_is_unavailable() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Speak HTTP\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        assert await fault_at(url) is ProviderFault.UNAVAILABLE


async def test_a_handshake_that_hangs_times_out() -> None:
    async with endpoint(answer()) as server:  # waits for a request, as the client does for a certificate
        url = f"https://127.0.0.1:{server.port}/v1"
        assert await fault_at(url, Timeouts(connect=0.1)) is ProviderFault.TIMEOUT
    assert server.heads == []


# Proxies


# The SDK hands the name and password on in a way that aiohttp 4 will not have any more.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The .proxy_auth. parameter is deprecated:DeprecationWarning")
async def test_a_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with endpoint(answer()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://who:secret@127.0.0.1:{proxy.port}")
        assert await ask("http://model.example/v1") == OK
    assert proxy.heads[0].startswith("POST http://model.example/v1/chat/completions HTTP/1.1\r\n")
    assert "proxy-authorization: basic " in proxy.heads[0].lower()


async def test_a_proxy_that_refuses_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"CONNECT model.example:443 HTTP/1.1\r\n")
        writer.write(b"HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        assert await fault_at("https://model.example/v1") is ProviderFault.UNAVAILABLE


async def test_nobody_listens_where_the_proxy_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:  # bound and not listening: connections are refused, and nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert await fault_at("http://model.example/v1") is ProviderFault.UNAVAILABLE
