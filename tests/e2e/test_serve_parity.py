"""What is served is what was trained: for every row, over HTTP, by `torneo predict`, and by the estimator itself."""

from __future__ import annotations

import datetime
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from e2e.command import ROOT, state, torneo
from e2e.serving import Home, Server, serving
from torneo.learn import preparation
from torneo.models import linear
from torneo.runtime import Runtime, open_project
from torneo.serving.inputs import Decoder
from torneo.spec.project import Prepare, Project
from torneo.spec.records import LINE, Prepared
from torneo.spec.settings import Settings
from torneo.stages.ingest import ingest
from torneo.stages.validate import validate
from torneo.testing import SilentProgress

FAST_ROWS = 30
MANY_ROWS = 10_000
"""Of larger tables only the judge's rows are asked about."""
QUICK = {"line": {"model": "linear"}, "boost": {"model": "xgboost", "params": {"n_estimators": 50}}}
TRAINED = sorted(
    file.parent.name for file in (ROOT / "projects").glob("*/project.yaml") if not file.parent.name.startswith("crypto")
)


@dataclass(frozen=True)
class Data:
    """What training left of a project's rows."""

    name: str
    home: Path
    accepted: pl.DataFrame
    prepared: Prepared
    decision: Mapping[str, Any]

    @classmethod
    def of(cls, name: str, home: Path) -> Data:
        kept = state(home)

        def result(step: str) -> Any:
            record = kept.get(name, f"step/{step}")
            assert record is not None, f"{step} has not run"
            return record["result"]

        accepted = pl.read_parquet(home / "objects" / result("validate")["accepted"]["key"])
        return cls(name, home, accepted, Prepared.model_validate(result("prepare")), result("judge")["decision"])

    def table(self, side: str) -> pl.DataFrame:
        """The rows to train on, or those of the judge."""
        return pl.read_parquet(self.home / "objects" / getattr(self.prepared, side).key)

    def rows(self, target: str) -> Sequence[dict[str, Any]]:
        """The rows as a client sends them."""
        frame = self.accepted.drop(LINE, target)
        return [{name: _plain(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.date) else value


def _served(server: Server, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The answers to all rows, 1,000 at once; the first ones alone, too, which must be the same."""
    answers: list[Mapping[str, Any]] = []
    for start in range(0, len(rows), 1000):
        reply = server.ask(body=rows[start : start + 1000])
        assert reply.status == 200, f"a row that training accepted is refused: {reply.body[:2000]!r}"
        answers += reply.json["predictions"]
    for row, answer in zip(rows[:FAST_ROWS], answers, strict=False):
        alone = server.ask(body=row).json
        if "probabilities" in answer:
            assert alone["prediction"] == answer["prediction"]
            assert alone["probabilities"] == pytest.approx(answer["probabilities"], abs=1e-6)
        else:
            assert alone["prediction"] == pytest.approx(answer["prediction"], rel=1e-6)
    return answers


def _compare_with_files(
    data: Data, project: str, answers: Sequence[Mapping[str, Any]], folder: Path, **more: str
) -> None:
    """`torneo predict` gives the same answers to the same rows."""
    data.accepted.drop(LINE).write_parquet(folder / "rows.parquet")
    torneo("predict", project, str(folder / "rows.parquet"), "-o", str(folder / "p.parquet"), home=data.home, **more)
    predicted = pl.read_parquet(folder / "p.parquet")
    assert predicted.height == len(answers)
    if "probabilities" not in answers[0]:
        column = predicted["prediction"]
        assert column.to_list() == pytest.approx([answer["prediction"] for answer in answers], rel=1e-6)
        return
    for name in answers[0]["probabilities"]:
        column = predicted[f"probability_{name}"]
        assert column.to_list() == pytest.approx([answer["probabilities"][name] for answer in answers], abs=1e-6)


def _judged(data: Data, target: str, answers: Sequence[Mapping[str, Any]]) -> None:
    """The score of what is served, on the judge's rows, is the score that was the reason to promote."""
    if data.decision["protocol"] != "holdout" or data.decision["metric"] not in ("rmse", "accuracy"):
        return
    by_line = dict(zip(data.accepted[LINE], answers, strict=True))
    test = data.table("test")
    told = [by_line[line]["prediction"] for line in test[LINE]]
    if data.decision["metric"] == "rmse":
        score = sqrt(np.mean((np.array(told) - test[target].to_numpy()) ** 2))
    else:
        score = float(np.mean([str(a) == str(b) for a, b in zip(told, test[target], strict=True)]))
    assert score == pytest.approx(data.decision["scores"][data.decision["winner"]], rel=1e-5)


def test_served_predicted_and_estimated_are_one(home: Home, tmp_path: Path) -> None:
    data = Data.of("diabetes", home.path)
    with serving(home) as server:
        answers = _served(server, data.rows("target"))
        server.stop()
    assert {answer["version"] for answer in answers} == {1}
    _compare_with_files(data, str(home.project), answers, tmp_path)
    _judged(data, "target", answers)

    train, test = data.table("train"), data.table("test")
    features = data.prepared.features
    pipeline = preparation.pipeline(
        Prepare(), features, linear, task="regression", classes=0, params={}, seed=42, jobs=1, nullable=frozenset()
    )
    preparation.fit(pipeline, preparation.input_frame(train, features), train["target"].to_numpy(), jobs=1)
    estimated = pipeline.predict(preparation.input_frame(test, features))
    by_line = dict(zip(data.accepted[LINE], answers, strict=True))
    served = [by_line[line]["prediction"] for line in test[LINE]]
    assert served == pytest.approx(list(estimated), rel=1e-4)
    assert len(set(served)) > len(served) / 2, "the model answers the same to everybody"


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_every_row_of_a_project_is_answered_as_it_was_judged(name: str, shared_data: Path, tmp_path: Path) -> None:
    """With its own data, contract, preparation and features, and quick models that are judged on rows set aside."""
    shutil.copytree(ROOT / "projects" / name, tmp_path / "project")
    file = tmp_path / "project" / "project.yaml"
    spec = yaml.safe_load(re.sub(r"\bon:", '"on":', file.read_text(encoding="utf-8")))  # PyYAML takes it for true
    judge = {part: value for part, value in spec.get("judge", {}).items() if part == "metric"} | {"protocol": "holdout"}
    file.write_text(yaml.safe_dump(spec | {"challengers": QUICK, "judge": judge}), encoding="utf-8")
    more = {"TORNEO_DATA": str(shared_data), "TORNEO_JOBS": "1"}
    home = Home(tmp_path / "project", tmp_path / "home")
    torneo("run", str(home.project), home=home.path, **more)
    data = Data.of(name, home.path)
    if data.accepted.height > MANY_ROWS:
        test = data.table("test")
        data = replace(data, accepted=data.accepted.filter(pl.col(LINE).is_in(test[LINE].implode())))
    with serving(home, **more) as server:
        answers = _served(server, data.rows(spec["target"]))
        server.stop()
    _compare_with_files(data, str(home.project), answers, tmp_path, **more)
    _judged(data, spec["target"], answers)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_no_row_that_training_accepts_is_refused_by_the_server(name: str, shared_data: Path, tmp_path: Path) -> None:
    found = Settings(home=tmp_path, data=shared_data, jobs=1)
    spec, folder = open_project(found, str(ROOT / "projects" / name))
    assert isinstance(spec, Project)
    results: dict[str, Any] = {}
    with Runtime(found).context(spec, folder, SilentProgress()) as context:
        results["ingest"] = ingest(context, results)
        report = validate(context, results)
        accepted = pl.read_parquet(context.objects.path(report.accepted.key))
    columns = {column: how for column, how in spec.contract.columns.items() if column != spec.target}
    decoder = Decoder(columns, frozenset(column for column, how in columns.items() if not how.nullable))
    refused: set[tuple[str, str]] = set()
    for part in accepted.select(list(columns)).iter_slices(20_000):
        rows = [{column: _plain(value) for column, value in row.items()} for row in part.iter_rows(named=True)]
        refused |= {(finding.reason, finding.message) for finding in decoder.decode(rows).findings}
    assert accepted.height > 300
    assert refused == set()
