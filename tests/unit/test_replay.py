"""A version judged on logged traffic: the same rows, the same tests, and a word about every line left out."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import small
from torneo.api import Project
from torneo.errors import ConflictError, NotFoundError
from torneo.log import report_outcomes
from torneo.metrics import metric
from torneo.ports import LogFilter, Outcome, Prediction
from torneo.promotion import Champion
from torneo.serving.follow import open_model
from torneo.spec.replay_records import Replayed
from torneo.testing import SilentProgress
from trained import copied, declare, opened, trained

NOW = 1_790_000_000_000_000
"""When the first row was answered, in microseconds."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Champion and weaker version, with 200 new rows that the champion has answered, all of them with outcomes."""
    project = trained(tmp_path_factory.mktemp("replay"), rows=400)
    answer(project, fresh(200), outcomes=True)
    return project


@pytest.fixture
def project(base: Project, tmp_path: Path) -> Project:
    return copied(base, tmp_path)


def fresh(rows: int, *, seed: int = 77, first: int = 10_000) -> pl.DataFrame:
    """Rows that no version has seen."""
    return small.table(rows, seed=seed).with_columns(pl.col("id") + first)


def answer(project: Project, rows: pl.DataFrame, *, outcomes: bool, **parts: Any) -> list[str]:
    """Log rows as champion's answers, and what came of them; gives the lines' ids."""
    log, before = project.runtime.predictions, len(project.runtime.predictions.page("small", LogFilter(), limit=9999))
    ids = [f"01a00000-0000-7000-8000-{before + number:012x}" for number in range(rows.height)]
    inputs = rows.drop("y").with_columns(pl.col("day").cast(pl.String)).to_dicts()
    log.append(
        [
            Prediction(
                id_, "small", NOW, "request", "", 1, "champion", json.dumps(row), "{}", 1, str(row["id"])
            )._replace(**parts)
            for id_, row in zip(ids, inputs, strict=True)
        ]
    )
    if outcomes:
        log.add_outcomes(
            [Outcome("small", id_, json.dumps(str(y)), NOW) for id_, y in zip(ids, rows["y"], strict=True)]
        )
    return ids


def numbers(project: Project) -> tuple[int, int]:
    """The other version, and the champion."""
    champion = project.champion()
    assert champion is not None
    return next(one.number for one in project.versions() if one.number != champion.number), champion.number


def replayed(project: Project, **more: Any) -> Replayed:
    return project.replay(numbers(project)[0], **more)


def test_the_verdict_is_the_judge_s_on_the_logged_rows(base: Project) -> None:
    done = replayed(base)
    other, champion = numbers(base)
    assert (done.version, done.against) == (other, champion)
    assert (done.lines, done.replayed, done.labelled, done.judged) == (200, 200, 200, 200)
    assert (done.left_out, done.not_judged, done.undecided) == ({}, {}, None)
    assert done.decision is not None
    assert (done.decision.verdict, done.decision.rows) == ("keep", 200)
    (comparison,) = done.decision.comparisons
    assert comparison.test == "DeLong's test"
    assert comparison.champion_score > comparison.challenger_score
    rows = fresh(200)
    versions = {one.number: one for one in base.versions()}
    scores = [
        open_model(Champion.of(versions[number]), base.runtime.objects, base.runtime.home / "serving").scorer.score(
            {name: rows[name] for name in ("shop", "a", "b", "colour", "day", "id")}
        )
        for number in (other, champion)
    ]
    auc = [metric("auc")(rows["y"].to_numpy(), each.astype(np.float64)) for each in scores]
    assert [comparison.challenger_score, comparison.champion_score] == pytest.approx(auc)
    apart = (scores[0].argmax(axis=1) != scores[1].argmax(axis=1)).mean()
    assert done.difference == pytest.approx(apart)


def test_the_other_way_round(base: Project) -> None:
    other, champion = numbers(base)
    done = base.replay(champion, other)
    assert done.decision is not None
    assert done.decision.verdict == "promote"
    assert done.decision.winner == f"version {champion}"


def test_guardrails_and_slices_are_the_project_s(project: Project) -> None:
    judge = {"guardrails": {"accuracy": "> 0.99", "latency_ms": "< 1000"}, "slices": ["colour"]}
    other, champion = numbers(project)
    done = declare(project.folder, judge=judge).replay(champion, other)
    assert done.decision is not None
    assert done.decision.verdict == "keep"
    assert [bar.passed for bar in done.decision.guardrails] == [False, True]
    assert "the bar is > 0.99" in done.decision.vetoes[f"version {champion}"][0]
    done = declare(project.folder, judge={"slices": ["colour"]}).replay(other, champion)
    assert done.decision is not None
    assert any("it is worse where colour is" in why for why in done.decision.vetoes[f"version {other}"])


def test_only_what_was_asked_for_is_replayed(project: Project) -> None:
    answer(project, fresh(9, seed=5, first=20_000), outcomes=True, role="shadow")
    assert replayed(project).lines == 200
    moment = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
    with pytest.raises(NotFoundError, match="the log of small has no such answer of a champion"):
        replayed(project, lines=LogFilter(since=moment))


