"""Reads DATABASE_URL once and says it again in each driver's own words: asyncpg (SQLAlchemy) and psycopg (libpq)."""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import URL

from core.errors import ConfigurationError

SCHEMES = frozenset({"postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"})
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
TRANSACTION_POOLER_PORT = 6543  # Supabase's and PgBouncer's customary port for transaction mode

# Every parameter that is understood, with the values it may take (None: any). What asyncpg could only ignore, and
# what would weaken a connection by being ignored (sslcrl, require_auth, requirepeer, …), is refused as unknown.
_PARAMETERS: dict[str, tuple[str, ...] | None] = {
    "sslmode": SSL_MODES,
    "sslrootcert": None,
    "sslcert": None,
    "sslkey": None,
    "sslnegotiation": ("postgres", "direct"),
    "channel_binding": ("disable", "prefer", "require"),
    "connect_timeout": None,
    "application_name": None,
    "options": None,
    "passfile": None,
    "target_session_attrs": ("any", "primary", "standby", "read-write", "read-only", "prefer-standby"),
    "client_encoding": ("utf8", "UTF8", "utf-8", "UTF-8", "auto"),
    "gssencmode": ("disable", "prefer"),
    "keepalives": ("0", "1"),
    "keepalives_idle": None,
    "keepalives_interval": None,
    "keepalives_count": None,
    "tcp_user_timeout": None,
}
_NUMBERS = ("connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
_PLACE = frozenset({"host", "port", "user", "password", "dbname"})
_ENCODE = "a character such as / ? # @ or % in the user or password must be percent-encoded"


def _unique_statement_name() -> str:
    """A transaction pooler hands the same server connection to many clients: numbered names would collide there."""
    return f"__tasktalk_{uuid4()}__"


@dataclass(frozen=True, slots=True)
class Dsn:
    """Where the database is and how to talk to it. None means that the URL leaves it to the driver's default.

    `host` is a name, an address, or the absolute path of a directory that holds the server's socket.
    `setting` is the name of the setting it was read from; errors name it. The password is in no repr.
    """

    host: str | None
    port: int | None
    user: str | None
    password: str | None = field(repr=False)
    database: str | None
    parameters: tuple[tuple[str, str], ...] = ()
    pgbouncer: bool = False
    setting: str = "DATABASE_URL"

    @classmethod
    def parse(cls, url: str, setting: str = "DATABASE_URL") -> Dsn:
        """Read a connection URI (PostgreSQL manual, 32.1.1.2) for the setting of that name.

        Raises ConfigurationError naming the setting and the parameter; no part of the user or password is in it.
        """
        return _parse(url.strip(), setting)

    @property
    def is_local_socket(self) -> bool:
        return self.host is not None and self.host.startswith("/")

    @property
    def is_pooled(self) -> bool:
        """Whether it leads to a transaction-mode pooler: no LISTEN, no session state, no lasting statements."""
        labels = () if self.host is None or self.is_local_socket else self.host.split(".")
        return (
            self.pgbouncer
            or self.port == TRANSACTION_POOLER_PORT
            or any(label.lower().endswith("-pooler") for label in labels)
        )

    def redacted(self) -> str:
        """The URL for logs and for people; a password shows as ***."""
        secret = ":***" if self.password is not None else ""
        login = f"{quote(self.user or '', safe='')}{secret}@" if self.user or secret else ""
        query = [f"{name}={quote(value, safe='')}" for name, value in self.parameters]
        host = self.host or ""
        if self.is_local_socket:
            query.insert(0, f"host={quote(host)}")
            host = ""
        elif ":" in host:
            host = f"[{host}]"
        if self.pgbouncer:
            query.append("pgbouncer=true")
        port = f":{self.port}" if self.port is not None else ""
        path = f"/{quote(self.database, safe='')}" if self.database is not None else ""
        return f"postgresql://{login}{host}{port}{path}" + (f"?{'&'.join(query)}" if query else "")

    def psycopg_conninfo(self) -> str:
        """A libpq connection string (PostgreSQL manual, 32.1.1). It holds the password."""
        place = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "dbname": self.database,
        }
        return make_conninfo("", **{k: v for k, v in place.items() if v is not None}, **dict(self.parameters))

    # Any: connect_args is typed so by SQLAlchemy; each value is one of asyncpg.connect's keyword arguments.
    def asyncpg_url_and_args(self) -> tuple[URL, dict[str, Any]]:
        """URL and `connect_args` for SQLAlchemy's `create_async_engine`.

        Raises ConfigurationError when a certificate file that the URL names can't be read.
        """
        tcp_host = None if self.is_local_socket else self.host
        url = URL.create(
            "postgresql+asyncpg", self.user, self.password, tcp_host, None if tcp_host is None else self.port
        ).set(database=self.database)
        args: dict[str, Any] = {}
        if tcp_host is None:
            # Not in the URL: SQLAlchemy splits a host of the query at commas and colons, and a path may have both.
            args |= {k: v for k, v in (("host", self.host), ("port", self.port)) if v is not None}
        given = dict(self.parameters)
        tls = self._tls(given)
        if tls is not None:
            args["ssl"] = tls
        if given.get("sslnegotiation") == "direct":
            args["direct_tls"] = True
        if "connect_timeout" in given:  # seconds; libpq's 0 is "wait for ever"
            args["timeout"] = float(given["connect_timeout"]) or None
        args |= {name: given[name] for name in ("passfile", "target_session_attrs") if name in given}
        session = {name: given[name] for name in ("application_name", "options") if name in given}
        if session:
            args["server_settings"] = session
        if self.is_pooled:
            args["statement_cache_size"] = 0
            args["prepared_statement_cache_size"] = 0
            args["prepared_statement_name_func"] = _unique_statement_name
        # channel_binding stays with psycopg. asyncpg has no SCRAM-SHA-256-PLUS, so `require` can't be kept there; what
        # sslmode asks of TLS (encryption, and the server's certificate where it is verified) still holds for it.
        return url, args

    def _tls(self, given: dict[str, str]) -> ssl.SSLContext | str | bool | None:
        """asyncpg's `ssl`: its own reading of a mode where no file is named, else a context as libpq would make it."""
        if self.is_local_socket:
            return False
        mode, root, certificate = given.get("sslmode"), given.get("sslrootcert"), given.get("sslcert")
        if mode is None or mode in ("disable", "allow", "prefer"):
            return mode  # asyncpg knows how to fall back to or from plain text; a context would mean "require"
        if root is None and mode != "require" and not _has_default_root():
            raise self._error(f"sslmode={mode} needs sslrootcert: the path of a CA file, or system")
        if root is None and certificate is None:
            return mode
        return self._context(mode, root, certificate, given.get("sslkey"))

    def _context(self, mode: str, root: str | None, certificate: str | None, key: str | None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["postgresql"])
        context.check_hostname = mode == "verify-full"
        # libpq: a named root makes `require` verify the chain (manual, 32.19.1); without one it only encrypts.
        root = root or (os.environ.get("PGSSLROOTCERT") or _default_root() if mode != "require" else None)
        context.verify_mode = ssl.CERT_NONE if root is None else ssl.CERT_REQUIRED
        part = "sslrootcert"
        try:
            if root == "system":
                context.load_default_certs()
            elif root is not None:
                context.load_verify_locations(cafile=root)
            part = "sslcert"
            if certificate is not None:
                context.load_cert_chain(certificate, key)
        except OSError:  # ssl.SSLError is one too
            raise self._error(f"{part} is not a file of certificates that can be read") from None
        return context

    def _error(self, problem: str) -> ConfigurationError:
        return ConfigurationError(f"{self.setting}: {problem}.")


