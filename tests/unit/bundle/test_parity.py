"""Parity of estimator and graph, and what cannot be exported or written"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.unit.bundle.making import HOOK, Made, raw

import torneo.bundle.scorer as scorer_module
from torneo.bundle.export import export
from torneo.bundle.latency import latency_ms
from torneo.bundle.load import load
from torneo.bundle.parity import compare, prove
from torneo.bundle.write import write
from torneo.errors import ConflictError, ExportError
from torneo.learn import preparation
from torneo.models import gaussian_nb, linear
from torneo.spec.preparation import NumericStep, Prepare
from torneo.spec.records import BundleInfo, Feature


def test_parity_names_the_worst_row(made: Made) -> None:
    seen = made.frame.with_columns(month=pl.col("day").dt.month(), double=pl.col("size") * 2)
    model = made.pipeline.named_steps["model"]
    model.coef_ = model.coef_ * 1.01
    with pytest.raises(ExportError, match=r"differs from the estimator in \d+ of 120 rows; worst, line \d+: .*size="):
        prove(made.graph, made.pipeline, made.X, seen)


def test_parity_compares_the_inputs_of_serving(made: Made) -> None:
    """The graph is given the raw frame: a difference between the two ways to the inputs is found."""
    seen = made.frame.with_columns(month=pl.col("day").dt.month(), double=pl.col("size") * 2)
    with pytest.raises(ExportError, match="differs"):
        prove(made.graph, made.pipeline, made.X, seen.with_columns(pl.col("size") * 1.001))


def test_labels_must_agree_but_for_ties() -> None:
    inputs, lines = pd.DataFrame({"a": [1.0]}), [9]
    tie = np.array([[0.5, 0.5]])
    assert compare(tie, np.array([[0.499999, 0.500001]]), inputs, lines) < 1e-5
    with pytest.raises(ExportError, match="line 9: the estimator says"):
        compare(np.array([[0.51, 0.49]]), np.array([[0.49, 0.51]]), inputs, lines)
    with pytest.raises(ExportError, match="differs"):
        compare(np.array([1.0]), np.array([np.nan]), inputs, lines)
    with pytest.raises(ExportError, match="no row"):
        compare(np.empty(0), np.empty(0), inputs[:0], [])


def test_class_without_rows_is_refused() -> None:
    features = [Feature(name="a", kind="numeric")]
    X = pd.DataFrame({"a": np.arange(6, dtype=np.float32)})
    pipeline = preparation.pipeline(
        Prepare(), features, gaussian_nb, task="classification", classes=3, params={}, seed=0, jobs=1
    )
    preparation.fit(pipeline, X, np.array([0, 0, 0, 2, 2, 2]), jobs=1)
    with pytest.raises(ExportError, match=r"2 of 3 classes: none has code \[1\]"):
        export(pipeline, features, task="classification", classes=3)


def test_inputs_are_the_features_in_order() -> None:
    names = ["prediction", "Día, n.º 1", "_0", "answer"]
    features = [Feature(name=name, kind="numeric") for name in names]
    X = pd.DataFrame({name: np.arange(9, dtype=np.float32) * (place + 1) % 5 for place, name in enumerate(names)})
    prepare = Prepare(numeric=(NumericStep(scale="minmax"),))
    pipeline = preparation.pipeline(prepare, features, linear, task="regression", classes=0, params={}, seed=0, jobs=1)
    preparation.fit(pipeline, X, np.arange(9.0), jobs=1)
    graph = scorer_module.Graph(export(pipeline, features, task="regression", classes=0))
    assert list(graph.inputs) == names
    np.testing.assert_allclose(graph.run(X)[:, 0], pipeline.predict(X), rtol=1e-5)


def test_write_refuses(made: Made, tmp_path: Path) -> None:
    info = BundleInfo.model_validate(load(made.folder).info)
    with pytest.raises(ConflictError, match="not empty"):
        write(made.folder, made.graph, info, features_source=HOOK)
    with pytest.raises(ConflictError, match=r"features\.py was not given"):
        write(tmp_path / "new", made.graph, info)


def test_latency(made: Made) -> None:
    assert 0 < latency_ms(load(made.folder), raw(made.frame), calls=20) < 1000
