"""The servers of bench/serve.py: how each is installed, started and asked."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from serve_load import Refused, Request
from serve_models import Model, environment, torneo

BENCH = Path(__file__).resolve().parent
ENVIRONMENTS = BENCH.parent / ".torneo" / "bench"
PATIENCE = 120
"""Seconds until a server has to answer."""
SAME = tuple(f"{name}=={version(name)}" for name in ("scikit-learn", "xgboost-cpu", "numpy", "onnxruntime"))
PEERS: Mapping[str, Sequence[str]] = {
    "mlflow": ("mlflow==3.17.2", *SAME),
    "bentoml": ("bentoml==1.4.39", "pandas", "joblib", *SAME),
    "mlserver": ("mlserver==1.7.1", "mlserver-sklearn==1.7.1", "pandas", *SAME),
}
TORNEO, CONSTANT, FRAME = "torneo", "FastAPI, a constant", "FastAPI + frame + scaler"
UVICORN = (sys.executable, "-m", "uvicorn", "--app-dir", str(BENCH), "--no-access-log", "--log-level", "warning")
UVICORN_PORT = ("--port", "{port}")
GRANIAN = (sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--no-access-log")

Rows = Sequence[Mapping[str, Any]]


class Missing(Exception):  # noqa: N818 - nothing is wrong
    """A server that cannot be had here."""


@dataclass(frozen=True, eq=False)
class Server:
    """A way to serve a model; {model} and {port} stand for what they say in the command and the path."""

    name: str
    command: Sequence[str]
    path: str
    written: Callable[[Rows], Any]
    """What is sent, as JSON, for some rows."""
    variables: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def request(self, model: Model, port: int, rows: int) -> Request:
        """So many rows of the model's data."""
        sent = model.rows if self.name.startswith(TORNEO) else model.framed
        body = json.dumps(self.written(sent[:rows])).encode()
        headers = {"Content-Type": "application/json", **self.headers}
        return Request(f"http://127.0.0.1:{port}{self.path.format(model=model.name)}", body, headers)


def plain(rows: Rows) -> Any:
    """One row as an object, many as a list."""
    return rows[0] if len(rows) == 1 else rows


def servers(home: Path, models: Sequence[Model]) -> Mapping[str, Callable[[], Server]]:
    """What makes each server, by name; it raises Missing where that is not possible."""
    return {
        TORNEO: lambda: _torneo(home, models),
        "torneo on granian": lambda: _on_granian(_torneo(home, models)),
        CONSTANT: lambda: _application(CONSTANT, "constant"),
        "constant on granian": lambda: _on_granian(_application("", "constant")),
        "bare ASGI": lambda: _application("bare ASGI", "bare"),
        FRAME: lambda: _application(FRAME, "frame"),
        "mlflow models serve": lambda: _mlflow(home),
        "BentoML": _bentoml,
        "MLServer": lambda: _mlserver(home, models),
    }


def _torneo(home: Path, models: Sequence[Model]) -> Server:
    names = [model.name for model in models]
    key = torneo(home, "keys", "create", "bench", "--scope", "predict").split()[-1]
    return Server(
        TORNEO,
        (sys.executable, "-m", "torneo", "serve", *names, "--port", "{port}"),
        "/v1/{model}/predict",
        plain,
        environment(home)
        | {"TORNEO_SERVED": os.pathsep.join(f"{home}/projects/{name}/project.yaml" for name in names)},
        {"X-API-Key": key},
    )


def _application(name: str, target: str) -> Server:
    factory = () if target == "bare" else ("--factory",)
    return Server(name, (*UVICORN, *UVICORN_PORT, *factory, f"serve_apps:{target}"), "/predict", plain)


