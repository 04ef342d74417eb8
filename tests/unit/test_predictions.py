"""Rows of a file are answered as the server and the estimator answer them, and none is lost."""

from __future__ import annotations

import datetime
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import small
from torneo import predictions
from torneo.api import Project
from torneo.bundle.scorer import calibrated
from torneo.errors import ConflictError, GateError, NotFoundError, SourceError
from torneo.ports import LogFilter
from torneo.promotion import Champion
from torneo.serving.endpoint import Call, Endpoint, Lineup
from torneo.serving.follow import open_model
from torneo.serving.privacy import Privacy
from torneo.stages import train
from trained import answers, copied, declare, opened, trained

HOOK = """
import polars as pl

def features(frame):
    return frame.with_columns(product=pl.col("a").fill_null(0) * pl.col("b"), weekday=pl.col("day").dt.weekday())
"""


class Spied:
    """What training has proven the graph equal to: the pipeline with the judge's rows, by the names of their lines."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pipelines: list[tuple[Any, Any, pl.DataFrame]] = []
        real = train.prove

        def prove(model: bytes, pipeline: Any, X: Any, frame: pl.DataFrame, **more: Any) -> Any:
            self.pipelines.append((pipeline, X, frame))
            return real(model, pipeline, X, frame, **more)

        monkeypatch.setattr(train, "prove", prove)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return trained(tmp_path_factory.mktemp("predictions"))


@pytest.fixture
def project(base: Project, tmp_path: Path) -> Project:
    return copied(base, tmp_path)


def endpoint(project: Project) -> Endpoint:
    """The project as it is served."""
    champion, found = project.champion(), project.runtime
    assert champion is not None
    model = open_model(champion, found.objects, found.home / "serving")
    spec = project.training
    return Endpoint(spec, Privacy.of(spec.project, spec.contract, found.secret), Lineup(model))


def served(project: Project, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the server answers to rows."""
    return list(endpoint(project).predict(rows, Call("request", "", time.perf_counter_ns())).answers)


