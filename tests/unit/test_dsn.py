"""DATABASE_URL in each driver's words, and what is refused without showing a secret."""

import datetime
import ssl
import traceback
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from asyncpg.connect_utils import _parse_connect_arguments
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.ext.asyncio import create_async_engine

from core.dsn import SSL_MODES, Dsn
from core.errors import ConfigurationError

NEON = (
    "postgresql://alex:s3cret@ep-cool-1-pooler.us-east-2.aws.neon.tech/shop"
    "?sslmode=require&channel_binding=require&options=endpoint%3Dep-cool-1"
)


def the_ca_file(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + datetime.timedelta(days=36500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "root.crt"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    keyfile = tmp_path / "root.key"
    keyfile.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file, keyfile


async def arguments_that_reach_asyncpg(dsn: Dsn, monkeypatch) -> dict[str, object]:
    """What SQLAlchemy hands to asyncpg.connect, caught there."""
    caught: dict[str, object] = {}

    async def connect(*args: object, **kwargs: object) -> None:
        assert not args
        caught.update(kwargs)
        raise OSError("caught")

    monkeypatch.setattr(asyncpg, "connect", connect)
    url, connect_args = dsn.asyncpg_url_and_args()
    engine = create_async_engine(url, connect_args=connect_args)
    with pytest.raises(OSError, match="caught"):
        await engine.connect()
    await engine.dispose()
    return caught


def test_every_part_of_a_plain_url_is_read():
    dsn = Dsn.parse("postgres://al%40ex:p%2Fw%3A%23@db.example.org:5433/my%20db?application_name=task+talk")
    assert (dsn.user, dsn.password, dsn.host, dsn.port) == ("al@ex", "p/w:#", "db.example.org", 5433)
    assert dsn.database == "my db"
    assert dict(dsn.parameters) == {"application_name": "task+talk"}  # a + is a plus in a libpq URI
    assert not dsn.is_pooled
    assert not dsn.is_local_socket


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "POSTGRESQL"])
def test_the_usual_schemes_mean_the_same(scheme):
    assert Dsn.parse(f" {scheme}://u:p@h/d\n") == Dsn.parse("postgresql://u:p@h/d")


def test_parts_in_the_query_stand_over_those_in_front():
    dsn = Dsn.parse("postgresql://a:b@h1:1/x?user=u&password=p&host=h2&port=2&dbname=d")
    assert (dsn.user, dsn.password, dsn.host, dsn.port, dsn.database) == ("u", "p", "h2", 2, "d")


@pytest.mark.parametrize("url", ["postgresql://", "postgresql:///", "postgresql://?application_name=x"])
def test_what_is_left_out_is_left_to_the_driver(url):
    dsn = Dsn.parse(url)
    assert (dsn.user, dsn.password, dsn.host, dsn.port, dsn.database) == (None,) * 5


async def test_neon_reaches_asyncpg_with_tls_and_without_what_it_does_not_know(monkeypatch):
    sent = await arguments_that_reach_asyncpg(Dsn.parse(NEON), monkeypatch)
    assert sent.pop("statement_cache_size") == 0
    assert sent == {
        "host": "ep-cool-1-pooler.us-east-2.aws.neon.tech",
        "user": "alex",
        "password": "s3cret",
        "database": "shop",
        "ssl": "require",
        "server_settings": {"options": "endpoint=ep-cool-1"},
    }


def test_neon_reaches_psycopg_whole():
    assert conninfo_to_dict(Dsn.parse(NEON).psycopg_conninfo()) == {
        "host": "ep-cool-1-pooler.us-east-2.aws.neon.tech",
        "user": "alex",
        "password": "s3cret",
        "dbname": "shop",
        "sslmode": "require",
        "channel_binding": "require",
        "options": "endpoint=ep-cool-1",
    }


@pytest.mark.parametrize("path", ["/run/pg", "/with space/and,comma:and'quote/π"])
@pytest.mark.parametrize("place", ["query", "netloc"])
async def test_a_socket_directory_reaches_both_drivers(monkeypatch, path, place):
    encoded = quote(path, safe="")
    url = f"postgresql://u@/d?host={encoded}" if place == "query" else f"postgresql://u@{encoded}/d"
    dsn = Dsn.parse(f"{url}{'&' if '?' in url else '?'}port=5444&sslmode=require")
    assert dsn.is_local_socket
    assert conninfo_to_dict(dsn.psycopg_conninfo())["host"] == path
    sent = await arguments_that_reach_asyncpg(dsn, monkeypatch)
    assert sent == {"host": path, "port": 5444, "user": "u", "database": "d", "ssl": False}


