"""Telling the operator's webhook of reminders: signed, to public addresses alone, tried again by the queue."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from uuid import UUID

import aiohttp
import orjson
import structlog
from procrastinate import App, JobContext, RetryStrategy

from core import clock
from core.database import Database
from core.dsn import Dsn
from core.settings import Settings, webhook_key
from jobs.queue import POLL_DEAF, make_connector
from services.reminders import told

log = structlog.get_logger()

QUEUE: Final = "webhooks"
TASK: Final = "deliver"
"""As in the SQL function tasktalk.deliver."""

AT_A_TIME: Final = 4
SECONDS: Final = 10.0
"""For one delivery, all in all."""

RETRIES: Final = RetryStrategy(max_attempts=7, exponential_wait=4)
"""After 4 s, 16 s, 1 min, 4 min, 17 min, 68 min and 4½ hours."""

_NAT64: Final = IPv6Network("64:ff9b::/96")


class Undelivered(Exception):
    """The webhook couldn't be reached or didn't take it: the queue tries again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A body and what it is known by: the same at every attempt."""

    id: str
    body: bytes

    def headers(self, key: bytes, now: int) -> dict[str, str]:
        """As the Standard Webhooks specification has them; `now` is in seconds since 1970."""
        signed = hmac.new(key, f"{self.id}.{now}.".encode() + self.body, hashlib.sha256).digest()
        return {
            "content-type": "application/json",
            "webhook-id": self.id,
            "webhook-timestamp": str(now),
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        }


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's: not loopback, private, link-local, multicast or reserved."""
    found = ip_address(address.partition("%")[0])
    inner = _inner(found) if isinstance(found, IPv6Address) else None
    return found.is_global and not found.is_multicast and (inner is None or inner.is_global)


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def public_socket(address: Any) -> socket.socket:  # Any: what getaddrinfo gives
    """The socket for an address that is about to be connected to: the name was resolved, and can't change any more.

    Raises OSError where it isn't a public one.
    """
    family, kind, protocol, _, place = address
    if not is_public(place[0]):
        # Of what the connector raises in its place, the reason is gone.
        log.warning("webhook_address_refused", address=place[0], allow="TASKTALK_WEBHOOK_ALLOW_PRIVATE")
        raise OSError("a webhook doesn't go to a private address")
    return socket.socket(family, kind, protocol)


class Webhook:
    """The webhook of the settings, which have one."""

    def __init__(self, database: Database, settings: Settings) -> None:
        assert settings.webhook_url is not None, "it is on"
        assert settings.webhook_secret is not None, "the settings see to it"
        self._database = database
        self._url = settings.webhook_url
        self._key = webhook_key(settings.webhook_secret.get_secret_value())
        guard = None if settings.webhook_allow_private else public_socket
        connector = aiohttp.TCPConnector(socket_factory=guard, use_dns_cache=False, limit=AT_A_TIME, force_close=True)
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def close(self) -> None:
        await self._session.close()

    async def deliver(self, user_id: str, task_id: UUID, reminder: str) -> None:
        """Tell of a reminder that was fired; nothing where its task is gone. Raises Undelivered."""
        async with self._database.snapshot(user_id) as session:
            about = await told(session, task_id, reminder)
        if about is None:
            return
        delivery = Delivery(f"reminder_{task_id}_{int(about.reminder.timestamp() * 1000)}", orjson.dumps(about.content))
        await self._post(delivery)

    async def _post(self, delivery: Delivery) -> None:
        """Redirects aren't followed: they would lead past what the operator allowed."""
        headers = delivery.headers(self._key, int(clock.now().timestamp()))
        try:
            async with self._session.post(
                self._url, data=delivery.body, headers=headers, allow_redirects=False
            ) as response:
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Undelivered(type(error).__name__) from error
        if not 200 <= status < 300:
            raise Undelivered(f"status {status}")


async def work_webhooks(dsn: Dsn, database: Database, settings: Settings) -> None:
    """One life of the queue of deliveries: apart from that of turns, which a slow webhook mustn't hold up."""
    webhook = Webhook(database, settings)
    app = make_app(dsn, webhook)
    try:
        await app.open_async()
        await app.run_worker_async(
            queues=[QUEUE],
            concurrency=AT_A_TIME,
            install_signal_handlers=False,
            listen_notify=not dsn.is_pooled,
            fetch_job_polling_interval=POLL_DEAF,
            delete_jobs="always",
            shutdown_graceful_timeout=0.1,
        )
    finally:
        await app.close_async()
        await webhook.close()


def make_app(dsn: Dsn, webhook: Webhook) -> App:
    """An app whose task tells the webhook."""
    app = App(connector=make_connector(dsn))

    @app.task(queue=QUEUE, name=TASK, retry=RETRIES, pass_context=True)
    async def deliver(context: JobContext, user_id: str, task_id: str, reminder: str) -> None:
        try:
            await webhook.deliver(user_id, UUID(task_id), reminder)
        except Undelivered as error:
            assert context.job is not None, "a worker runs it"
            log.warning("webhook_undelivered", task=task_id, attempt=context.job.attempts + 1, error=str(error))
            raise

    @app.periodic(cron="*/5 * * * *")
    @app.task(queue=QUEUE, name="take_up_lost", pass_context=True)
    async def take_up_lost(context: JobContext, timestamp: int) -> None:
        """Deliveries of workers that were killed in the midst of one."""
        for job in await context.app.job_manager.get_stalled_jobs(queue=QUEUE):
            await context.app.job_manager.retry_job(job)

    return app
