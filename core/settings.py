"""Settings, from the environment alone. Wrong values and unknown TASKTALK_* names are refused at start, by name."""

from __future__ import annotations

import base64
import binascii
import difflib
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.dsn import Dsn
from core.errors import ConfigurationError

PREFIX = "TASKTALK_"

HISTORY_TOKENS = 6000

Count = Annotated[int, Field(ge=0, le=1_000_000)]


def _named(name: str, default: Any, description: str, **bounds: Any) -> Any:
    """A setting whose environment name has no TASKTALK_ prefix."""
    return Field(default, validation_alias=AliasChoices(name), description=description, **bounds)


class Settings(BaseSettings):
    """Every setting there is; docs/configuration.md is generated from this class."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    database_url: SecretStr | None = _named(
        "DATABASE_URL", None, "PostgreSQL 16 or newer, as a libpq URL (Neon's included). Absent: the embedded server."
    )
    database_direct_url: SecretStr | None = _named(
        "DATABASE_DIRECT_URL",
        None,
        "The same database past a transaction-mode pooler, for LISTEN. Absent behind a pooler: the queue polls.",
    )
    broadcast_url: SecretStr = _named(
        "BROADCAST_URL", SecretStr("memory://"), "`memory://` for one process, `redis://…` or `rediss://…` for several."
    )
    openai_api_key: SecretStr | None = _named("OPENAI_API_KEY", None, "Key of the model's endpoint.")
    openai_base_url: str | None = _named("OPENAI_BASE_URL", None, "Any endpoint that speaks Chat Completions.")
    openai_model: str = _named("OPENAI_MODEL", "gpt-5-mini", "Name of the model.", min_length=1)
    better_auth_url: str | None = _named(
        "BETTER_AUTH_URL", None, "Origin of the Better Auth server; its JWKS is read at `/api/auth/jwks`."
    )
    better_auth_secret: SecretStr | None = _named(
        "BETTER_AUTH_SECRET", None, "Shared secret of HS256 tokens, at least 32 characters."
    )

    data_dir: Path = Field(
        Path(".data"), description="Where the embedded database, the development key and the marks of workers are."
    )
    host: str = Field("127.0.0.1", description="Address to listen on; only loopback without authentication.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    provider: Literal["auto", "openai", "rules"] = Field(
        "auto", description="Who answers: `auto` is `openai` where a key or base URL is set, `rules` otherwise."
    )
    auth_issuer: str | None = Field(None, description="The `iss` that tokens must carry; default: BETTER_AUTH_URL.")
    auth_audience: str | None = Field(None, description="The `aud` that tokens must carry; default: BETTER_AUTH_URL.")
    auth_algorithms: Annotated[tuple[Literal["EdDSA", "RS256", "ES256"], ...], NoDecode] = Field(
        ("EdDSA",), description="Algorithms that JWKS keys may sign with, comma-separated: EdDSA, RS256, ES256."
    )
    conversation_idle_seconds: int = Field(
        86_400, ge=0, le=315_360_000, description="A conversation is inactive after so many quiet seconds; 0: never."
    )
    changes_kept_days: int = Field(
        30, ge=0, le=36_500, description="Changes can be followed from a cursor so many days old; 0: without end."
    )
    deleted_tasks_kept_days: int = Field(
        30, ge=0, le=36_500, description="Deleted tasks can be restored for so many days, then they go; 0: without end."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins that browsers may call from, comma-separated and exact; also allowed on WebSockets."
    )
    introspection: bool | None = Field(
        None, description="Introspection, GraphiQL and suggestions; default: on in development mode, off otherwise."
    )
    worker: bool = Field(True, description="Whether `serve` runs a worker in its own process.")
    worker_concurrency: int = Field(64, ge=1, le=1000, description="Turns that one worker process runs at a time.")
    lease_seconds: float = Field(10.0, ge=1, le=600, description="How long a worker that went silent keeps its turn.")
    turn_seconds: float = Field(120.0, ge=1, le=3600, description="Wall time of one turn.")
    confirmation_seconds: int = Field(
        86_400, ge=0, le=31_536_000, description="How long a tool call waits for its user's word; 0: without end."
    )
    model_timeout_seconds: float = Field(
        30.0, ge=1, le=600, description="How long the model may take to its first byte, and be silent in mid-answer."
    )
    history_tokens: int = Field(
        HISTORY_TOKENS, ge=500, le=200_000, description="Tokens of earlier turns that the model is told, as estimated."
    )
    ws_init_timeout_seconds: float = Field(5.0, gt=0, le=60, description="Time to say connection_init in.")
    statement_timeout_seconds: float = Field(5.0, gt=0, le=300, description="Time that one SQL statement may take.")
    pool_size: int = Field(10, ge=2, le=500, description="PostgreSQL connections of one process, the queue's aside.")
    webhook_url: str | None = Field(
        None, description="Where reminders are posted to as they come due (https); absent: nowhere."
    )
    webhook_secret: SecretStr | None = Field(
        None, description="What deliveries are signed with: `whsec_` and 24 to 64 bytes in base64. Needed with a URL."
    )
    webhook_allow_private: bool = Field(
        False, description="Whether the webhook may be at a private, loopback or link-local address, and plain http."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="What is logged.")

    limit_sends_per_minute: Count = Field(20, description="sendMessage calls a user and minute; 0: no limit.")
    limit_requests_per_minute: Count = Field(600, description="Requests a user and minute, a process; 0: no limit.")
    limit_sockets_per_user: Count = Field(
        10, description="Open WebSockets and event streams a user and process; 0: no limit."
    )
    limit_operations_per_socket: Count = Field(20, description="Running operations a WebSocket; 0: no limit.")
    limit_running_turns: Count = Field(2, description="Turns of one user that run at a time; 0: no limit.")
    limit_queued_turns: Count = Field(5, description="Turns that wait in one conversation; 0: no limit.")
    limit_tokens_per_day: Count = Field(0, le=10**12, description="Model tokens a user and UTC day; 0: no limit.")
    limit_nodes: Count = Field(10_000, description="Nodes that one document may ask for; 0: no limit.")

    @field_validator("auth_algorithms", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if (
                parts.scheme not in ("http", "https")
                or not parts.netloc
                or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise ValueError(f"{origin!r} is not an origin such as https://app.example.com")
        return value

    @field_validator("better_auth_url", "openai_base_url")
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("must be an http:// or https:// URL")
        return value.rstrip("/") if value else None

    @field_validator("webhook_url")
    @classmethod
    def _webhook_as_given(cls, value: str | None) -> str | None:
        cls._http_url(value)
        return value

    @field_validator("better_auth_secret")
    @classmethod
    def _long_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("must have at least 32 characters")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            webhook_key(value.get_secret_value())
        return value

    @field_validator("broadcast_url")
    @classmethod
    def _known_bus(cls, value: SecretStr) -> SecretStr:
        if urlsplit(value.get_secret_value()).scheme not in ("memory", "redis", "rediss"):
            raise ValueError("must start with memory://, redis:// or rediss://")
        return value

    @model_validator(mode="after")
    def _provider_has_a_key(self) -> Settings:
        if self.provider == "openai" and not (self.openai_api_key or self.openai_base_url):
            raise ValueError("TASKTALK_PROVIDER=openai needs OPENAI_API_KEY or OPENAI_BASE_URL")
        return self

    @model_validator(mode="after")
    def _webhook_is_signed_and_secret(self) -> Settings:
        if self.webhook_url is not None:
            if self.webhook_secret is None:
                raise ValueError("TASKTALK_WEBHOOK_URL needs TASKTALK_WEBHOOK_SECRET")
            if not self.webhook_url.startswith("https://") and not self.webhook_allow_private:
                raise ValueError("TASKTALK_WEBHOOK_URL must be https:// (or set TASKTALK_WEBHOOK_ALLOW_PRIVATE)")
        return self

    @property
    def development(self) -> bool:
        """No authentication is configured: loopback only, tokens signed with the data directory's key."""
        return self.better_auth_url is None and self.better_auth_secret is None

    @property
    def introspection_on(self) -> bool:
        return self.development if self.introspection is None else self.introspection

    @property
    def uses_openai(self) -> bool:
        if self.provider == "auto":
            return self.openai_api_key is not None or self.openai_base_url is not None
        return self.provider == "openai"

    @cached_property
    def dsn(self) -> Dsn | None:
        """Where the database is; None means the embedded server."""
        return Dsn.parse(self.database_url.get_secret_value(), "DATABASE_URL") if self.database_url else None


