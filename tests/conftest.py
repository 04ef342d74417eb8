"""Fixtures for all tests; the environment is scrubbed so that no setting of the machine changes a result."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from postgres import Server, running_server
from redis_server import RedisServer, running_redis

for _name in [name for name in os.environ if name.startswith(("TORNEO_", "MLFLOW_"))]:
    del os.environ[_name]
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the project."""
    if not SHARED_DATA.is_dir():
        reason = f"real data is not at {SHARED_DATA}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return SHARED_DATA


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL server for all tests of this process."""
    with running_server("fsync=off") as server:
        yield server


DATABASES = itertools.count()


@pytest.fixture
def postgres_database(postgres_server: Server) -> str:
    """The URL of a new, empty database."""
    return postgres_server.new_database(f"test_{next(DATABASES)}")


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A Redis server of the test's own, which it may kill."""
    with running_redis() as server:
        yield server
