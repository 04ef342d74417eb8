"""Connections to PostgreSQL, and what its errors mean to the one who must act; no message shows a password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torneo.errors import ConflictError, MissingExtraError, TorneoError, UnavailableError

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
except ImportError:
    raise MissingExtraError("psycopg", "postgres", "a database of PostgreSQL") from None

Connection = psycopg.Connection[tuple[Any, ...]]
CONNECT_SECONDS = 10
AGAIN = ("08", "40", "53300", "55P03", "57")
"""SQLSTATEs, or their classes, after which the same call may succeed: lost connections, deadlocks, shutdowns."""
_LATER = (*AGAIN, "25006", "53", "58")
"""Those, a server that only reads for now, and one that lacks disk or memory."""
_REFUSED_AT_THE_DOOR = ("does not exist", "authentication failed", "no password", "not permitted", "pg_hba.conf")
_LIVELINESS: dict[str, Any] = {
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000,
}  # fmt: skip
"""A host that has gone without a word is noticed after about 20 s."""
_FIXES = {
    "42501": "GRANT the right to this user, or let its owner make the tables: see docs/operations.md",
    "53100": "free space on the server's disk, and try again",
    "25006": "the server is a standby: use the URL of the primary",
    "22P05": "use a database with the encoding UTF8",
}


def plain_url(url: str) -> str:
    """A URL as libpq reads it.

    >>> plain_url("postgresql+psycopg://me@host/name")
    'postgresql://me@host/name'
    """
    return url.replace("postgresql+psycopg:", "postgresql:", 1)


def display(url: str, what: str) -> str:
    """A URL without its password.

    Raises:
        ConflictError: it is none; the message says what it is the URL of.

    >>> display("postgresql://me:secret@host:5433/name", "the state's")
    'postgresql://me@host:5433/name'
    """
    try:
        parts = conninfo_to_dict(plain_url(url))
    except psycopg.ProgrammingError:
        raise ConflictError(
            f"{what} URL is none of PostgreSQL", fix="write it as postgresql://user:password@host:5432/name"
        ) from None
    user = f"{parts['user']}@" if "user" in parts else ""
    port = f":{parts['port']}" if "port" in parts else ""
    return f"postgresql://{user}{parts.get('host', '')}{port}/{parts.get('dbname', '')}"


def connect(url: str, where: str, **options: Any) -> Connection:
    """Open a connection.

    Raises:
        UnavailableError: the server does not answer.
        ConflictError: it answers, and lets this user not in.
    """
    try:
        return psycopg.connect(
            plain_url(url),
            connect_timeout=CONNECT_SECONDS,
            application_name="torneo",
            client_encoding="utf8",
            **_LIVELINESS,
            **options,
        )
    except psycopg.OperationalError as error:
        text = one_line(error)
        refused = any(sign in text for sign in _REFUSED_AT_THE_DOOR)
        raise (ConflictError if refused else UnavailableError)(f"{where}: cannot connect: {text}") from None


@contextmanager
def postgres_translated(where: str) -> Iterator[None]:
    """Errors of PostgreSQL as Torneo's."""
    try:
        yield
    except psycopg.Error as error:
        raise postgres_translation(where, error) from error


def postgres_translation(where: str, error: psycopg.Error) -> TorneoError:
    """The error that says what to do."""
    state = error.sqlstate
    text = f"{where}: {one_line(error)}"
    if state is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return UnavailableError(f"{text} (the connection was lost)", fix="try again; check that the server is up")
    kind = UnavailableError if state is not None and state.startswith(_LATER) else ConflictError
    return kind(text, fix=_FIXES.get(state or ""))


def one_line(error: psycopg.Error) -> str:
    """What an error says, in a bounded line."""
    text = " ".join((error.diag.message_primary or str(error)).split())
    return text if len(text) <= 500 else text[:500] + "…"
