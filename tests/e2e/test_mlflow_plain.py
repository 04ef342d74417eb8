"""What is registered is what was proven: read by MLflow alone, on all judged rows, with the scores that were stored."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from sklearn import metrics

from e2e.command import ROOT, torneo, write_project
from torneo.bundle.load import load

pytestmark = pytest.mark.slow

HOOK = """
import polars as pl


def features(frame):
    return frame.with_columns(load=pl.col("bmi") * pl.col("bp"), first=pl.col("sex").cast(pl.String) + "!")
"""
PLAIN = """
import sys
sys.modules["torneo"] = sys.modules["sklearn"] = None  # as if they were not installed
import mlflow, mlflow.pyfunc, pandas
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(f"models:/{sys.argv[2]}@champion")
model.predict(pandas.read_parquet(sys.argv[3])).to_parquet(sys.argv[4])
"""
SEARCH = {"sampler": "random", "trials": 3, "folds": 3}


def _breast_cancer(folder: Path) -> Path:
    declared = yaml.safe_load((ROOT / "projects" / "breast_cancer" / "project.yaml").read_text(encoding="utf-8"))
    return write_project(folder, **declared | {"challengers": {"boosting": {"model": "xgboost", "search": SEARCH}}})


def _diabetes(folder: Path) -> Path:
    scaled = {"numeric": [{"impute": "median"}, {"scale": "standard"}]}
    write_project(folder, challengers={"linear": {"model": "linear"}, "svm": {"model": "svm"}}, prepare=scaled)
    (folder / "features.py").write_text(HOOK)
    return folder


@pytest.mark.parametrize("make", [_diabetes, _breast_cancer])
def test_a_plain_mlflow_answers_as_the_bundle_does_and_as_its_metrics_say(make: Any, tmp_path: Path) -> None:
    folder, home = make(tmp_path / "project"), tmp_path / "home"
    report = torneo("run", str(folder), "--json", home=home).report
    champion = torneo("status", str(folder), "--json", home=home).json["champion"]
    bundle = home / "objects" / champion["bundle"]
    scorer = load(bundle, champion["digest"])
    test = pl.read_parquet(home / "objects" / report["results"]["prepare"]["test"]["key"])
    columns = [name for name in scorer.info["contract"] if name != scorer.info["target"]]
    sent = test.select(columns)
    assert sent.height > 80

    sent.write_parquet(tmp_path / "rows.parquet")
    files = [str(tmp_path / "rows.parquet"), str(tmp_path / "answers.parquet")]
    command = [sys.executable, "-c", PLAIN, f"sqlite:///{home / 'mlflow.db'}", report["project"], *files]
    subprocess.run(command, check=True, cwd=tmp_path)
    answers = pl.read_parquet(files[1])
    own = scorer.predict(sent)
    assert answers.select(own.columns).equals(own)

    stored = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))["metrics"]
    recomputed = _recomputed(scorer.info, test, own)
    assert {name: stored[name] for name in recomputed} == pytest.approx(recomputed, rel=1e-6)


def _recomputed(info: Any, test: pl.DataFrame, answers: pl.DataFrame) -> dict[str, float]:
    actual = test[info["target"]].to_numpy()
    predicted = answers["prediction"].to_numpy()
    if info["task"] == "regression":
        return {
            "rmse": float(np.sqrt(np.mean((actual - predicted) ** 2))),
            "mae": float(metrics.mean_absolute_error(actual, predicted)),
            "r2": float(metrics.r2_score(actual, predicted)),
        }
    positive = info["classes"][-1]
    return {
        "accuracy": float(np.mean(actual == predicted)),
        "f1": float(metrics.f1_score(actual, predicted, pos_label=positive)),
        "auc": float(metrics.roc_auc_score(actual == positive, answers[f"probability_{positive}"].to_numpy())),
    }
