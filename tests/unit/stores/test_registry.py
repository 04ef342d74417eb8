from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from together import run_together
from torneo.bundle.write import write
from torneo.errors import ConflictError, NotFoundError, UnavailableError
from torneo.spec.records import BundleInfo, Feature, Lineage
from torneo.stores.mlflow_run import log
from torneo.stores.registry import MlflowRegistry
from torneo.testing.conformance_registry import a_run


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("mlflow")
    MlflowRegistry(home).versions("nothing")
    return home


@pytest.fixture
def home(schema: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(schema, tmp_path / "home"))


@pytest.fixture
def registry(home: Path) -> MlflowRegistry:
    return MlflowRegistry(home)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle that doubles `x`."""
    double = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "double",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
    )
    model = helper.make_model(double, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    info = BundleInfo(
        project="housing",
        task="regression",
        target="y",
        classes=(),
        challenger="linear",
        family="linear",
        contract={"x": {"type": "float"}},
        features=(Feature(name="x", kind="numeric"),),
        uses_hook=False,
        metrics={},
        interval={},
        baseline={},
        background={},
        lineage=Lineage(snapshot="", prepared="", recipe="", code=""),
    )
    write(tmp_path / "bundle", model.SerializeToString(), info)
    return tmp_path / "bundle"


def register(registry: MlflowRegistry, bundle: Path) -> None:
    run_id = registry.track(a_run(), None)
    registry.register("housing", bundle, key="bundles/1", digest="d1", challenger="linear", run_id=run_id)
    registry.set_alias("housing", "champion", 1)


PLAIN = """
import sys
sys.modules["torneo"] = None  # as if it were not installed
import mlflow, pandas, pickle
import mlflow.pyfunc
def refuse(*_, **__):
    raise SystemExit("something is unpickled")
