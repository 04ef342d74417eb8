"""Serving: what `torneo serve` starts. Each worker is a process that builds its own `Service`."""

from __future__ import annotations

import errno
import gc
import json
import multiprocessing
import multiprocessing.process
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from torneo import runtime
from torneo.engines.texts import read_texts
from torneo.errors import ConflictError, UnavailableError
from torneo.http.app import make_app
from torneo.http.front import App
from torneo.http.logs import configure
from torneo.http.metrics import FOLDER, Metrics
from torneo.http.service import Service
from torneo.http.tracing import traced
from torneo.monitoring import LogMonitor
from torneo.ports import StateStore
from torneo.runtime import Runtime
from torneo.serving.endpoint import Endpoint
from torneo.serving.follow import Follower
from torneo.serving.keys import Keyring
from torneo.serving.limits import Limiter
from torneo.serving.privacy import Privacy
from torneo.serving.refusals import RefusalCounter
from torneo.serving.writer import LogWriter
from torneo.spec.loading import LoadProject
from torneo.spec.settings import Settings, settings
from torneo.watch.views import Asked, DriftView

PROJECTS = "TORNEO_SERVED"
WORKERS = "TORNEO_WORKERS"
GARBAGE = (10_000, 20, 20)
"""When the garbage collector looks: requests make hundreds of objects that live until their commit, and few cycles."""
GIVES_WAY = 10
"""The priority of a look at the log; the servers' is 0, the least is 19."""
LOOKING = 0.05
"""Seconds between two looks whether it has ended."""
DONE = (0, 13)
"""How `torneo drift` ends: without drift, with it."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    projects: Sequence[str | None], host: str, port: int, workers: int, tell: Callable[[Sequence[str]], None]
) -> None:
    """Serve projects until somebody stops it; `tell` is given the projects' names before.

    Raises:
        ConflictError: a project loads a table, two have one name, or the address cannot be listened on; or nobody would
            need a key, and the address is not loopback.
    """
    found = settings()
    if found.serve.auth == "off" and host not in LOOPBACK:
        raise ConflictError(
            f"TORNEO_SERVE__AUTH=off lets everybody in, and {host} can be reached from elsewhere",
            fix="leave it on and make a key with `torneo keys create`, or serve on 127.0.0.1",
        )
    files = [str(runtime.find(found, project).absolute()) for project in projects]
    names = _names(found, files)
    _check_free(host, port)
    tell(names)
    os.environ[PROJECTS] = json.dumps(files)
    os.environ[WORKERS] = str(workers)
    configure(found.serve.log_level)
    # uvicorn answers what is in flight, and then sends itself the signal again: that ends the process well
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="torneo-metrics-") as folder:
        if workers > 1:  # this process counts in memory: what it has imported does not look for the folder any more
            os.environ[FOLDER] = folder
        import uvicorn

        from torneo.http.protocol import OneWriteProtocol

        uvicorn.run(
            "torneo.server:worker",
            factory=True,
            http=OneWriteProtocol,
            host=host,
            port=port,
            workers=workers,
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            date_header=True,
            timeout_keep_alive=75,  # longer than proxies keep an idle connection: they must be the ones to close it
            timeout_graceful_shutdown=30,
        )


def _names(found: Settings, files: Sequence[str]) -> Sequence[str]:
    """The names of the projects in files, each once."""
    found_in: dict[str, str] = {}
    for file in files:
        spec, _ = runtime.open_project(found, file)
        name = spec.project
        if isinstance(spec, LoadProject):
            raise ConflictError(f"{name} loads a table: it has no model to serve")
        if name in found_in:
            raise ConflictError(
                f"{found_in[name]} and {file} are both named {name!r}: a name is served once",
                fix="leave one out, or give it another name (`project:` in its file)",
            )
        found_in[name] = file
    return list(found_in)


def _check_free(host: str, port: int) -> None:
    """Find out now whether the address can be listened on; the server itself would say it as a line of its log."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            tried.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConflictError(
                    f"port {port} of {host} is in use", fix="end what listens there, or serve on another --port"
                ) from None
            raise ConflictError(
                f"port {port} of {host} cannot be listened on: {error.strerror or error}",
                fix="serve on another --host or --port",
            ) from None