def _parse(url: str, setting: str) -> Dsn:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        raise ConfigurationError(f"{setting}: it must start with postgresql:// or postgres://.")
    if re.search(r"[\x00-\x20\x7f#]", rest):
        raise ConfigurationError(f"{setting}: spaces, control characters and # must be percent-encoded.")
    rest, _, query = rest.partition("?")
    netloc, _, path = rest.partition("/")
    login, at, hostport = netloc.rpartition("@")
    user, colon, password = login.partition(":")
    host, port = _split_host(hostport, setting)
    place: dict[str, str | None] = {
        "user": _decode(user, setting) or None,
        "password": _decode(password, setting) if at and colon and password else None,
        "host": _decode(host, setting) or None,
        "port": port or None,
        "dbname": _decode(path, setting) or None,
    }
    parameters, pgbouncer = _read_query(query, place, setting)
    _check_parameters(parameters, setting)
    host_value = place["host"]
    if host_value is not None and ("," in host_value and not host_value.startswith("/")):
        raise ConfigurationError(f"{setting}: host names several servers; name one.")
    return Dsn(
        host=host_value,
        port=_port(place["port"], setting),
        user=place["user"],
        password=place["password"],
        database=place["dbname"],
        parameters=tuple(parameters.items()),
        pgbouncer=pgbouncer,
        setting=setting,
    )


