"""Evidently's report on logged predictions: its verdict stands beside ours and decides nothing."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from torneo.engines.reigning import Reigning
from torneo.errors import ConflictError, MissingExtraError
from torneo.ports import ObjectStore
from torneo.spec.records import ANSWERS
from torneo.watch.logged import PLACE, drawn, place
from torneo.watch.sketch import Numbers
from torneo.watch.views import EvidentlyColumn

MOST = 100_000
"""So many rows of each side are compared: with more it takes minutes."""
NUMERIC, CATEGORICAL = "wasserstein", "jensenshannon"
"""Its tests, fixed: by default they change with the number of rows, and the verdict with them."""


def sample(reigning: Reigning, frames: Iterable[pl.DataFrame]) -> pl.DataFrame | None:
    """At most 100,000 rows of what was answered, drawn by their ids; None if there are none."""
    kept: pl.DataFrame | None = None
    for frame in frames:
        answered = frame.filter(pl.col("role") != "shadow")
        made = reigning.columns(answered["inputs"])
        rows = pl.concat([answered.select(place(pl.col("id"))), made], how="horizontal")
        kept = drawn(rows if kept is None else pl.concat([kept, rows]), MOST)
    return None if kept is None or not kept.height else kept.drop(PLACE)


def training_rows(reigning: Reigning, objects: ObjectStore) -> pl.DataFrame:
    """At most 100,000 of the rows that the champion was trained on, with its features."""
    prepared = reigning.model.scorer.info["lineage"]["prepared"]
    description = json.loads(objects.get(f"{reigning.project.project}/prepared/{prepared[:32]}/data.json"))
    rows = pl.read_parquet(objects.path(description["tables"]["train"]["key"]))
    names = [name for name in reigning.baseline.columns if name != ANSWERS and name in rows.columns]
    return rows.select(names).sample(min(rows.height, MOST), seed=0)


def compare(
    reigning: Reigning, training: pl.DataFrame, asked: pl.DataFrame
) -> tuple[str, Mapping[str, EvidentlyColumn]]:
    """Evidently's page (HTML), and what it says of each column that both sides have.

    Raises:
        MissingExtraError: Evidently is not installed.
        ConflictError: there is no column that both have with values.
    """
    names = [name for name in training.columns if name in asked.columns]
    names = [name for name in names if asked[name].null_count() < asked.height]
    if not names:
        raise ConflictError("there is nothing that Evidently could compare", fix="ask for a time with predictions")
    numeric = [name for name in names if isinstance(reigning.baseline.columns[name], Numbers)]
    kinds = {name: pl.Float64() if name in numeric else pl.String() for name in names}
    before, now = (rows.select(names).cast(kinds).to_pandas() for rows in (training, asked))  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _run(before, now, numeric, [name for name in names if name not in numeric])
        return found.get_html_str(as_iframe=False), dict(_columns(found.dict()))


def _run(before: Any, now: Any, numeric: list[str], categorical: list[str]) -> Any:
    os.environ.setdefault("DO_NOT_TRACK", "1")
    try:
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset
    except ImportError:
        raise MissingExtraError("Evidently", "evidently", "Evidently's report") from None
    columns = DataDefinition(numerical_columns=numeric, categorical_columns=categorical)
    sides = [Dataset.from_pandas(frame, data_definition=columns) for frame in (now, before)]
    return Report([DataDriftPreset(num_method=NUMERIC, cat_method=CATEGORICAL)]).run(*sides)


def _columns(report: Mapping[str, Any]) -> Iterable[tuple[str, EvidentlyColumn]]:
    for metric in report["metrics"]:
        asked = metric["config"]
        if asked["type"].endswith(":ValueDrift"):
            value, threshold = float(metric["value"]), float(asked["threshold"])
            yield (
                asked["column"],
                EvidentlyColumn(test=asked["method"], value=value, threshold=threshold, drifted=value >= threshold),
            )