def test_rows_that_a_version_was_trained_on_are_not_judged(project: Project) -> None:
    """All 400 rows of the source are answered once more: 300 have trained, 100 have judged."""
    answer(project, small.table(400), outcomes=True)
    done = replayed(project)
    assert (done.lines, done.replayed, done.judged) == (600, 600, 300)
    assert done.not_judged == {"a version was trained on it": 300}


def test_the_same_row_of_the_same_subject_counts_once(project: Project) -> None:
    answer(project, fresh(200)[:50], outcomes=True)
    done = replayed(project)
    assert (done.replayed, done.judged, done.not_judged) == (250, 200, {"the same row again": 50})
    answer(project, fresh(200)[:50], outcomes=True, entity="")
    assert replayed(project).judged == 250, "without a key nobody knows whether it is the same"


def test_hashed_and_dropped_inputs_are_left_out_and_counted(project: Project) -> None:
    columns = small.project().model_dump(mode="json", exclude_unset=True)["contract"]["columns"]
    columns["colour"]["pii"] = "drop"
    columns["id"]["pii"] = "hash"
    marked = declare(project.folder, contract={"columns": columns, "key": ["id"]})
    assert replayed(marked).replayed == 200, "what was logged before the mark is there, and the key is not read"
    for row in fresh(7, seed=8, first=30_000).iter_slices(1):
        inputs = row.drop("y", "colour", "day").to_dicts()[0]
        answer(marked, row, outcomes=True, inputs=json.dumps(inputs))
    done = replayed(marked)
    assert done.left_out == {"personal data is not in the log": 7}
    columns["colour"]["pii"] = "hash"
    hashed = declare(project.folder, contract={"columns": columns, "key": ["id"]})
    answer(hashed, fresh(1, seed=9), outcomes=True, inputs=json.dumps({"a": 1, "b": 1, "shop": 1, "colour": "0f" * 16}))
    assert replayed(hashed).left_out["personal data is not in the log"] == 1


def test_lines_that_a_version_would_refuse_are_left_out_and_counted(project: Project) -> None:
    other, _ = numbers(project)
    answer(project, fresh(2, seed=9, first=40_000), outcomes=True, inputs='{"a": 1, "shop": 1, "colour": "red"}')
    done = replayed(project)
    assert (done.lines, done.replayed) == (202, 200)
    assert done.left_out == {f"version {other} cannot read it": 2}


def test_without_enough_outcomes_it_says_how_far_the_answers_are_apart(base: Project, tmp_path: Path) -> None:
    project = copied(base, tmp_path)
    project.runtime.predictions.prune("small", datetime.datetime(2040, 1, 1, tzinfo=datetime.UTC))
    answer(project, fresh(100), outcomes=False)
    answer(project, fresh(19, seed=6), outcomes=True)
    done = replayed(project)
    assert done.decision is None
    assert done.difference is not None
    assert done.undecided == (
        "only 19 of 119 replayed lines have an outcome that can be judged; the judge needs 20 or more"
    )


def test_outcomes_of_one_class_decide_nothing(base: Project, tmp_path: Path) -> None:
    project = copied(base, tmp_path)
    project.runtime.predictions.prune("small", datetime.datetime(2040, 1, 1, tzinfo=datetime.UTC))
    answer(project, fresh(60).with_columns(y=pl.lit(1)), outcomes=True)
    done = replayed(project)
    assert done.decision is None
    assert done.undecided is not None
    assert done.undecided.startswith("auc cannot be tested on these 60 rows: ")


def test_regression_in_the_order_of_time(tmp_path: Path) -> None:
    project = trained(tmp_path, classes=False, split={"test": 0.25, "by_time": "day"})
    file = small.table(100, seed=8, classes=False).with_columns(pl.col("id") + 500)
    file.write_parquet(tmp_path / "new.parquet")
    project.predict(tmp_path / "new.parquet", tmp_path / "answers.csv", tmp_path / "rejected.csv", log=True)
    told = report_outcomes(project.runtime, project.training, tmp_path, str(tmp_path / "answers.csv"), SilentProgress())
    assert told.recorded == 100, "the answers' file has prediction_id and the target"
    done = replayed(project)
    assert done.decision is not None
    assert (done.judged, done.decision.comparisons[0].test) == (100, "Diebold-Mariano test")
    answers = pl.read_csv(tmp_path / "answers.csv")
    rmse = ((answers["prediction"] - answers["y"]) ** 2).mean() ** 0.5  # type: ignore[operator]
    assert done.decision.comparisons[0].champion_score == pytest.approx(rmse)


def test_what_cannot_be_compared(base: Project) -> None:
    _, champion = numbers(base)
    with pytest.raises(ConflictError, match=f"version {champion} of small cannot be compared with itself"):
        base.replay(champion)
    with pytest.raises(NotFoundError, match=r"small has no version 9 \(there are: 1, 2\)"):
        base.replay(9)


def test_without_a_champion(tmp_path: Path) -> None:
    small.table(20).write_csv(tmp_path / "data.csv")
    declare(tmp_path)
    with pytest.raises(NotFoundError, match="small has no champion yet"):
        opened(tmp_path).replay(1)