def webhook_key(secret: str) -> bytes:
    """The bytes of a webhook's secret. Raises ValueError, which shows nothing of it."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True) if secret.startswith("whsec_") else b""
    except binascii.Error:
        key = b""
    if not 24 <= len(key) <= 64:
        raise ValueError("must be whsec_ and 24 to 64 bytes in base64")
    return key


def environment_name(field: str) -> str:
    """The variable that a field of `Settings` is read from."""
    alias = Settings.model_fields[field].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else PREFIX + field.upper()


def load(**overrides: Any) -> Settings:
    """Read the environment. Raises ConfigurationError that names the setting and shows no value of it."""
    _refuse_unknown(os.environ)
    try:
        settings = Settings(**{_key(name): value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise ConfigurationError("; ".join(_explain(dict(item)) for item in error.errors())) from None
    _ = settings.dsn
    return settings


def _key(field: str) -> str:
    alias = Settings.model_fields[field].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else field


def _explain(item: Mapping[str, Any]) -> str:
    place = str(item["loc"][0]) if item["loc"] else ""
    message = str(item["msg"]).removeprefix("Value error, ")
    if not place:
        return message
    return f"{environment_name(place) if place in Settings.model_fields else place}: {message}"


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = {environment_name(field) for field in Settings.model_fields}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise ConfigurationError(f"{name} is not a setting.{hint} See docs/configuration.md.")
