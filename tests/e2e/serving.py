"""`torneo serve` as a process of its own, and clients that put it under load."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from e2e.command import ROOT, TORNEO, environment, torneo, write_project

ROW: Mapping[str, Any] = {
    "age": 59, "sex": 2, "bmi": 32.1, "bp": 101, "s1": 157, "s2": 93.2, "s3": 38, "s4": 4, "s5": 4.8598, "s6": 87
}  # fmt: skip
CHALLENGERS = {"line": {"model": "linear"}, "forest": {"model": "random_forest", "params": {"n_estimators": 20}}}
PATIENCE = 60.0
"""Seconds after which a server that has not started never will."""
AUTH_OFF = {"TORNEO_SERVE__AUTH": "off"}


@dataclass(frozen=True)
class Home:
    """A project and the home in which it was trained, in two versions."""

    project: Path
    path: Path

    def copy(self, folder: Path, **parts: Any) -> Home:
        """The same for a test of its own; `parts` replace those of the project."""
        shutil.copytree(self.path, folder / "home")
        shutil.copytree(self.project, folder / "project")
        file = folder / "project" / "project.yaml"
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text(encoding="utf-8")) | parts), encoding="utf-8")
        return Home(folder / "project", folder / "home")


def train(folder: Path, **more: str) -> Home:
    """Train a linear model and a forest on the diabetes set."""
    project = write_project(folder / "project", challengers=CHALLENGERS, serve={"interval": 0.9})
    torneo("run", str(project), home=folder / "home", TORNEO_JOBS="1", **more)
    return Home(project, folder / "home")


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    port: int
    errors: Path

    @property
    def workers(self) -> Sequence[int]:
        """The processes that answer."""
        answer = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        children = [int(line) for line in answer.stdout.split()]
        return [child for child in children if "spawn_main" in _command(child)] or [self.process.pid]

    def ask(
        self, path: str = "/predict", body: Any = None, *, method: str = "POST", timeout: float = 30, **headers: str
    ) -> Reply:
        """One request on a connection of its own; a body that is no bytes is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            return ask(connection, path, body, method=method, **headers)
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        """GET."""
        return self.ask(path, method="GET", **headers)

    def wait(self, status: int = 200, path: str = "/readyz", seconds: float = PATIENCE) -> None:
        """Wait until it answers so."""
        deadline = time.monotonic() + seconds
        while True:
            assert self.process.poll() is None, self.errors.read_text()[-3000:]
            with suppress(OSError, http.client.HTTPException):
                if self.get(path).status == status:
                    return
            assert time.monotonic() < deadline, f"{path} is never {status}: {self.errors.read_text()[-3000:]}"
            time.sleep(0.05)

    def stop(self) -> float:
        """SIGTERM; it must end well. Gives the seconds it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.errors.read_text()[-3000:]
        return time.monotonic() - started


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


def ask(
    connection: http.client.HTTPConnection, path: str, body: Any = None, *, method: str = "POST", **headers: str
) -> Reply:
    """One request on a connection that may be used again."""
    sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, sent, {"Content-Type": "application/json", **names})
    answer = connection.getresponse()
    return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(home: Home, *arguments: str, port: int | None = None, ready: int = 200, **more: str) -> Iterator[Server]:
    """Serve a project until the block ends; without keys unless `TORNEO_SERVE__AUTH` is given."""
    port = port or free_port()
    errors = home.path.with_name(f"serve-{port}-{time.monotonic_ns()}.log")
    with errors.open("w") as target:
        process = subprocess.Popen(
            [str(TORNEO), "serve", str(home.project), "--port", str(port), *arguments],
            cwd=ROOT,
            env=environment(home.path, **{**AUTH_OFF, **more}),
            text=True,
            stdout=target,
            stderr=target,
            start_new_session=True,
        )
    server = Server(process, port, errors)
    try:
        server.wait(ready)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


@dataclass
class Load:
    """Clients that ask again and again, each on a connection that it keeps; what they were told."""

    port: int
    clients: int = 4
    rows: int = 1
    acknowledged: list[dict[str, Any]] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    cut: int = 0
    """Requests that ended with their connection."""
    slowest: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __enter__(self) -> Load:
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the clients; each waits for its last answer."""
        self._ended.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a client waits for ever"

    @property
    def ids(self) -> list[str]:
        """The ids of all acknowledged predictions."""
        return [answer["prediction_id"] for answer in self.acknowledged]

    def wait_for(self, more: int, seconds: float = PATIENCE) -> None:
        """Wait for so many more acknowledged predictions."""
        wanted, deadline = len(self.acknowledged) + more, time.monotonic() + seconds
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < deadline, f"no answers: {self.statuses}, {self.cut} cut"
            time.sleep(0.005)

    def _work(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._ended.is_set():
            connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
            body = ROW if self.rows == 1 else [ROW] * self.rows
            started = time.monotonic()
            try:
                reply = ask(connection, "/predict", body)
            except (OSError, http.client.HTTPException):
                self.cut += 1
                connection.close()
                connection = None
                time.sleep(0.01)
                continue
            self.slowest = max(self.slowest, time.monotonic() - started)
            self.statuses[reply.status] += 1
            if reply.status == 200:
                self.acknowledged += [reply.json] if self.rows == 1 else reply.json["predictions"]
            else:
                time.sleep(0.01)
        if connection is not None:
            connection.close()


def logged(home: Home) -> Counter[str]:
    """The ids in the log, and how often each is there."""
    with sqlite3.connect(home.path / "predictions.db") as connection:
        return Counter(id_ for (id_,) in connection.execute("SELECT id FROM predictions"))


def assert_logged_once(home: Home, load: Load) -> None:
    """All that was acknowledged is in the log, each once."""
    found = logged(home)
    assert load.ids, "nothing was acknowledged"
    assert len(set(load.ids)) == len(load.ids)
    assert [id_ for id_ in load.ids if found[id_] != 1] == []


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode()
    except OSError:
        return ""
