"""Development mode: its key, its tokens, and the hosts it may be reached by."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from core import clock
from core.errors import ConfigurationError, Unauthenticated
from services.auth.development import (
    DEVELOPMENT_AUDIENCE,
    DEVELOPMENT_ISSUER,
    DEVELOPMENT_MAX_LIFETIME,
    DevelopmentKey,
    is_loopback_host,
    is_loopback_origin,
    issue,
    load_key,
)
from services.auth.verify import Verifier

from . import forge
from .forge import T, hs, token

KEY = DevelopmentKey(bytes(range(32)))


async def test_an_issued_token_is_believed_by_its_own_key_only() -> None:
    with clock.set_to(forge.NOW):
        made = issue(KEY, "user_1", 60, email="ada@example.com", name="Ada")
        claims = await Verifier([KEY.trust()]).verify(made)
        assert (claims.subject, claims.email, claims.name) == ("user_1", "ada@example.com", "Ada")
        assert claims.expires_at == forge.NOW + timedelta(seconds=60)
        with pytest.raises(Unauthenticated):
            await Verifier([DevelopmentKey(bytes(32)).trust()]).verify(made)


async def test_a_token_may_live_30_days_and_no_longer() -> None:
    trust = Verifier([KEY.trust()])
    names: dict[str, object] = {"iss": DEVELOPMENT_ISSUER, "aud": DEVELOPMENT_AUDIENCE}
    with clock.set_to(forge.NOW):
        assert await trust.verify(issue(KEY, "user_1", DEVELOPMENT_MAX_LIFETIME))
        too_long = token(hs(KEY.secret), {"alg": "HS256"}, exp=T + DEVELOPMENT_MAX_LIFETIME + 1, **names)
        with pytest.raises(Unauthenticated):
            await trust.verify(too_long)


@pytest.mark.parametrize("user_id", ["", "a b", "a\n", "x" * 65, "ü"])
def test_no_token_is_issued_for_an_id_that_no_verifier_takes(user_id: str) -> None:
    with pytest.raises(ValueError, match="user id"):
        issue(KEY, user_id, 60)


@pytest.mark.parametrize("ttl", [0, -1, DEVELOPMENT_MAX_LIFETIME + 1])
def test_no_token_is_issued_for_a_time_out_of_bounds(ttl: int) -> None:
    with pytest.raises(ValueError, match="seconds"):
        issue(KEY, "user_1", ttl)


@pytest.mark.parametrize("text", ["x" * 321, "a\0", "\ud800"])
def test_no_token_is_issued_with_a_text_that_no_verifier_takes(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the codec's own message for a surrogate
        issue(KEY, "user_1", 60, email=text)
    with pytest.raises(ValueError):  # noqa: PT011 - as above
        issue(KEY, "user_1", 60, name=text)


def test_the_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    key = load_key(data_dir)
    assert load_key(data_dir) == key
    assert load_key(tmp_path) != key
    (file,) = data_dir.iterdir()
    assert file.name == "development-key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert key.secret.hex() not in repr(key) + repr(key.trust())


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    barrier = Barrier(8)

    def start(_: int) -> DevelopmentKey:
        barrier.wait()
        return load_key(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(start, range(8)))
    assert len(keys) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["development-key"]


def test_the_one_that_came_second_takes_the_key_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_key(tmp_path)
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert load_key(tmp_path) == first
    assert [file.name for file in tmp_path.iterdir()] == ["development-key"]


@pytest.mark.parametrize("content", ["", "x", "00" * 31, "00" * 33, "00" * 5000, "é" * 64])
def test_a_file_that_is_no_key_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    file = tmp_path / "development-key"
    file.write_text(content, encoding="utf-8")
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match="TASKTALK_DATA_DIR"):
        load_key(tmp_path)
    assert file.read_text(encoding="utf-8") == content


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_key_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    load_key(tmp_path)
    (tmp_path / "development-key").chmod(mode)
    with pytest.raises(ConfigurationError, match="0600"):
        load_key(tmp_path)


def test_a_key_that_is_a_link_or_a_directory_is_refused(tmp_path: Path) -> None:
    load_key(tmp_path / "other")
    linked, directory = tmp_path / "linked", tmp_path / "directory"
    linked.mkdir()
    (linked / "development-key").symlink_to(tmp_path / "other" / "development-key")
    (directory / "development-key").mkdir(parents=True)
    for data_dir in (linked, directory):
        with pytest.raises(ConfigurationError, match="TASKTALK_DATA_DIR"):
            load_key(data_dir)


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="TASKTALK_DATA_DIR"):
        load_key(tmp_path / "file")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost:8000",
        "127.0.0.1",
        "127.0.0.1:8000",
        "127.1.2.3:1",
        "127.255.255.254:65535",
        "[::1]",
        "[::1]:8000",
        "[0:0:0:0:0:0:0:1]:80",
        "::1",
    ],
)
def test_this_machine_is_a_loopback_host(host: str) -> None:
    assert is_loopback_host(host)
    assert is_loopback_origin("http://" + host)
    assert is_loopback_origin("https://" + host)


NOT_LOOPBACK = [
    "",
    " ",
    "localhost.evil.com",
    "localhost.",
    "evil.localhost",
    "evil.com",
    "evil.com:127",
    "localhost.localdomain",
    "localhosts",
    "xlocalhost",
    "ⅼocalhost",
    "loc\u00e1lhost",
    "127.0.0.1.nip.io",
    "127.0.0.1.evil.com",
    "127.0.0.1.",
    "127.0.0.1@evil.com",
    "evil.com@127.0.0.1",
    "localhost@evil.com:80",
    "127.1",
    "127.0.1",
    "127.0.0.01",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "2130706433",
    "127.0.0.256",
    "127.0.0.1/",
    "127.0.0.1/8",
    "127.0.0.1#",
    "127.0.0.1?x",
    " 127.0.0.1",
    "127.0.0.1 ",
    "127.0.0.1\n",
    "127.0.0.1\0",
    "localhost\t",
    "localhost,evil.com",
    "127.0.0.1, evil.com",
    "128.0.0.1",
    "10.0.0.1",
    "192.168.0.1",
    "0.0.0.0",
    "0",
    "[::]",
    "::",
    "[::2]",
    "[::1",
    "::1]",
    "[::1]x",
    "[::1]:",
    "[::1].evil.com",
    "[::1%25lo]",
    "[::1%lo]:80",
    "[::ffff:10.0.0.1]",
    "[127.0.0.1]",
    "[localhost]",
    "::1:8000",
    "localhost:",
    "localhost:0",
    "localhost:65536",
    "localhost:123456",
    "localhost:+80",
    "localhost:-1",
    "localhost:８０",
    "localhost:80:80",
    "localhost:evil",
    "localhost:80@evil.com",
    "１27.0.0.1",
    "null",
]


@pytest.mark.parametrize("host", NOT_LOOPBACK)
def test_a_name_that_only_looks_like_this_machine_is_refused(host: str) -> None:
    assert not is_loopback_host(host)
    assert not is_loopback_origin("http://" + host)


@pytest.mark.parametrize(
    "origin",
    [
        *("", "null", "localhost", "http://", "http:localhost", "ftp://localhost", "file://localhost", "://localhost"),
        *("http://localhost/", "http://localhost/x", "http://localhost#", "http://u@localhost"),
        *("http://http://localhost", "http://localhost http://evil.com"),
    ],
)
def test_an_origin_that_is_no_page_of_this_machine_is_refused(origin: str) -> None:
    assert not is_loopback_origin(origin)
