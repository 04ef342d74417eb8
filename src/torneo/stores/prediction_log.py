"""The log of predictions: which database a URL or a path names."""

from __future__ import annotations

from pathlib import Path

from torneo.errors import ConflictError
from torneo.ports import PredictionLog
from torneo.stores.prediction_log_sqlite import SqlitePredictionLog


def open_prediction_log(place: str | Path) -> PredictionLog:
    """The log that a path of a SQLite file names.

    Nothing is opened before the first call.

    Raises:
        ConflictError: there is no such kind of log.
    """
    scheme, colon, _ = str(place).partition("://")
    if colon:
        raise ConflictError(f"there is no prediction log for {scheme!r} (there is: a path of a SQLite file)")
    return SqlitePredictionLog(Path(place))