pickle.load = pickle.loads = pickle.Unpickler = refuse
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/housing@champion")
frame = pandas.DataFrame({"x": [1, 2.5]}, index=[7, 9])
print(model.predict(frame).to_dict())
print(model.metadata.flavors["python_function"]["loader_module"], "cloudpickle_version" in str(model.metadata.flavors))
"""


def test_a_plain_mlflow_loads_the_champion_without_torneo_or_pickles(
    registry: MlflowRegistry, home: Path, bundle: Path, tmp_path: Path
) -> None:
    register(registry, bundle)
    command = [sys.executable, "-c", PLAIN, f"sqlite:///{home / 'mlflow.db'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.splitlines() == ["{'prediction': {7: 2.0, 9: 5.0}}", "torneo_scorer False"], done.stderr[-2000:]
    assert done.returncode == 0


def test_a_version_names_its_files_and_requirements(registry: MlflowRegistry, bundle: Path) -> None:
    register(registry, bundle)
    version = registry._client.get_model_version("housing", "1")
    model_digest = hashlib.sha256((bundle / "model.onnx").read_bytes()).hexdigest()
    assert version.tags["sha256.model.onnx"] == model_digest
    assert version.tags["torneo.bundle"] == "bundles/1"
    folder = Path(version.source.removeprefix("file://"))
    names = [line.partition("==")[0] for line in (folder / "requirements.txt").read_text().splitlines()]
    assert names == ["mlflow", "numpy", "onnxruntime", "pandas"]
    assert not list(folder.rglob("*.pkl"))


def test_a_bundle_with_a_hook_requires_polars(registry: MlflowRegistry, bundle: Path) -> None:
    (bundle / "features.py").write_text("def features(frame): return frame")
    register(registry, bundle)
    folder = Path(registry._client.get_model_version("housing", "1").source.removeprefix("file://"))
    assert "polars==" in (folder / "requirements.txt").read_text()


def test_a_run_says_everything(registry: MlflowRegistry, tmp_path: Path) -> None:
    plots = tmp_path / "artifacts" / "plots"
    plots.mkdir(parents=True)
    (plots / "residuals.svg").write_text("<svg/>")
    told = a_run(tags={"mlflow.source.git.commit": "c0ffee"}, params={"alpha": 0.5, "long": "x" * 9000, "none": None})
    run_id = registry.track(told, plots.parent)
    run = registry._client.get_run(run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "linear")
    assert registry._client.get_experiment(run.info.experiment_id).name == "housing"
    assert run.data.params == {"alpha": "0.5", "long": "x" * 5999 + "…", "none": "None"}
    assert run.data.metrics["rmse"] == 3.2
    history = registry._client.get_metric_history(run_id, "rmse/steps")
    assert [(point.step, point.value) for point in history] == [(0, 3.0), (1, 3.4)]
    assert run.data.tags["mlflow.source.git.commit"] == "c0ffee"
    assert run.data.tags["torneo.dataset"] == told.dataset_digest
    assert run.inputs.dataset_inputs[0].dataset.digest == told.dataset_digest[:36]
    assert [file.path for file in registry._client.list_artifacts(run_id, "plots")] == ["plots/residuals.svg"]


def test_what_a_killed_process_has_left_is_tracked_again(registry: MlflowRegistry) -> None:
    told = a_run()
    client: Any = registry._client
    experiment = registry._experiment("housing")
    half = client.create_run(experiment, tags={"torneo.key": told.key}).info.run_id
    log(client, half, told)
    run_id = registry.track(told, None)
    assert run_id != half
    assert client.get_run(half).info.lifecycle_stage == "deleted"
    assert registry.track(told, None) == run_id


def test_versions_of_others_are_left_alone(registry: MlflowRegistry, bundle: Path) -> None:
    register(registry, bundle)
    registry._client.create_model_version("housing", "file:///elsewhere")
    assert [version.number for version in registry.versions("housing")] == [1]


@pytest.mark.parametrize("name", ["it's", 'say "x"', "a b/ü"])
def test_odd_keys_are_found_again(registry: MlflowRegistry, name: str) -> None:
    assert registry.track(a_run(key=name), None) == registry.track(a_run(key=name), None)


def test_it_is_silent_and_leaves_logging_as_it_was(
    home: Path, bundle: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    level = logging.getLogger("mlflow").level
    filters = list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        register(MlflowRegistry(home), bundle)
        with pytest.raises(NotFoundError, match="no version 9"):
            MlflowRegistry(home).set_alias("housing", "champion", 9)
    assert caught == []
    assert capfd.readouterr() == ("", "")
    assert (logging.getLogger("mlflow").level, list(warnings.filters)) == (level, filters)


def test_a_server_that_is_away_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    registry = MlflowRegistry(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match=r"MLflow at http://127.0.0.1:9[\s\S]*MLFLOW_TRACKING_URI"):
        registry.versions("housing")
    with pytest.raises(UnavailableError, match="MLflow at"):
        registry.track(a_run(), None)
    assert list(tmp_path.iterdir()) == []


def test_what_mlflow_refuses_is_a_conflict(registry: MlflowRegistry, bundle: Path) -> None:
    register(registry, bundle)
    with pytest.raises(ConflictError, match=r"MLflow at .*v1"):
        registry.set_alias("housing", "v1", 1)


def test_a_damaged_store_is_said(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database " * 1000)
    with pytest.raises(ConflictError, match=r"mlflow.db is damaged: file is not a database[\s\S]*from a backup"):
        MlflowRegistry(tmp_path).versions("housing")


IMPORTS = """
import pathlib
from torneo.stores.registry import MlflowRegistry
from torneo.testing.conformance_registry import a_run
"""
OPEN = """
registry = MlflowRegistry(pathlib.Path(sys.argv[1]))
for number in range(5):
    registry.track(a_run(key=f"{sys.argv[2]}-{number}"), None)
"""


def test_processes_that_start_at_once_do_not_collide(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run_together(IMPORTS, OPEN, [[str(home), name] for name in "ab"]) == [("", 0)] * 2
    client: Any = MlflowRegistry(home)._client
    assert len(client.search_runs([client.get_experiment_by_name("housing").experiment_id])) == 10
