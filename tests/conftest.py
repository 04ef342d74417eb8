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

LONGEST = (
    "test_a_project_runs_on_its_data[housing]",
    "test_killed_at_random_moments_it_loses_no_event_and_trains_once",
    "test_a_project_runs_on_its_data[sales]",
    "test_the_demo_ends_with_a_table_a_verdict_and_the_next_command",
    "test_two_hundred_promotions_and_rollbacks_under_load",
)
"""Minutes each."""
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests come first: one that begins last leaves all cores but its own with nothing to do."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    if item.name in LONGEST:
        return LONGEST.index(item.name)
    return len(LONGEST) + (item.get_closest_marker("slow") is None)


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
