"""How long explanations take and how far they are from exact SHAP values, on one core.

    TORNEO_DATA=… python bench/explain.py       (with HousingData.csv and Social_Network_Ads.csv)

For each family: CPU-milliseconds per row (median of single calls), evaluations of the graph, and as a share of the
spread of the answers the standard error that is stated and the error that is there (root mean squares over rows and
inputs); then how far base, values and output are from adding up.
Exact values come from the same bundle by asking for all coalitions.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from torneo import plugins
from torneo.bundle.baseline import background
from torneo.bundle.explain import explain
from torneo.bundle.export import export
from torneo.bundle.load import load
from torneo.bundle.scorer import Scorer
from torneo.bundle.write import write
from torneo.learn import preparation
from torneo.learn.features import columns_of, features_of, outcomes
from torneo.spec.load import load as load_project
from torneo.spec.preparation import Prepare
from torneo.spec.project import Project
from torneo.spec.records import BundleInfo, Lineage

PREPARE = Prepare.model_validate(
    {"numeric": [{"impute": "median"}, {"scale": "standard"}], "categorical": [{"impute": "most_frequent"}]}
)
FAMILIES = {
    "housing": ("xgboost", "random_forest", "hist_gradient_boosting", "linear", "svm"),
    "ads": ("linear", "gaussian_nb", "random_forest"),
}
PARAMS: Mapping[str, dict[str, Any]] = {"random_forest": {"n_estimators": 100, "max_leaf_nodes": None}}
BACKGROUND = 100
TIMED, COMPARED = 30, 3
EVERYTHING = 10**9


def table_of(name: str) -> tuple[Project, pl.DataFrame]:
    """A project and its rows in the contract's types."""
    project = load_project(Path("projects") / name / "project.yaml")
    assert isinstance(project, Project)
    file = Path(os.environ["TORNEO_DATA"]) / project.source.uri
    frame = pl.read_csv(file, null_values=["NA"], infer_schema_length=None)
    texts = [name for name, column in project.contract.columns.items() if column.type == "category"]
    return project, frame.with_columns(pl.col(name).cast(pl.String) for name in texts)


def bundle(project: Project, frame: pl.DataFrame, family: str, folder: Path) -> Scorer:
    """A bundle fitted on all rows."""
    features = features_of(project, frame.schema, hooked=False)
    classes = len(project.classes)
    pipeline = preparation.pipeline(
        PREPARE,
        features,
        plugins.load("models", family),
        task=project.task,
        classes=classes,
        params=PARAMS.get(family, {}),
        seed=0,
        jobs=1,
    )
    X = preparation.input_frame(frame, features)
    preparation.fit(pipeline, X, outcomes(project, frame[project.target]), jobs=1)
    info = BundleInfo(
        project=project.project,
        task=project.task,
        target=project.target,
        classes=project.classes,
        challenger=family,
        family=family,
        contract={},
        features=features,
        uses_hook=False,
        metrics={},
        interval={},
        baseline={},
        background=background(frame, [feature.name for feature in features], seed=0, rows=BACKGROUND),
        lineage=Lineage(snapshot="", prepared="", recipe="", code=""),
    )
    write(folder, export(pipeline, features, task=project.task, classes=classes), info)
    return load(folder)


def measured(scorer: Scorer, columns: Mapping[str, Any]) -> Iterator[str]:
    """What the table says of a bundle."""
    rows = [{name: values[row : row + 1] for name, values in columns.items()} for row in range(TIMED)]
    explain(scorer, rows[0])
    durations, found = [], []
    for row in rows:
        start = time.process_time()
        found += explain(scorer, row)
        durations.append(time.process_time() - start)
    spread = float(np.std(np.asarray(scorer.score(columns)).reshape(len(rows), -1)[:, -1]))
    exact = [explain(scorer, row, budget=EVERYTHING)[0] for row in rows[:COMPARED]]
    stated = _rms([value for one in found[:COMPARED] for value in one.errors.values()])
    there = _rms(
        [one.values[name] - other.values[name] for one, other in zip(found, exact, strict=False) for name in one.values]
    )
    gap = max(abs(one.base + sum(one.values.values()) - one.output) for one in found)
    yield from (found[0].method, f"{found[0].evaluations:,}", f"{statistics.median(durations) * 1000:.1f}")
    yield from (f"{stated / spread:.2%}", f"{there / spread:.2%}", f"{gap:.0e}")


def _rms(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def main() -> None:
    """Print the table."""
    headers = ("project", "family", "method", "evaluations", "CPU ms per row", "stated error", "error", "gap")
    table = Table(*headers, title=f"{BACKGROUND} background rows, one core", title_justify="left")
    for name, families in FAMILIES.items():
        project, frame = table_of(name)
        columns = {key: values[:TIMED] for key, values in columns_of(project, frame).items()}
        for family in families:
            with tempfile.TemporaryDirectory() as folder:
                table.add_row(name, family, *measured(bundle(project, frame, family, Path(folder) / "bundle"), columns))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
