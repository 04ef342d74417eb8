"""What an error of SQLite means to the one who must act."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torneo.errors import ConflictError, TorneoError, UnavailableError

CANNOT_OPEN = "check that the folder exists and that this user may write there"
_FIXES = {
    "SQLITE_FULL": "free space on that disk, and try again",
    "SQLITE_IOERR": "check that disk, its free space first, and try again",
    "SQLITE_READONLY": "give this user the right to write the file and its folder",
    "SQLITE_CANTOPEN": CANNOT_OPEN,
    "SQLITE_BUSY": "another process is writing for long; try again, or see who it is with `fuser`",
}


@contextmanager
def sqlite_translated(path: Path) -> Iterator[None]:
    """Errors of SQLite and of the file system as Torneo's."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        translation = sqlite_translation(path, error)
        if translation is None:
            raise
        raise translation from error
    except OSError as error:
        raise UnavailableError(f"{path} cannot be used: {error}", fix=CANNOT_OPEN) from error


def sqlite_translation(path: Path, error: object) -> TorneoError | None:
    """The error that says what to do; None if it is a mistake of the program."""
    code = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
    if code in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
        return ConflictError(f"{path} is damaged, or no database of Torneo: {error}", fix="restore it from a backup")
    if isinstance(error, sqlite3.OperationalError):
        return UnavailableError(f"{path} does not answer: {error}", fix=_FIXES.get(code))
    return None
