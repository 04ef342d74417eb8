"""Opening MLflow without its surprises: schema made once, write-ahead log, no telemetry, no chatter, our errors."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from torneo.errors import ConflictError, NotFoundError, TorneoError, UnavailableError
from torneo.stores.filelock import file_lock

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""What MLflow is told before it is imported, unless the environment says otherwise."""
LOGGERS = ("mlflow", "alembic")

_REFUSALS = {
    "PERMISSION_DENIED": "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to a user who may write",
    "UNAUTHENTICATED": "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
    "CUSTOMER_UNAUTHORIZED": "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
    "INVALID_PARAMETER_VALUE": None,
    "BAD_REQUEST": None,
}


def open_client(home: Path, server: str | None) -> Any:
    """A client of the server, or of the embedded store in `home`, whose schema is made under a lock."""
    with _quiet():
        from mlflow.tracking import MlflowClient

        if server is not None:
            return MlflowClient(server, server)
        home.mkdir(parents=True, exist_ok=True)
        file = home / "mlflow.db"
        with file_lock(file.with_name("mlflow.db.lock"), seconds=300):
            if not file.exists():
                _make(file)
            with closing(sqlite3.connect(file)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            return _opened(MlflowClient, file)


def _make(file: Path) -> None:
    """Make the store aside and move it whole: MLflow cannot go on with a schema that a killed process half made."""
    from mlflow.tracking import MlflowClient

    aside = file.with_name("mlflow.new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    _opened(MlflowClient, aside / file.name)
    (aside / file.name).rename(file)
    shutil.rmtree(aside)


def _opened(kind: Any, file: Path) -> Any:
    client = kind(f"sqlite:///{file}", f"sqlite:///{file}")
    client.search_experiments(max_results=1)
    client.search_registered_models(max_results=1)
    return client


@contextmanager
def talking(where: str) -> Iterator[None]:
    """Calls to MLflow: its chatter is not heard, and its errors become ours.

    Raises:
        NotFoundError: MLflow does not know what was asked for.
        ConflictError: MLflow refuses the call.
        UnavailableError: the store or the server does not answer.
    """
    with _quiet():
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError
    try:
        with _quiet():
            yield
    except MlflowException as error:
        raise _translation(where, error) from error
    except (sqlite3.OperationalError, SQLAlchemyError) as error:
        raise UnavailableError(f"MLflow's store {where} does not answer: {str(error)[:500]}") from error
    except sqlite3.DatabaseError as error:
        raise ConflictError(f"MLflow's store {where} is damaged: {error}", fix="restore it from a backup") from error
    except OSError as error:
        raise UnavailableError(f"MLflow at {where} cannot be used: {str(error)[:500]}") from error


def _translation(where: str, error: Any) -> TorneoError:
    said = f"MLflow at {where}: {str(error)[:500]}"
    if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "ENDPOINT_NOT_FOUND"):
        return NotFoundError(said)
    if error.error_code in _REFUSALS:
        return ConflictError(said, fix=_REFUSALS[error.error_code])
    return UnavailableError(said, fix="check that it runs, MLFLOW_TRACKING_URI, and the space on its disk")


@contextmanager
def _quiet() -> Iterator[None]:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
