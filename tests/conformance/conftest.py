"""Every backend that the machine has, each as a factory of stores."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from torneo.ports import ModelRegistry, ObjectStore, StateStore, TrackedRun, Version
from torneo.stores.clock import SystemClock
from torneo.stores.objects import open_objects
from torneo.stores.prediction_log import open_prediction_log
from torneo.stores.registry import MlflowRegistry
from torneo.stores.state import SqlState
from torneo.testing import FixedClock, MemoryObjects, MemoryPredictionLog, MemoryRegistry, MemoryState

BUCKETS = itertools.count()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of an S3 server in this process."""
    with warnings.catch_warnings(action="ignore"):
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket, with the environment that leads to it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    import s3fs

    name = f"bucket-{next(BUCKETS)}"
    s3fs.S3FileSystem(skip_instance_cache=True).mkdir(name)
    return name


@pytest.fixture(scope="session")
def mlflow_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an empty MLflow store, which is slow to make, for copying."""
    home = tmp_path_factory.mktemp("mlflow")
    MlflowRegistry(home).versions("nothing")
    return home


@pytest.fixture(params=["memory", "folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], ObjectStore]:
    """A factory of object stores."""
    if request.param == "memory":
        memory = MemoryObjects()
        return lambda: memory
    if request.param == "folder":
        return lambda: open_objects(tmp_path / "objects", tmp_path / "cache")
    bucket = request.getfixturevalue("s3_bucket")
    return lambda: open_objects(f"s3://{bucket}/some/prefix", tmp_path / "cache")


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], StateStore]:
    """A factory of state stores."""
    if request.param == "memory":
        memory = MemoryState(FixedClock())
        return lambda: memory
    url = f"sqlite:///{tmp_path / 'state.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_database")
    return lambda: SqlState(url, SystemClock())


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    """A factory of prediction logs, which keep refusals, too."""
    if request.param == "memory":
        memory = MemoryPredictionLog()
        return lambda: memory
    place = tmp_path / "predictions.db"
    if request.param == "postgres":
        place = request.getfixturevalue("postgres_database")
    return lambda: open_prediction_log(place)


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an MLflow server."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(Path(sys.executable).with_name("mlflow"), "server", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--artifacts-destination", folder / "artifacts"),
    ]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("w") as output:
        server = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, cwd=folder, start_new_session=True
        )
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert server.poll() is None, (folder / "log").read_text()[-2000:]
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


class OwnProjects:
    """A registry whose project names nobody else uses, so that tests may share a server."""

    def __init__(self, registry: ModelRegistry, prefix: str) -> None:
        self._registry = registry
        self._prefix = prefix

    def track(self, run: TrackedRun, artifacts: Path | None) -> str:
        return self._registry.track(run.model_copy(update={"project": self._prefix + run.project}), artifacts)

    def register(self, project: str, bundle: Path, **what: str) -> Version:
        return self._registry.register(self._prefix + project, bundle, **what)

    def versions(self, project: str) -> Sequence[Version]:
        return self._registry.versions(self._prefix + project)

    def set_alias(self, project: str, alias: str, number: int | None) -> None:
        self._registry.set_alias(self._prefix + project, alias, number)


@pytest.fixture(params=["memory", "mlflow", pytest.param("server", marks=pytest.mark.slow)])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], ModelRegistry]:
    """A factory of model registries."""
    if request.param == "memory":
        memory = MemoryRegistry(FixedClock())
        return lambda: memory
    if request.param == "server":
        server = request.getfixturevalue("mlflow_server")
        return lambda: OwnProjects(MlflowRegistry(tmp_path, server), f"{tmp_path.name}-")
    home = tmp_path / "home"
    shutil.copytree(request.getfixturevalue("mlflow_schema"), home)
    return lambda: MlflowRegistry(home)