def _split_host(hostport: str, setting: str) -> tuple[str, str]:
    if hostport.startswith("["):
        host, closed, port = hostport[1:].partition("]")
        if not closed or (port and not port.startswith(":")):
            raise ConfigurationError(f"{setting}: host is not a closed [IPv6 address].")
        return host, port[1:]
    host, _, port = hostport.partition(":")
    return host, port


def _decode(text: str, setting: str) -> str:
    """Percent-decoding as libpq does it: strict, and a + stays a plus."""
    if re.search(r"%(?![0-9A-Fa-f]{2})|%00", text):
        raise ConfigurationError(f"{setting}: a % is not followed by two hexadecimal digits, or is %00; {_ENCODE}.")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{setting}: percent-encoded text is not UTF-8.") from None


def _read_query(query: str, place: dict[str, str | None], setting: str) -> tuple[dict[str, str], bool]:
    """Parameters of the URI's query; those that say where and who go into `place`, over what the URI's front said."""
    parameters: dict[str, str] = {}
    seen: set[str] = set()
    pgbouncer = False
    for item in filter(None, query.split("&")):
        raw_name, equals, raw_value = item.partition("=")
        name, value = _decode(raw_name, setting), _decode(raw_value, setting)
        if name == "ssl":  # asyncpg's and JDBC's spelling
            name, value = "sslmode", "require" if value == "true" else value
        if name not in _PARAMETERS and name not in _PLACE and name != "pgbouncer":
            # An unencoded password with a ? in it lands here too, so what isn't a plain name is not repeated.
            shown = f"parameter {name}" if re.fullmatch(r"[a-z_]{2,40}", name) and "@" not in value else "a parameter"
            raise ConfigurationError(f"{setting}: {shown} is not known; {_ENCODE}.")
        if not equals or name in seen:
            raise ConfigurationError(f"{setting}: parameter {name} {'is given twice' if equals else 'has no value'}.")
        seen.add(name)
        if name in _PLACE:
            place[name] = value or None
        elif name == "pgbouncer":
            if value not in ("true", "false"):
                raise ConfigurationError(f"{setting}: parameter pgbouncer must be true or false.")
            pgbouncer = value == "true"
        else:
            parameters[name] = value
    return parameters, pgbouncer


def _check_parameters(parameters: dict[str, str], setting: str) -> None:
    for name, value in parameters.items():
        allowed = _PARAMETERS[name]
        if allowed is not None and value not in allowed:
            raise ConfigurationError(f"{setting}: parameter {name} must be one of {', '.join(allowed)}.")
        if name in _NUMBERS and not re.fullmatch(r"[0-9]{1,9}", value):
            raise ConfigurationError(f"{setting}: parameter {name} must be a whole number from 0 to 999999999.")
    # libpq's rules for pairs; asyncpg would find some only at the first connection, and overlook others.
    if parameters.get("sslrootcert") == "system" and parameters.setdefault("sslmode", "verify-full") != "verify-full":
        raise ConfigurationError(f"{setting}: parameter sslrootcert=system needs sslmode=verify-full.")
    strong = parameters.get("sslmode") in ("require", "verify-ca", "verify-full")
    for name in ("sslcert", "sslnegotiation"):
        if parameters.get(name, "postgres") != "postgres" and not strong:
            raise ConfigurationError(f"{setting}: parameter {name} needs sslmode=require, verify-ca or verify-full.")
    if ("sslkey" in parameters) != ("sslcert" in parameters):
        raise ConfigurationError(f"{setting}: parameters sslcert and sslkey are given together or not at all.")


def _port(text: str | None, setting: str) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ConfigurationError(f"{setting}: port must be a number from 1 to 65535; {_ENCODE}.")
    return int(text)


def _default_root() -> str:
    return str(Path.home() / ".postgresql" / "root.crt")


def _has_default_root() -> bool:
    return bool(os.environ.get("PGSSLROOTCERT")) or Path(_default_root()).exists()