def test_an_ipv6_address_loses_its_brackets_and_gets_them_back_for_people():
    dsn = Dsn.parse("postgresql://u@[::1]:5433/d")
    assert (dsn.host, dsn.port) == ("::1", 5433)
    assert dsn.redacted() == "postgresql://u@[::1]:5433/d"
    assert dsn.asyncpg_url_and_args()[0].host == "::1"


@pytest.mark.parametrize(
    ("url", "pooled"),
    [
        (NEON, True),
        ("postgresql://ep-cool-1.us-east-2.aws.neon.tech/d", False),
        ("postgresql://h:6543/d", True),
        ("postgresql://h/d?pgbouncer=true", True),
        ("postgresql://h/d?pgbouncer=false", False),
        ("postgresql:///d?host=/var/x-pooler", False),
    ],
)
def test_a_transaction_pooler_is_recognised_and_gets_no_statement_caches(url, pooled):
    dsn = Dsn.parse(url)
    _, args = dsn.asyncpg_url_and_args()
    assert dsn.is_pooled is pooled
    assert ("statement_cache_size" in args) is pooled
    if pooled:
        assert (args["statement_cache_size"], args["prepared_statement_cache_size"]) == (0, 0)
        names = {args["prepared_statement_name_func"]() for _ in range(100)}
        assert len(names) == 100
        assert max(map(len, names)) < 64  # PostgreSQL cuts longer identifiers
    assert "pgbouncer" not in dsn.psycopg_conninfo()


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require"])
def test_modes_without_files_are_left_to_asyncpg(mode):
    _, args = Dsn.parse(f"postgresql://h/d?sslmode={mode}").asyncpg_url_and_args()
    assert args == {"ssl": mode}


def test_no_mode_means_that_none_is_given():
    assert Dsn.parse("postgresql://h/d").asyncpg_url_and_args()[1] == {}


@pytest.mark.parametrize(("mode", "hostname"), [("require", False), ("verify-ca", False), ("verify-full", True)])
def test_a_root_file_makes_asyncpg_verify(tmp_path, mode, hostname):
    root, _ = the_ca_file(tmp_path)
    context = Dsn.parse(f"postgresql://h/d?sslmode={mode}&sslrootcert={root}").asyncpg_url_and_args()[1]["ssl"]
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is hostname
    assert len(context.get_ca_certs()) == 1


def test_the_systems_roots_verify_fully_and_nothing_less():
    dsn = Dsn.parse("postgresql://h/d?sslrootcert=system")
    context = dsn.asyncpg_url_and_args()[1]["ssl"]
    assert context.check_hostname
    assert conninfo_to_dict(dsn.psycopg_conninfo())["sslmode"] == "verify-full"
    with pytest.raises(ConfigurationError, match="sslrootcert=system needs sslmode=verify-full"):
        Dsn.parse("postgresql://h/d?sslrootcert=system&sslmode=require")


def test_a_client_certificate_is_loaded_and_alone_verifies_nothing(tmp_path):
    certificate, key = the_ca_file(tmp_path)
    url = f"postgresql://h/d?sslmode=require&sslcert={certificate}&sslkey={key}"
    context = Dsn.parse(url).asyncpg_url_and_args()[1]["ssl"]
    assert context.verify_mode is ssl.CERT_NONE
    with pytest.raises(ConfigurationError, match="DATABASE_URL: sslcert is not a file"):
        Dsn.parse(f"postgresql://h/d?sslmode=require&sslcert=/none&sslkey={key}").asyncpg_url_and_args()


def test_verification_without_a_root_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    with pytest.raises(ConfigurationError, match="DATABASE_URL: sslmode=verify-full needs sslrootcert"):
        Dsn.parse("postgresql://h/d?sslmode=verify-full").asyncpg_url_and_args()
    with pytest.raises(ConfigurationError, match="sslrootcert is not a file"):
        Dsn.parse("postgresql://h/d?sslmode=verify-ca&sslrootcert=/none").asyncpg_url_and_args()


@pytest.mark.parametrize(("seconds", "timeout"), [("7", 7.0), ("0", None)])
def test_connect_timeout_is_seconds_and_zero_waits_for_ever(seconds, timeout):
    dsn = Dsn.parse(f"postgresql://h/d?connect_timeout={seconds}")
    assert dsn.asyncpg_url_and_args()[1] == {"timeout": timeout}
    assert conninfo_to_dict(dsn.psycopg_conninfo())["connect_timeout"] == seconds


def test_direct_tls_and_the_session_are_passed_on():
    url = "postgresql://h/d?sslmode=require&sslnegotiation=direct&application_name=a%20b&target_session_attrs=primary"
    assert Dsn.parse(url).asyncpg_url_and_args()[1] == {
        "ssl": "require",
        "direct_tls": True,
        "target_session_attrs": "primary",
        "server_settings": {"application_name": "a b"},
    }


