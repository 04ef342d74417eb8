"""The models of bench/serve.py by `torneo run`, and the same recipes as pipelines for those who serve frames."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "housing": {"boosted": {"model": "xgboost"}},
    "ads": {"logistic": {"model": "linear"}},
}
RATE = "900000000/minute"
"""A limit that is counted and not reached."""
MOST = 100


@dataclass(frozen=True)
class Model:
    """A project with a champion."""

    name: str
    rows: Sequence[Mapping[str, Any]]
    """Rows of its data, complete, with the columns that a client sends."""
    framed: Sequence[Mapping[str, Any]]
    """The same with what the pipeline reads alone."""
    pipeline: Path


def torneo(home: Path, *arguments: str) -> str:
    """Run a command of Torneo in a home; what it prints."""
    command = [sys.executable, "-m", "torneo", *arguments]
    return subprocess.run(command, env=environment(home), stdout=subprocess.PIPE, text=True, check=True).stdout


def environment(home: Path) -> dict[str, str]:
    """The settings of a home whose projects lie in it."""
    return {**os.environ, "TORNEO_HOME": str(home), "TORNEO_PROJECTS": str(home / "projects"), "TORNEO_AUTHOR": "bench"}


def train(home: Path, names: Sequence[str]) -> Sequence[Model]:
    """Projects with one recipe and a rate limit each, and their champions."""
    for name in names:
        project = yaml.safe_load((ROOT / "projects" / name / "project.yaml").read_text())
        project |= {"challengers": RECIPES[name], "serve": {**project.get("serve", {}), "rate_limit": RATE}}
        project["judge"].pop("protocol", None)
        project["judge"].pop("repeats", None)
        folder = home / "projects" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "project.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
    torneo(home, "run", *names)
    return [_model(home, name) for name in names]


def _model(home: Path, name: str) -> Model:
    import joblib
    import polars as pl

    from torneo.spec.load import load
    from torneo.spec.project import Project

    project = load(home / "projects" / name / "project.yaml")
    assert isinstance(project, Project)
    frame = pl.read_csv(
        Path(os.environ["TORNEO_DATA"]) / project.source.uri, null_values=["NA"], infer_schema_length=None
    )
    columns = project.contract.columns
    inputs = [column for column in columns if column not in (project.target, *project.contract.key)]
    texts = {column: frame.schema[column] == pl.String for column in inputs}
    path = home / f"{name}.joblib"
    sent = frame.drop_nulls().head(MOST).drop(project.target).to_dicts()
    pipeline = _pipeline(project.task, texts).fit(frame[inputs].to_pandas(), frame[project.target].to_pandas())
    joblib.dump((pipeline, texts), path)
    framed = [{column: row[column] for column in inputs} for row in sent]
    return Model(name, sent, framed, path)


def _pipeline(task: str, texts: Mapping[str, bool]) -> Any:
    """A scaler and the model; only columns of words need an encoder."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from xgboost import XGBRegressor

    words = [name for name, text in texts.items() if text]
    scaler: Any = StandardScaler()
    if words:
        scaler = make_column_transformer((OneHotEncoder(), words), remainder=scaler)
    boosting = XGBRegressor(n_estimators=300, learning_rate=0.05, max_depth=4, n_jobs=1, random_state=0)
    return make_pipeline(scaler, boosting if task == "regression" else LogisticRegression())
