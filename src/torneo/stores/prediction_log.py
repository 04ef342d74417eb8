"""The log of predictions: which database a URL or a path names."""

from __future__ import annotations

from pathlib import Path

from torneo.errors import ConflictError
from torneo.stores.prediction_log_sql import SqlPredictionLog
from torneo.stores.prediction_log_sqlite import SqlitePredictionLog

POSTGRES = ("postgresql", "postgresql+psycopg", "postgres")
"""The schemes of PostgreSQL's URLs."""


def open_prediction_log(place: str | Path) -> SqlPredictionLog:
    """The log that a URL (`postgresql://…`) or a path of a SQLite file names.

    Nothing is opened before the first call.

    Raises:
        MissingExtraError: PostgreSQL's driver is not installed.
        ConflictError: there is no such kind of log.
    """
    scheme, colon, _ = str(place).partition("://")
    if scheme in POSTGRES and colon:
        from torneo.stores.prediction_log_postgres import PostgresPredictionLog

        return PostgresPredictionLog(str(place))
    if colon:
        there = "postgresql://user:password@host:5432/name, or the path of a SQLite file"
        raise ConflictError(f"there is no prediction log for {scheme!r} (there is: {there})")
    return SqlitePredictionLog(Path(place))