@pytest.mark.parametrize("mode", SSL_MODES[:4])
def test_asyncpg_itself_accepts_the_arguments(mode):
    dsn = Dsn.parse(f"postgresql://u:p@h:5/d?ssl={mode}&keepalives=1&gssencmode=disable&client_encoding=utf8")
    url, args = dsn.asyncpg_url_and_args()
    defaults = dict.fromkeys(_parse_connect_arguments.__kwdefaults__ or {})
    names = _parse_connect_arguments.__code__.co_varnames[: _parse_connect_arguments.__code__.co_kwonlyargcount]
    given = {**dict.fromkeys(names), **defaults, **args, "host": url.host, "port": url.port, "user": url.username}
    given |= {"password": url.password, "database": url.database}
    given |= {"statement_cache_size": 0, "max_cached_statement_lifetime": 0, "max_cacheable_statement_size": 0}
    addresses, parameters, _ = _parse_connect_arguments(**given)
    assert addresses == [("h", 5)]
    assert parameters.sslmode.name.replace("_", "-") == mode


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("mysql://u:hunter2@h/d", "postgresql://"),
        ("postgresql:u:hunter2@h/d", "postgresql://"),
        ("", "postgresql://"),
        ("postgresql://u:hunter2@h/d?sslmod=require", "sslmod "),
        ("postgresql://u:hunter2@h/d?sslmode=yes", "sslmode"),
        ("postgresql://u:hunter2@h/d?sslmode", "sslmode"),
        ("postgresql://u:hunter2@h/d?sslmode=require&sslmode=disable", "sslmode"),
        ("postgresql://u:hunter2@h/d?channel_binding=always", "channel_binding"),
        ("postgresql://u:hunter2@h/d?connect_timeout=soon", "connect_timeout"),
        ("postgresql://u:hunter2@h/d?pgbouncer=1", "pgbouncer"),
        ("postgresql://u:hunter2@h/d?sslcert=/c&sslkey=/k", "sslcert"),
        ("postgresql://u:hunter2@h/d?sslmode=require&sslcert=/c", "sslkey"),
        ("postgresql://u:hunter2@h/d?sslnegotiation=direct", "sslnegotiation"),
        ("postgresql://u:hunter2@h/d?sslcrl=/crl", "sslcrl"),
        ("postgresql://u:hunter2@h1,h2/d", "host"),
        ("postgresql://u:hunter2@[::1/d", "host"),
        ("postgresql://u:hunter2@h:port/d", "port"),
        ("postgresql://u:hunter2@h:0/d", "port"),
        ("postgresql://u:hunter2@h:65536/d", "port"),
        ("postgresql://u:hunter2/x@h/d", "percent-encoded"),
        ("postgresql://u:hunter2#x@h/d", "percent-encoded"),
        ("postgresql://u:hunter2?x@h/d", "percent-encoded"),
        ("postgresql://u:x?hunter2=a@h/d", "percent-encoded"),
        ("postgresql://u:hunter2%zz@h/d", "percent-encoded"),
        ("postgresql://u:hunter2%00@h/d", "percent-encoded"),
        ("postgresql://u:hunter2%ff@h/d", "UTF-8"),
        ("postgresql://u:hunter2 x@h/d", "percent-encoded"),
    ],
)
def test_what_is_wrong_is_named_and_the_password_is_never_shown(url, named):
    with pytest.raises(ConfigurationError) as caught:
        Dsn.parse(url, "DATABASE_DIRECT_URL")
    assert caught.value.message.startswith("DATABASE_DIRECT_URL: ")
    assert named in caught.value.message
    messages = [str(caught.value), str(caught.value.__context__ or "")]
    messages += [line for line in traceback.format_exception_only(caught.value)]
    assert "hunter2" not in " ".join(messages)


def test_no_rendering_of_it_holds_the_password():
    dsn = Dsn.parse("postgresql://al%40ex:hunter2@h:1/d?sslmode=require&application_name=a%26b&pgbouncer=true")
    assert dsn.redacted() == ("postgresql://al%40ex:***@h:1/d?sslmode=require&application_name=a%26b&pgbouncer=true")
    assert "hunter2" not in f"{dsn!r} {dsn} {dsn.redacted()} {dsn.asyncpg_url_and_args()[0]}"
    assert Dsn.parse("postgresql://u@/d?host=%2Frun%2Fpg").redacted() == "postgresql://u@/d?host=/run/pg"


def test_a_password_of_awkward_characters_reaches_both_drivers():
    password = r"a'b\c d@e:f/g?h#i%j&k=l\"π"
    dsn = Dsn.parse(f"postgresql://u:{quote(password, safe='')}@h/d")
    assert dsn.asyncpg_url_and_args()[0].password == password
    assert conninfo_to_dict(dsn.psycopg_conninfo())["password"] == password