def _on_granian(server: Server) -> Server:
    """The same application, run by granian."""
    if find_spec("granian") is None:
        raise Missing("granian is not installed: pip install granian")
    name, target = ("torneo", "torneo.server:worker") if server.name == TORNEO else ("constant", "serve_apps:constant")
    command = (*GRANIAN, "--working-dir", str(BENCH), "--port", "{port}", "--factory", target)
    variables = {**server.variables, "TORNEO_WORKERS": "1"}
    if server.name == TORNEO:
        variables["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(dir=server.variables["TORNEO_HOME"])
    return replace(server, name=f"{name} on granian", command=command, variables=variables)


def _mlflow(home: Path) -> Server:
    """The registered model itself."""
    program = str(_installed("mlflow") / "mlflow")
    registered = ("models", "serve", "-m", "models:/{model}@champion", "--env-manager", "local", "--port", "{port}")
    variables = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}",
    }
    return Server(
        "mlflow models serve",
        (program, *registered),
        "/invocations",
        lambda rows: {"dataframe_split": {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}},
        variables,
    )


def _bentoml() -> Server:
    program = str(_installed("bentoml") / "bentoml")
    return Server(
        "BentoML",
        (program, "serve", "serve_apps:service", "--working-dir", str(BENCH), "--port", "{port}"),
        "/predict",
        lambda rows: {"rows": rows},
        {"DO_NOT_TRACK": "1", "BENTOML_DO_NOT_TRACK": "1"},
    )


def _mlserver(home: Path, models: Sequence[Model]) -> Server:
    """The pipeline in its scikit-learn runtime, which reads the Open Inference Protocol into a pandas frame."""
    import joblib

    program = str(_installed("mlserver") / "mlserver")
    folder = home / "mlserver"
    for model in models:
        (folder / model.name).mkdir(parents=True, exist_ok=True)
        joblib.dump(joblib.load(model.pipeline)[0], folder / model.name / "model.joblib")
        settings = {
            "name": model.name,
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": "./model.joblib", "content_type": "pd"},
        }
        (folder / model.name / "model-settings.json").write_text(json.dumps(settings))
    return Server(
        "MLServer",
        (program, "start", str(folder)),
        "/v2/models/{model}/infer",
        _tensors,
        {"MLSERVER_PARALLEL_WORKERS": "0", "MLSERVER_HTTP_PORT": "{port}", "MLSERVER_GRPC_PORT": "{other}",
         "MLSERVER_METRICS_PORT": "{third}", "MLSERVER_DEBUG": "false"},
    )  # fmt: skip


def _tensors(rows: Rows) -> Any:
    def tensor(name: str) -> Mapping[str, Any]:
        values = [row[name] for row in rows]
        text = isinstance(values[0], str)
        shape, kind = [len(rows), 1], ("BYTES" if text else "FP64")
        return {"name": name, "shape": shape, "datatype": kind, "data": values} | (
            {"parameters": {"content_type": "str"}} if text else {}
        )

    return {"parameters": {"content_type": "pd"}, "inputs": [tensor(name) for name in rows[0]]}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


@contextmanager
def running(server: Server, model: Model, port: int, folder: Path) -> Iterator[int]:
    """Start a server and wait until it predicts; its process id.

    Raises:
        Missing: it does not come to answer.
    """
    log = folder / f"{port}.log"
    known = {"model": model.name, "port": port, "other": free_port(), "third": free_port()}
    own = {name: value.format(**known) for name, value in server.variables.items()}
    variables = {**os.environ, "BENCH_MODEL": str(model.pipeline), **own}
    command = [part.format(**known) for part in server.command]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(server, model, port, process, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Server, model: Model, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            json.loads(server.request(model, port, 1).once())
        except Refused as refused:
            raise Missing(str(refused)) from None
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise Missing(f"does not answer: {error}; {log.read_text()[-300:]}") from None
            time.sleep(0.5)
        else:
            return


def _installed(peer: str) -> Path:
    """The folder of the programs of a peer's own environment, made when first needed."""
    wanted = PEERS[peer]
    digest = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:12]
    programs = ENVIRONMENTS / f"{peer}-{digest}" / "bin"
    if (programs.parent / "installed").exists():
        return programs
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    try:
        subprocess.run([uv, "venv", "-q", "--clear", "-p", sys.executable, programs.parent], check=True)
        install = [uv, "pip", "install", "-q", "--compile-bytecode", "-p", programs / "python", *wanted]
        subprocess.run(install, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise Missing("uv is not installed") from None
    except subprocess.CalledProcessError as error:
        raise Missing(f"cannot be installed: {(error.stderr or '')[-300:]}") from None
    (programs.parent / "installed").touch()
    return programs
