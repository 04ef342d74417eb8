"""Ingest, gate, preparation and check on small tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import small
from torneo.bundle.explain import explain
from torneo.bundle.load import load
from torneo.errors import GateError, HookError, NotFoundError, TrainError
from torneo.spec.frozen import Frozen
from torneo.spec.project import Project
from torneo.spec.records import LINE, GateReport, Prepared
from torneo.stages.check import check
from torneo.stages.context import Context
from torneo.stages.ingest import ingest
from torneo.stages.prepare import prepare
from torneo.stages.train import train
from torneo.stages.validate import validate


def prepared(context: Context) -> tuple[Prepared, dict[str, Frozen]]:
    results: dict[str, Frozen] = {}
    results["ingest"] = ingest(context, results)
    results["validate"] = validate(context, results)
    results["prepare"] = found = prepare(context, results)
    return found, results


def at_work(folder: Path, frame: pl.DataFrame, project: Project | None = None, **parts: Any) -> Context:
    frame.write_csv(folder / "data.csv")
    return small.context(project or small.project(**parts), folder)


def test_the_gate_keeps_what_it_refuses(tmp_path: Path) -> None:
    frame = small.table(100).with_columns(
        pl.when(pl.col("id") == 7).then(pl.lit("blue")).otherwise("colour").alias("colour")
    )
    context = at_work(tmp_path, frame)
    results: dict[str, Frozen] = {}
    results["ingest"] = ingest(context, results)
    report = validate(context, results)
    assert (report.rows, report.accepted.rows, report.rejected.rows) == (100, 99, 1)
    refused = pl.read_parquet(context.objects.path(report.rejected.key))
    assert refused.select("id", "colour", LINE).rows() == [("7", "blue", 9)]
    known = context.state.get("small", "gate")
    assert known is not None
    assert GateReport.model_validate(known) == report


def test_fault_16_a_typo_in_the_label_is_refused_and_stops_the_run(tmp_path: Path) -> None:
    """Fault 16: a typo (`05` in a 0/1 label) became a third class without a word."""
    label = pl.when(pl.col("id") < 10).then(pl.lit("05")).otherwise(pl.col("y").cast(pl.String)).alias("y")
    context = at_work(tmp_path, small.table(100).with_columns(label))
    results: dict[str, Frozen] = {"ingest": ingest(context, {})}
    with pytest.raises(
        GateError, match=r"small: the gate refused 10 of 100 rows \(10\.0%\), .*5\.0%\): unknown_y 10\n"
    ):
        validate(context, results)
    known = context.state.get("small", "gate")
    assert known is not None
    assert known["reasons"] == {"unknown_y": 10}


def test_no_rows_at_all(tmp_path: Path) -> None:
    context = at_work(tmp_path, small.table(10), source={"uri": "data.csv", "where": "id > 100"})
    with pytest.raises(GateError, match="there are no rows to judge"):
        validate(context, {"ingest": ingest(context, {})})


def test_both_tables_are_described(tmp_path: Path) -> None:
    found, _ = prepared(context := at_work(tmp_path, small.table(100)))
    assert (found.train.rows, found.test.rows, found.trimmed) == (75, 25, 0)
    described = json.loads(context.objects.get(found.description))
    train = pl.read_parquet(context.objects.path(found.train.key))
    assert described["columns"]["a"]["train"]["mean"] == pytest.approx(train["a"].mean())
    assert described["columns"]["a"]["train"]["deviation"] == pytest.approx(train["a"].std(ddof=0))
    assert sum(described["columns"]["colour"]["test"]["categories"].values()) == 25
    assert described["tables"]["test"] == {"key": found.test.key, "digest": found.test.digest, "rows": 25}
    assert described["split"]["seed"] == 42


def test_a_random_split_beside_a_time_column_is_warned_of(tmp_path: Path) -> None:
    """Fault 4, the warning."""
    found, _ = prepared(at_work(tmp_path, small.table(100)))
    assert len(found.warnings) == 1
    assert "set split.by_time: day" in found.warnings[0]
    (tmp_path / "other").mkdir()
    found, _ = prepared(at_work(tmp_path / "other", small.table(200), split={"by_time": "day"}))
    assert found.warnings == ()


def test_outliers_leave_the_training_rows_only(tmp_path: Path) -> None:
    frame = small.table(200).with_columns(pl.when(pl.col("id") % 10 == 0).then(1000.0).otherwise("a").alias("a"))
    context = at_work(tmp_path, frame, prepare={"trim": {"columns": ["a"]}})
    found, _ = prepared(context)
    train, test = (pl.read_parquet(context.objects.path(each.key)) for each in (found.train, found.test))
    assert found.trimmed == 150 - train.height > 0
    assert (train["a"] < 1000).all()
    assert (test["a"] == 1000).any()


def test_a_class_that_is_on_one_side_only_is_told(tmp_path: Path) -> None:
    frame = small.table(100).with_columns((pl.col("id") == 3).cast(pl.Int8).alias("y"))
    with pytest.raises(
        GateError, match=r"there is no (training|judging) row of class 1 of y\n  fix: set split\.stratify: y"
    ):
        prepared(at_work(tmp_path, frame))


def test_rows_that_cannot_be_split(tmp_path: Path) -> None:
    frame = small.table(100).with_columns(pl.lit("2024-01-01").alias("day"))
    with pytest.raises(TrainError, match="100 rows cannot be split into 75% to train and 25% to judge"):
        prepared(at_work(tmp_path, frame, split={"by_time": "day", "test": 0.25}))


def test_fault_5_judging_rows_never_change_what_is_learned(tmp_path: Path) -> None:
    """Fault 5: imputation was fitted on all rows before the split; here the graph is the same whatever judges."""
    frame = (
        small.table(200).sort("day").with_columns(pl.when(pl.col("id") % 9 == 0).then(None).otherwise("a").alias("a"))
    )
    graphs, medians = [], []
    for number, shift in enumerate((0.0, 50.0)):
        folder = tmp_path / str(number)
        folder.mkdir()
        late = pl.col("day") >= frame["day"][150]
        context = at_work(
            folder,
            frame.with_columns(pl.when(late).then(pl.col("a") + shift).otherwise("a").alias("a")),
            split={"by_time": "day", "test": 0.25},
        )
        found, results = prepared(context)
        trained = train(context, results, name="line")
        graphs.append(context.objects.get(f"{trained.bundle.key}/model.onnx"))
        medians.append(pl.read_parquet(context.objects.path(found.test.key))["a"].median())
    assert medians[0] != medians[1]
    assert graphs[0] == graphs[1]


def test_check_says_what_is_good(tmp_path: Path) -> None:
    told = check(at_work(tmp_path, small.table(100).with_columns(extra=1)))
    assert told[:2] == ["project.yaml is valid; it decides by auc", "challengers: line"]
    assert "100 rows, 8 columns in data.csv" in told[2]
    assert told[3] == "100 rows accepted, 0 refused, 0 left out by where"
    assert told[4] == "columns the contract does not name are left out: extra"
    assert told[5] == "75 rows to train, 25 to judge, 4 features"
    assert told[6].startswith("mind: the split is random")


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ({"judge": {"metric": "rmse"}}, NotFoundError, "there is no metric 'rmse' for classification"),
        ({"judge": {"guardrails": {"acc": "> 0"}}}, NotFoundError, "there is no metric 'acc' .*did you mean"),
        ({"challengers": {"x": {"model": "linaer"}}}, NotFoundError, "there is no model 'linaer'"),
        ({"challengers": {"x": {"model": "linear", "params": {"c": 1}}}}, NotFoundError, "linear has no parameter 'c'"),
    ],
)
def test_check_finds_what_would_stop_a_run(
    tmp_path: Path, parts: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        check(at_work(tmp_path, small.table(100), **parts))


def test_latency_may_be_a_guardrail(tmp_path: Path) -> None:
    assert check(at_work(tmp_path, small.table(100), judge={"guardrails": {"latency_ms": "< 50"}}))


def test_check_runs_the_hook(tmp_path: Path) -> None:
    (tmp_path / "features.py").write_text("def features(frame):\n    return frame.head(3)\n", encoding="utf-8")
    with pytest.raises(HookError, match="not 3 rows for 100"):
        check(at_work(tmp_path, small.table(100)))


def test_a_bundle_knows_the_columns_that_its_hook_reads(tmp_path: Path) -> None:
    made = "month=pl.col('day').dt.month(), ratio=pl.col('b') / (pl.col('shop') + 1)"
    text = f"import polars as pl\n\ndef features(frame):\n    return frame.with_columns({made})\n"
    (tmp_path / "features.py").write_text(text, encoding="utf-8")
    _, results = prepared(context := at_work(tmp_path, small.table(200)))
    train(context, results, name="line")
    scorer = load(context.work / "bundles" / "line")
    assert list(scorer.info["background"]) == ["day", "shop", "a", "b", "colour"]
    assert {len(values) for values in scorer.info["background"].values()} == {100}
    sent = {"day": ["2024-05-06"], "shop": [3], "a": [None], "b": [0.5], "colour": ["red"]}
    (one,) = explain(scorer, sent)
    assert (one.of, one.method, list(one.values)) == ("columns", "exact", list(sent))
    assert one.base + sum(one.values.values()) == pytest.approx(one.output, abs=1e-6)
