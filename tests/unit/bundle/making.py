"""A small bundle, made as training makes it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from torneo.bundle.baseline import background, baseline
from torneo.bundle.export import export
from torneo.bundle.parity import prove
from torneo.bundle.write import write
from torneo.learn import preparation
from torneo.models import linear
from torneo.spec.preparation import Prepare
from torneo.spec.records import LINE, BundleInfo, Feature, Lineage

HOOK = """
import polars as pl

def features(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(month=pl.col("day").dt.month(), double=pl.col("size") * 2)
"""
CONTRACT = {
    "id": {"type": "int"},
    "day": {"type": "date"},
    "size": {"type": "float", "nullable": True},
    "kind": {"type": "category", "values": ["1", "2", "x"]},
    "price": {"type": "float"},
}


@dataclass(frozen=True, eq=False)
class Made:
    """A bundle and what it was made from."""

    folder: Path
    digest: str
    frame: pl.DataFrame
    y: np.ndarray
    X: pd.DataFrame
    pipeline: Any
    graph: bytes


def rows(count: int = 120) -> pl.DataFrame:
    random = np.random.default_rng(1)
    return pl.DataFrame(
        {
            LINE: np.arange(2, count + 2),
            "id": np.arange(count),
            "day": [datetime.date(2024, 1, 1) + datetime.timedelta(days=3 * place) for place in range(count)],
            "size": [None if place % 17 == 5 else float(v) for place, v in enumerate(random.normal(5000, 900, count))],
            "kind": random.choice(["1", "2", "x"], count),
        }
    )


def make(folder: Path, task: str = "regression", *, hook: bool = True) -> Made:
    frame = rows()
    random = np.random.default_rng(2)
    y = frame["size"].fill_null(5000).to_numpy() / 100 + (frame["kind"] == "x").to_numpy() * 20
    y = y + random.normal(size=len(y))
    seen = frame
    features = [Feature(name="size", kind="numeric"), Feature(name="kind", kind="categorical", categories=("1", "2", "x"))]  # fmt: skip  # noqa: E501
    if hook:
        namespace: dict[str, Any] = {}
        exec(HOOK, namespace)  # noqa: S102 - our own text
        seen = namespace["features"](frame)
        features += [Feature(name="month", kind="numeric"), Feature(name="double", kind="numeric")]
    classes = 0 if task == "regression" else 2
    outcome = y if task == "regression" else (y > np.median(y)).astype(int)
    pipeline = preparation.pipeline(
        Prepare(), features, linear, task=task, classes=classes, params={}, seed=0, jobs=1, nullable={"size", "double"}
    )
    X = preparation.input_frame(seen, features)
    preparation.fit(pipeline, X, outcome, jobs=1)
    graph = export(pipeline, features, task=task, classes=classes)
    prove(graph, pipeline, X, seen, nullable={"size", "double"})
    target = seen.with_columns(price=outcome)
    info = BundleInfo(
        project="shop",
        task=task,
        target="price",
        classes=("low", "high") if classes else (),
        challenger="simple",
        family="linear",
        contract=CONTRACT,
        features=tuple(features),
        uses_hook=hook,
        metrics={},
        interval={},
        baseline=baseline(target, features, "price"),
        background=background(seen, ["day", "size", "kind"] if hook else ["size", "kind"], seed=1),
        lineage=Lineage(snapshot="a", prepared="b", recipe="c", code="d"),
    )
    digest = write(folder, graph, info, features_source=HOOK if hook else None)
    return Made(folder, digest, frame, outcome, X, pipeline, graph)


def raw(frame: pl.DataFrame) -> dict[str, list[Any]]:
    """The rows as a client sends them: without target, dates as text, a category as a number."""
    columns = frame.drop(LINE).to_dict(as_series=False)
    columns["day"] = [str(day) for day in columns["day"]]
    columns["kind"] = [int(kind) if kind.isdigit() else kind for kind in columns["kind"]]
    return columns
