"""Settings: what is refused, by which name, and that no value is shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.settings import Settings, environment_name, load
from graphql_api.cli.configuration import page

NEON = (
    "postgresql://owner:hush@ep-cool-darkness-123456-pooler.eu-central-1.aws.neon.tech/neondb"
    "?sslmode=require&channel_binding=require"
)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [environment_name(field) for field in Settings.model_fields]:
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("TASKTALK_")]:
        monkeypatch.delenv(name)


def loaded(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load()


def refusal(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        loaded(monkeypatch, environment)
    return refused.value.message


def test_with_nothing_set_it_is_development_mode_on_loopback() -> None:
    settings = load()
    assert settings.development
    assert settings.introspection_on
    assert (settings.host, settings.port, settings.dsn) == ("127.0.0.1", 8000, None)
    assert not settings.uses_openai


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TASKTALK_PORT", "65536"),
        ("TASKTALK_PORT", "http"),
        ("TASKTALK_PROVIDER", "claude"),
        ("TASKTALK_LEASE_SECONDS", "0.5"),
        ("TASKTALK_WS_INIT_TIMEOUT_SECONDS", "0"),
        ("TASKTALK_WEBHOOK_URL", "hooks.example.com"),
        ("TASKTALK_WEBHOOK_URL", "https://hooks.example.com/"),
        ("TASKTALK_WEBHOOK_SECRET", "whsec_dG9vIHNob3J0"),
        ("TASKTALK_WEBHOOK_SECRET", "whsec_not base64"),
        ("TASKTALK_LIMIT_NODES", "-1"),
        ("TASKTALK_LIMIT_SENDS_PER_MINUTE", "many"),
        ("TASKTALK_INTROSPECTION", "perhaps"),
        ("TASKTALK_CORS_ORIGINS", "https://app.example/"),
        ("TASKTALK_CORS_ORIGINS", "*"),
        ("TASKTALK_AUTH_ALGORITHMS", "none"),
        ("TASKTALK_LOG_LEVEL", "LOUD"),
        ("BROADCAST_URL", "amqp://broker"),
        ("BETTER_AUTH_URL", "auth.example"),
        ("BETTER_AUTH_SECRET", "too-short"),
        ("OPENAI_BASE_URL", "localhost:11434"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DATABASE_URL", "postgresql://u:hush@localhost/x?sslmode=perhaps"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    message = refusal(monkeypatch, {name: value})
    assert name in message
    assert "hush" not in message


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal(monkeypatch, {"TASKTALK_PORT": "-1", "TASKTALK_POOL_SIZE": "1"})
    assert "TASKTALK_PORT" in message
    assert "TASKTALK_POOL_SIZE" in message


def test_a_secret_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "hush-hush" not in refusal(monkeypatch, {"BETTER_AUTH_SECRET": "hush-hush"})
    settings = loaded(monkeypatch, {"BETTER_AUTH_SECRET": "x" * 40, "DATABASE_URL": NEON, "OPENAI_API_KEY": "sk-hush"})
    assert "hush" not in repr(settings)
    assert "x" * 40 not in repr(settings)


def test_an_unknown_name_is_refused_with_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal(monkeypatch, {"TASKTALK_DATADIR": "/tmp"})
    assert message.startswith("TASKTALK_DATADIR is not a setting.")
    assert "TASKTALK_DATA_DIR" in message


def test_names_of_other_programs_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch, {"TASKS": "1", "OPENAI_ORGANIZATION": "x"}).development


def test_an_empty_value_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, {"DATABASE_URL": "", "OPENAI_API_KEY": "", "TASKTALK_AUTH_ISSUER": ""})
    assert (settings.dsn, settings.uses_openai, settings.auth_issuer) == (None, False, None)


def test_the_openai_provider_needs_a_key_or_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "OPENAI_API_KEY" in refusal(monkeypatch, {"TASKTALK_PROVIDER": "openai"})
    assert loaded(monkeypatch, {"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"}).uses_openai


def test_neons_url_is_taken_as_it_is_shown_in_its_console(monkeypatch: pytest.MonkeyPatch) -> None:
    dsn = loaded(monkeypatch, {"DATABASE_URL": NEON}).dsn
    assert dsn is not None
    assert dsn.is_pooled
    assert dict(dsn.parameters) == {"sslmode": "require", "channel_binding": "require"}
    assert "hush" not in dsn.redacted()


def test_authentication_ends_development_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, {"BETTER_AUTH_URL": "https://auth.example"})
    assert not settings.development
    assert not settings.introspection_on


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(
        monkeypatch,
        {
            "TASKTALK_CORS_ORIGINS": "https://a.example, http://localhost:5173",
            "TASKTALK_AUTH_ALGORITHMS": "EdDSA,RS256",
        },
    )
    assert settings.cors_origins == ("https://a.example", "http://localhost:5173")
    assert settings.auth_algorithms == ("EdDSA", "RS256")


def test_an_option_of_the_command_line_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKTALK_PORT", "9000")
    assert load(port=9001).port == 9001
    assert load(port=None).port == 9000


def test_every_setting_is_described_on_the_page_of_the_docs() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert text == page(), "run `make docs`"
    for field, info in Settings.model_fields.items():
        assert f"`{environment_name(field)}`" in text
        assert info.description