@pytest.mark.parametrize("classes", [True, False], ids=["classes", "numbers"])
@pytest.mark.parametrize("hook", [True, False], ids=["hook", "no hook"])
def test_faults_1_and_2_file_server_and_estimator_answer_the_same(
    classes: bool, hook: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults 1 and 2: what was served came of another preparation than what was trained and judged."""
    spied = Spied(monkeypatch)
    if hook:
        (tmp_path / "features.py").write_text(HOOK, encoding="utf-8")
    project = trained(tmp_path, classes=classes, challengers={"line": {"model": "linear"}})
    ((pipeline, X, judged),) = spied.pipelines
    ids = judged["id"].to_list()
    rows = (
        small.table(240, classes=classes)
        .filter(pl.col("id").is_in(ids))
        .sort(pl.col("id").replace_strict(ids, range(len(ids))))
    )
    rows.drop("y").write_parquet(tmp_path / "rows.parquet")
    done, table = answers(project, tmp_path / "rows.parquet", tmp_path)
    assert (done.rows, done.predicted, done.rejected) == (len(ids), len(ids), 0)
    assert_frame_equal(table.select(rows.drop("y").columns), rows.drop("y"))
    sent = rows.drop("y").with_columns(pl.col("day").cast(pl.String)).to_dicts()
    told = served(project, sent)
    assert table["prediction"].to_list() == [answer["prediction"] for answer in told]
    if classes:
        assert table["prediction"].dtype == pl.Int64
        for name in ("0", "1"):
            assert table[f"probability_{name}"].to_list() == [answer["probabilities"][name] for answer in told]
        ours = table.select("probability_0", "probability_1").to_numpy()
        correction = endpoint(project).ready.champion.scorer.info["calibration"]
        np.testing.assert_allclose(ours, calibrated(pipeline.predict_proba(X), correction), atol=1e-5)
    else:
        for name in ("low", "high"):
            assert table[f"interval_{name}"].to_list() == [answer["interval"][name] for answer in told]
        np.testing.assert_allclose(table["prediction"].to_numpy(), pipeline.predict(X), rtol=1e-4)


def test_csv_and_jsonl_and_parquet_give_the_same_answers(project: Project, tmp_path: Path) -> None:
    rows = small.table(50, seed=3)
    rows.write_parquet(tmp_path / "rows.parquet")
    rows.write_csv(tmp_path / "rows.csv")
    rows.with_columns(pl.col("day").cast(pl.String)).write_ndjson(tmp_path / "rows.jsonl")
    tables = [answers(project, tmp_path / f"rows.{kind}", tmp_path)[1] for kind in ("parquet", "csv", "jsonl")]
    made = [table.select("prediction", "probability_0", "probability_1") for table in tables]
    assert_frame_equal(made[0], made[1])
    assert_frame_equal(made[0], made[2])


def test_many_batches_are_the_same_as_one(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = small.table(300, seed=4).with_columns(pl.when(pl.col("id") % 7 == 0).then(None).otherwise("b").alias("b"))
    rows.write_csv(tmp_path / "rows.csv")
    whole, table = answers(project, tmp_path / "rows.csv", tmp_path)
    rejected = (tmp_path / "rejected.csv").read_bytes()
    monkeypatch.setattr(predictions, "READ_ROWS", 64)
    monkeypatch.setattr(predictions, "SCORED_ROWS", 20)
    parts, again = answers(project, tmp_path / "rows.csv", tmp_path)
    assert parts == whole
    assert whole.rejected == 43
    assert_frame_equal(again, table)
    assert (tmp_path / "rejected.csv").read_bytes() == rejected


def test_refused_rows_are_kept_with_their_reasons_and_can_come_back(project: Project, tmp_path: Path) -> None:
    rows = small.table(6).with_columns(pl.col("b").cast(pl.String), pl.col("day").cast(pl.String))
    rows = rows.with_columns(pl.col("a").cast(pl.String))
    rows[1, "b"], rows[3, "colour"], rows[3, "b"], rows[4, "a"] = "much", "blue", "", "1e39"
    rows.write_csv(tmp_path / "rows.csv")
    done, table = answers(project, tmp_path / "rows.csv", tmp_path)
    assert table["id"].to_list() == ["0", "2", "5"]
    assert (done.rows, done.predicted, done.rejected) == (6, 3, 3)
    assert done.reasons == {"invalid_b": 1, "missing_b": 1, "unknown_colour": 1, "invalid_a": 1}
    assert done.rejected_file == str(tmp_path / "rejected.csv")
    refused = pl.read_csv(tmp_path / "rejected.csv", infer_schema=False)
    assert refused["rejected_line"].to_list() == ["3", "5", "6"]
    assert refused["rejected_reasons"].to_list() == ["invalid_b", "missing_b;unknown_colour", "invalid_a"]
    assert refused["b"][0] == "much"
    fixed = refused.with_columns(b=pl.lit("0.5"), colour=pl.lit("red"), a=pl.lit("1"))
    fixed.write_csv(tmp_path / "fixed.csv")
    done, table = answers(project, tmp_path / "fixed.csv", tmp_path)
    assert (done.predicted, done.rejected, done.rejected_file) == (3, 0, None)
    assert not (tmp_path / "rejected.csv").exists(), "what was refused the last time is not what is refused now"
    assert table["id"].to_list() == ["1", "3", "4"]


def test_what_the_model_does_not_read_may_be_absent(project: Project, tmp_path: Path) -> None:
    small.table(9).select("shop", "a", "b", "colour").write_csv(tmp_path / "rows.csv")
    done, _ = answers(project, tmp_path / "rows.csv", tmp_path)
    assert done.predicted == 9
    small.table(9).select("shop", "a", "colour").write_csv(tmp_path / "rows.csv")
    with pytest.raises(GateError, match=r"rows\.csv lacks 1 column\(s\) of the contract:\n  'b'"):
        answers(project, tmp_path / "rows.csv", tmp_path)


def test_columns_are_named_as_in_the_source_or_as_in_the_contract(tmp_path: Path) -> None:
    columns = small.project().model_dump(mode="json", exclude_unset=True)["contract"]["columns"]
    columns["b"]["header"] = "B (of it)"
    columns["day"]["format"] = "%d/%m/%Y"
    rows = small.table(120).with_columns(pl.col("day").dt.strftime("%d/%m/%Y"))
    rows.rename({"b": "B (of it)"}).write_csv(tmp_path / "data.csv")
    project = declare(tmp_path, contract={"columns": columns, "key": ["id"]})
    project.run()
    rows.write_csv(tmp_path / "named.csv")
    by_source, by_contract = (answers(project, tmp_path / f"{name}.csv", tmp_path)[1] for name in ("data", "named"))
    assert by_source["probability_1"].to_list() == by_contract["probability_1"].to_list()
    answers(project, tmp_path / "named.csv", tmp_path, log=True)
    line = project.runtime.predictions.page("small", LogFilter(), limit=1)[0]
    assert datetime.datetime.strptime(line.inputs["day"], "%d/%m/%Y"), "dates are logged as they are sent"
    assert served(project, [dict(line.inputs)])[0]["prediction"] == line.output["prediction"]


def test_ranges_that_the_project_lets_pass_are_answered_with_a_warning(base: Project, tmp_path: Path) -> None:
    copy = copied(base, tmp_path)
    rows = small.table(4).with_columns(colour=pl.Series(["red", "blue", "green", "blue"]))
    rows.write_csv(tmp_path / "rows.csv")
    done, _ = answers(copy, tmp_path / "rows.csv", tmp_path)
    assert (done.predicted, done.rejected, done.warned) == (2, 2, 0)
    warning = declare(copy.folder, serve={"out_of_range": "warn"})
    done, table = answers(warning, tmp_path / "rows.csv", tmp_path, log=True)
    assert (done.predicted, done.rejected, done.warned) == (4, 0, 2)
    assert table["warnings"].to_list() == [None, "unknown_colour", None, "unknown_colour"]
    sent = rows.with_columns(pl.col("day").cast(pl.String)).drop("y").to_dicts()
    assert [answer["probabilities"]["1"] for answer in served(warning, sent)] == table["probability_1"].to_list()
    logged = warning.runtime.predictions.get("small", table["prediction_id"][1])
    assert logged is not None
    assert logged.output["warnings"] == [{"reason": "unknown_colour"}]


def test_the_log_has_what_was_answered_as_if_it_had_been_sent(project: Project, tmp_path: Path) -> None:
    rows = small.table(30, seed=9).with_columns(a=pl.when(pl.col("id") == 3).then(None).otherwise("a"))
    rows.write_parquet(tmp_path / "rows.parquet")
    done, table = answers(project, tmp_path / "rows.parquet", tmp_path, log=True)
    assert done.logged == 30
    made = endpoint(project).predict(
        [{name: value for name, value in row.items() if value is not None} for row in
         rows.drop("y").with_columns(pl.col("day").cast(pl.String)).to_dicts()],
        Call("request", "", time.perf_counter_ns()),
    )  # fmt: skip
    found = {line.id: line for line in project.runtime.predictions.page("small", LogFilter(), limit=100)}
    assert len(found) == 30
    for id_, sent, answer in zip(table["prediction_id"], made.log, made.answers, strict=True):
        line = found[id_]
        own = ("prediction_id", "version", "role")
        assert line.output == {name: value for name, value in answer.items() if name not in own}
        assert (line.role, line.version) == ("champion", sent.version)
        assert line.inputs == {name: value for name, value in rows.drop("y").with_columns(pl.col("day").cast(pl.String))
                               .row(made.log.index(sent), named=True).items() if value is not None}  # fmt: skip
    entity = LogFilter(entity=made.log[5].entity)
    assert [line.inputs["id"] for line in project.runtime.predictions.page("small", entity)] == [5]


def test_a_line_is_found_from_the_moment_on_that_it_shows(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "LOGGED_ROWS", 1)  # so that the last line is written long after the first
    answers(project, project.folder / "data.csv", tmp_path, log=True)
    log = project.runtime.predictions
    lines = log.page("small", LogFilter(), limit=500)
    assert len(lines) == 240
    for line in lines:
        assert line in log.page("small", LogFilter(since=line.time), limit=500)
        assert line not in log.page("small", LogFilter(until=line.time), limit=500)


def test_without_the_log_nothing_is_logged(project: Project, tmp_path: Path) -> None:
    done, table = answers(project, project.folder / "data.csv", tmp_path)
    assert "prediction_id" not in table.columns
    assert done.logged == 0
    assert not project.runtime.predictions.page("small", LogFilter())


def test_another_version_answers_and_is_not_logged(project: Project, tmp_path: Path) -> None:
    champion = project.champion()
    assert champion is not None
    other = next(version for version in project.versions() if version.number != champion.number)
    done, table = answers(project, project.folder / "data.csv", tmp_path, version=other.number)
    assert done.version == other.number
    model = open_model(Champion.of(other), project.runtime.objects, tmp_path / "models")
    frame = small.table(240)
    scores = model.scorer.score({name: frame[name] for name in model.scorer.columns})
    assert table["probability_1"].to_list() == scores[:, 1].tolist()
    with pytest.raises(ConflictError, match="is not champion: only the champion's answers are logged"):
        answers(project, project.folder / "data.csv", tmp_path, version=other.number, log=True)
    assert answers(project, project.folder / "data.csv", tmp_path, version=champion.number, log=True)[0].logged == 240
    with pytest.raises(NotFoundError, match=r"small has no version 9 \(there are: 1, 2\)"):
        answers(project, project.folder / "data.csv", tmp_path, version=9)


def test_csv_to_a_stream(project: Project, tmp_path: Path) -> None:
    stream = io.BytesIO()
    project.predict(project.folder / "data.csv", stream, tmp_path / "rejected.csv")
    table = pl.read_csv(stream.getvalue())
    assert table.height == 240
    assert (
        table["probability_1"].to_list()
        == answers(project, project.folder / "data.csv", tmp_path)[1]["probability_1"].to_list()
    )


def test_what_cannot_be_done_says_why(project: Project, tmp_path: Path) -> None:
    file, out, rejected = project.folder / "data.csv", tmp_path / "out.parquet", tmp_path / "rejected.csv"
    with pytest.raises(ConflictError, match=r"the name '.*out\.txt' does not say the format"):
        project.predict(file, tmp_path / "out.txt", rejected)
    with pytest.raises(ConflictError, match="there is no folder"):
        project.predict(file, tmp_path / "none" / "out.csv", rejected)
    with pytest.raises(ConflictError, match="is what is read: it would be replaced"):
        project.predict(file, out, file)
    with pytest.raises(ConflictError, match="cannot both go to"):
        project.predict(file, rejected, rejected)
    with pytest.raises(SourceError, match=r"there is no file 'none\.csv'"):
        project.predict("none.csv", out, rejected)
    (tmp_path / "empty.csv").write_text("id,shop,a,b,colour\n", encoding="utf-8")
    with pytest.raises(SourceError, match="has columns but no rows"):
        project.predict(tmp_path / "empty.csv", out, rejected)
    small.table(5).with_columns(prediction=pl.lit(1)).write_csv(tmp_path / "taken.csv")
    with pytest.raises(ConflictError, match=r"taken\.csv has a column 'prediction' already"):
        project.predict(tmp_path / "taken.csv", out, rejected)
    assert not out.exists(), "nothing is there that is not whole"
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_without_a_champion(tmp_path: Path) -> None:
    small.table(20).write_csv(tmp_path / "data.csv")
    declare(tmp_path)
    with pytest.raises(NotFoundError, match="small has no champion yet\n  fix: torneo run small"):
        answers(opened(tmp_path), tmp_path / "data.csv", tmp_path)
