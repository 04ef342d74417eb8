"""The server's other faces, through clients that others wrote."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

from e2e.command import start, torneo, write_project

PATIENCE = 90.0
"""Seconds within which a server must be ready."""


@dataclass(frozen=True)
class Server:
    """A server with one project, and its data."""

    port: int
    rows: list[dict[str, Any]]

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def predictions(self) -> list[float]:
        """What it predicts for the rows, its own way."""
        answer = httpx.post(f"{self.url}/predict", json=self.rows)
        assert answer.status_code == 200, answer.text
        return [each["prediction"] for each in answer.json()["predictions"]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A linear model of scikit-learn's diabetes set, served without keys on loopback."""
    folder = tmp_path_factory.mktemp("served")
    project = write_project(folder / "diabetes", challengers={"linear": {"model": "linear"}})
    torneo("run", str(project), home=folder / "home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    off = {"TORNEO_SERVE__AUTH": "off"}
    process = start("serve", str(project), "--port", str(port), home=folder / "home", **off)
    try:
        _wait(f"http://127.0.0.1:{port}/readyz", process)
        yield Server(port, _rows(port))
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert "Traceback" not in err, err[-4000:]


def _wait(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).status_code == 200:
                return
        time.sleep(0.2)
    process.kill()
    pytest.fail(f"the server is not ready: {process.communicate()[1][-4000:]}")


def _rows(port: int) -> list[dict[str, Any]]:
    """Rows like the schema's example, which differ in a column."""
    schema = httpx.get(f"http://127.0.0.1:{port}/schema").json()
    [example] = schema["examples"]
    return [{**example, "bmi": example["bmi"] * factor} for factor in (0.5, 1.0, 1.5)]


def test_a_triton_client_asks_it(server: Server) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of gevent, which the client imports
        import tritonclient.http as triton
        from tritonclient.utils import InferenceServerException, triton_to_np_dtype
    client = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
    try:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("diabetes")
        assert client.get_server_metadata()["name"] == "torneo"
        metadata = client.get_model_metadata("diabetes")
        inputs = []
        for tensor in metadata["inputs"]:
            values = np.array([row[tensor["name"]] for row in server.rows])
            dtype = triton_to_np_dtype(tensor["datatype"])
            values = values.astype(str).astype(object) if dtype is np.object_ else values.astype(dtype)
            inputs.append(triton.InferInput(tensor["name"], list(values.shape), tensor["datatype"]))
            inputs[-1].set_data_from_numpy(values, binary_data=False)
        answer = client.infer("diabetes", inputs, request_id="mine")
        assert answer.as_numpy("prediction").tolist() == server.predictions()
        assert answer.get_response()["id"] == "mine"
        version = answer.get_response()["model_version"]
        assert metadata["versions"] == [version]
        wanted = [triton.InferRequestedOutput("interval_low", binary_data=False)]
        low = client.infer("diabetes", inputs, model_version=version, outputs=wanted)
        assert (low.as_numpy("interval_low") < answer.as_numpy("prediction")).all()
        assert low.as_numpy("prediction") is None
        with pytest.raises(InferenceServerException, match="version 77 of diabetes does not answer here"):
            client.infer("diabetes", inputs, model_version="77")
    finally:
        client.close()


def test_mlflows_scoring_client_asks_it(server: Server) -> None:
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own type hints
        from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    client = ScoringServerClient("127.0.0.1", server.port)
    client.ping()
    expected = server.predictions()
    frame = pd.DataFrame(server.rows)
    assert client.invoke(frame).get_predictions()["prediction"].tolist() == expected
    names = httpx.get(f"{server.url}/model").json()["features"]
    assert client.invoke(frame[names].to_numpy()).get_predictions()["prediction"].tolist() == expected
    csv = pl.DataFrame(server.rows).write_csv()
    answer = httpx.post(f"{server.url}/invocations", content=csv, headers={"Content-Type": "text/csv"})
    assert [each["prediction"] for each in answer.json()["predictions"]] == expected
    with pytest.raises(Exception, match="missing_bmi"):
        client.invoke(frame.drop(columns="bmi"))


def test_the_examples_of_the_description_are_answered(server: Server) -> None:
    described = httpx.get(f"{server.url}/openapi.json").json()
    schemas = described["components"]["schemas"]
    for path, name in (
        ("/predict", "Row"),
        ("/explain", "Row"),
        ("/invocations", "Invocation"),
        ("/v2/models/diabetes/infer", "InferRequest"),
    ):
        [example] = schemas[f"diabetes.{name}"]["examples"]
        answer = httpx.post(f"{server.url}{path}", json=example)
        assert answer.status_code == 200, f"{path}: {answer.text}"


@pytest.mark.slow
def test_schemathesis_finds_nothing(server: Server, tmp_path: Path) -> None:
    made = httpx.post(f"{server.url}/predict", json=server.rows[0]).json()["prediction_id"]
    httpx.post(f"{server.url}/outcomes", json={"prediction_id": made, "value": 100})
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{server.url}/openapi.json", "--max-examples", "15", "--seed", "7", "--no-color"),
            *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--generation-database", "none"),
            *("--suppress-health-check", "all", "--report", "ndjson", "--report-dir", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        timeout=900,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    found = [json.loads(line) for file in tmp_path.glob("*.ndjson") for line in file.read_text().splitlines()]
    assert len(found) > 100, "it has asked"


CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "missing_required_header",
)
"""Not those that say which requests are right: a schema cannot tell a cursor of ours from another, nor does it list all
the forms that are taken, such as an empty text for a missing value."""
