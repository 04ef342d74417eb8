"""What training writes down for drift: columns, answers to rows it has not seen, errors by prediction."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import small
from torneo.bundle.load import load
from torneo.bundle.scorer import Scorer
from torneo.metrics import metric
from torneo.spec.frozen import Frozen
from torneo.spec.project import Project
from torneo.spec.records import ANSWERS, ERRORS, Prepared
from torneo.stages.context import Context
from torneo.stages.ingest import ingest
from torneo.stages.prepare import prepare
from torneo.stages.train import train
from torneo.stages.validate import validate
from torneo.watch.drift import drift
from torneo.watch.estimates import error_model
from torneo.watch.sketch import Baseline, sketch


def _trained(folder: Path, *, classes: bool) -> tuple[Scorer, Context, Prepared]:
    small.table(400, classes=classes).write_csv(folder / "data.csv")
    context = small.context(small.project(classes=classes), folder)
    results: dict[str, Frozen] = {"ingest": ingest(context, {})}
    results["validate"] = validate(context, results)
    results["prepare"] = prepared = prepare(context, results)
    train(context, results, name="line")
    return load(context.work / "bundles" / "line"), context, prepared


@pytest.mark.parametrize("classes", [True, False])
def test_fault_8_drift_fires_where_there_is_some_and_only_there(tmp_path: Path, classes: bool) -> None:
    """Fault 8: drift compared the data with itself, or read a field that does not exist, or live predictions."""
    scorer, context, prepared = _trained(tmp_path, classes=classes)
    baseline = Baseline.read(scorer.info["baseline"])
    assert baseline.columns["a"].rows == prepared.train.rows, "columns are those of the training rows"
    assert baseline.columns[ANSWERS].rows == prepared.test.rows, "answers are those to rows that were not trained on"

    def window(rows: pl.DataFrame) -> pl.DataFrame:
        answers = scorer.score({name: rows[name] for name in scorer.columns})
        known = [name for name in rows.columns if name in baseline.columns]
        return rows.select(known).with_columns(pl.Series(ANSWERS, answers[:, 1] if classes else answers))

    test = pl.read_parquet(context.objects.path(prepared.test.key))
    same = drift(baseline, sketch(baseline, window(test)))
    assert (same.verdict, same.unwatched) == ("no drift", ())
    moved = drift(baseline, sketch(baseline, window(test.with_columns(pl.col("b") + 3 * pl.col("b").std()))))
    assert "b" in moved.columns
    assert "a" not in moved.columns


def test_errors_of_a_regression_are_estimated_before_outcomes_come(tmp_path: Path) -> None:
    scorer, context, prepared = _trained(tmp_path, classes=False)
    test = pl.read_parquet(context.objects.path(prepared.test.key))
    predicted = scorer.score({name: test[name] for name in scorer.columns}).astype("float64")
    estimate = error_model(scorer.info["baseline"], predicted, metric("rmse"))
    assert estimate.score == pytest.approx(scorer.info["metrics"]["rmse"], rel=0.3)
    assert sum(scorer.info["baseline"][ERRORS]["rows"]) == prepared.train.rows


def test_a_classification_has_no_error_model(tmp_path: Path) -> None:
    scorer, _, _ = _trained(tmp_path, classes=True)
    assert ERRORS not in scorer.info["baseline"]


@pytest.mark.parametrize("name", [ANSWERS, ERRORS, "__line__"])
def test_no_column_can_have_the_names_of_what_is_none(name: str) -> None:
    columns = {
        **small.project().contract.model_dump(mode="json", exclude_unset=True)["columns"],
        name: {"type": "float"},
    }
    with pytest.raises(ValueError, match="names between __ are Torneo's own"):
        Project.model_validate(
            {**small.project().model_dump(mode="json", exclude_unset=True), "contract": {"columns": columns}}
        )