def worker() -> App:
    """The application of one worker, as the environment of `serve` describes it."""
    found = settings()
    configure(found.serve.log_level)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=[parent], name="parent", daemon=True).start()
    files: Sequence[str] = json.loads(os.environ[PROJECTS])
    names = ",".join(Path(file).parent.name for file in files)

    def start() -> Service:
        service = build(Runtime(found), files, int(os.environ[WORKERS]))
        gc.collect()
        gc.freeze()  # what is there now stays: it need not be looked through again and again
        gc.set_threshold(*GARBAGE)
        return service

    app = make_app(start, found.serve.cors)
    return traced(app, {"torneo.projects": names})


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    """End this worker when its parent has gone without a word: nobody would look after it, or ever stop it."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


@dataclass(frozen=True)
class _LateState:
    """The state store of an installation, opened when it first answers: a server starts without it."""

    _runtime: Runtime

    def __getattr__(self, name: str) -> object:
        return getattr(self._runtime.state, name)


def build(made: Runtime, files: Sequence[str], workers: int = 1) -> Service:
    """The parts of one worker; called in its event loop."""
    found = made.settings
    endpoints: dict[str, Endpoint] = {}
    found_in: dict[str, str] = {}
    for file in files:
        spec, _ = runtime.open_project(found, file)
        assert not isinstance(spec, LoadProject)  # noqa: S101 - `serve` has looked
        found_in[spec.project] = file
        endpoints[spec.project] = Endpoint(spec, Privacy.of(spec.project, spec.contract, made.secret))
    state = cast("StateStore", _LateState(made))
    keyring = None if found.serve.auth == "off" else Keyring(state, made.clock)
    others = {} if keyring is None else {"keys": lambda: keyring.refresh(state)}
    follower = Follower(list(endpoints.values()), state, made.objects, made.home / "serving", others)
    follower.start()
    return Service(
        endpoints=endpoints,
        state=state,
        log=made.predictions,
        writer=LogWriter(made.predictions, found.serve.log),
        refusals=RefusalCounter(made.refusals),
        limiter=Limiter(workers, found.redis),
        follower=follower,
        keyring=keyring,
        settings=found.serve,
        metrics=Metrics(),
        monitors={name: LogMonitor.of(made, each.project, state) for name, each in endpoints.items()},
        look=partial(look_apart, found_in),
        texts=read_texts,
    )


def look_apart(files: Mapping[str, str], name: str, asked: Asked, seconds: float, ended: threading.Event) -> DriftView:
    """What `torneo drift` finds, in a process of its own that gives way, so that who is answered does not wait for it.

    Args:
        files: the file of each project.
        seconds: how long it may take.
        ended: ends it.

    Raises:
        UnavailableError: it takes too long, was ended, or could not look.
    """
    assert asked.since is not None  # noqa: S101 - the observer says both
    assert asked.until is not None  # noqa: S101
    times = ("--since", asked.since.isoformat(), "--until", asked.until.isoformat())
    command = (sys.executable, "-m", "torneo", "drift", files[name], *times, "--window", str(asked.window), "--json")
    environment = {key: value for key, value in os.environ.items() if key != FOLDER}
    deadline = time.monotonic() + seconds
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as trouble:
        process = subprocess.Popen(  # noqa: S603 - this very program
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=trouble,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the server, which ends it
        )
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, GIVES_WAY)
        while process.poll() is None and time.monotonic() < deadline and not ended.wait(LOOKING):
            pass
        if process.poll() is None:
            process.kill()
            process.wait()
            raise UnavailableError(f"a look at the log takes longer than {seconds:g} seconds")
        said.seek(0)
        trouble.seek(0)
        if process.returncode not in DONE:
            told = trouble.read().decode(errors="replace").strip()
            raise UnavailableError(f"the log could not be looked at: {told[-500:]}")
        return DriftView.model_validate_json(said.read())
