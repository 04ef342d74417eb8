"""Copies of the log, outcomes from files, and whose a line is."""

from __future__ import annotations

import datetime
from pathlib import Path

import polars as pl
import pytest

import small
from torneo.api import Project
from torneo.errors import ConflictError, GateError, SourceError
from torneo.log import SCHEMA, Reported, count_before, entity_of, export, report_outcomes
from torneo.ports import LogFilter
from torneo.testing import MemoryPredictionLog, SilentProgress
from torneo.testing.small_log import FIRST, outcome, prediction
from trained import declare

SECOND = datetime.timedelta(seconds=1)


@pytest.fixture
def log() -> MemoryPredictionLog:
    """120 lines, every third of them the shadow's, and two outcomes of the first."""
    made = MemoryPredictionLog()
    made.append([prediction(number, role="shadow" if number % 3 == 0 else "champion") for number in range(1, 121)])
    made.add_outcomes([outcome(1, 2.5), outcome(1, 3.5, after=7200)])
    return made


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_copy_has_the_wanted_lines_with_their_last_outcomes(
    log: MemoryPredictionLog, tmp_path: Path, kind: str
) -> None:
    wanted = LogFilter(role="champion", until=FIRST + 50 * SECOND)
    assert export(log, "housing", wanted, tmp_path / f"log.{kind}", SilentProgress()) == 33
    read = pl.read_parquet if kind == "parquet" else pl.read_csv
    table = read(tmp_path / f"log.{kind}")
    assert table.columns == list(SCHEMA)
    assert table["id"].to_list() == [prediction(number).id for number in range(1, 50) if number % 3]
    assert [str(value) for value in table["outcome"].drop_nulls()] == ["3.5"]
    assert kind == "csv" or table.schema == SCHEMA


def test_a_copy_of_nothing_is_an_empty_table(log: MemoryPredictionLog, tmp_path: Path) -> None:
    assert export(log, "housing", LogFilter(version=9), tmp_path / "log.parquet", SilentProgress()) == 0
    assert pl.read_parquet(tmp_path / "log.parquet").schema == SCHEMA
    with pytest.raises(ConflictError, match=r"the name '.*log\.json' does not say the format"):
        export(log, "housing", LogFilter(), tmp_path / "log.json", SilentProgress())


def test_what_would_be_pruned_is_what_is_pruned(log: MemoryPredictionLog) -> None:
    before = FIRST + 31 * SECOND
    assert count_before(log, "housing", before) == 30
    assert log.prune("housing", before) == 30
    assert count_before(log, "housing", before) == 0


def test_a_subject_is_known_by_the_whole_key(tmp_path: Path) -> None:
    spec = declare(tmp_path).training
    assert entity_of(spec, b"secret", {"id": "7"}) == entity_of(spec, b"secret", {"id": " 7"}) != ""
    assert entity_of(spec, b"secret", {"id": "7"}) != entity_of(spec, b"another", {"id": "7"})
    with pytest.raises(ConflictError, match=r"the key of small is id, and 'idd' is none of it \(did you mean 'id'\?\)"):
        entity_of(spec, b"secret", {"idd": "7"})
    with pytest.raises(ConflictError, match="the key of small is id\n  fix: --key id=…"):
        entity_of(spec, b"secret", {})
    contract = spec.contract.model_copy(update={"key": ()})
    with pytest.raises(ConflictError, match="the contract of small has no key"):
        entity_of(spec.model_copy(update={"contract": contract}), b"secret", {"id": "7"})


def _logged(folder: Path, *, classes: bool = True) -> Project:
    small.table(20, classes=classes).write_csv(folder / "data.csv")
    project = declare(folder, classes=classes)
    project.runtime.predictions.append([prediction(number, project="small") for number in range(1, 11)])
    return project


def _reported(project: Project, file: Path) -> Reported:
    return report_outcomes(project.runtime, project.training, project.folder, str(file), SilentProgress())


def _outcomes(project: Project) -> dict[str, object]:
    lines = project.runtime.predictions.page("small", LogFilter(labelled=True))
    return {line.id: line.outcome for line in lines}


def test_outcomes_of_classes(tmp_path: Path) -> None:
    project, ids = _logged(tmp_path), [prediction(number).id for number in range(1, 11)]
    rows = {"prediction_id": [*ids[:3], ids[4], ids[5], "nobody"], "value": ["1", "0.0", "", "2", " 1 ", "1"]}
    pl.DataFrame(rows).write_csv(tmp_path / "o.csv")
    done = _reported(project, tmp_path / "o.csv")
    assert (done.rows, done.recorded, done.empty, done.unknown, done.refused) == (6, 3, 1, 1, 1)
    assert done.examples == ("line 7: there is no prediction 'nobody'", "line 5: unknown_y")
    assert _outcomes(project) == {ids[0]: "1", ids[1]: "0", ids[5]: "1"}
    pl.DataFrame({"prediction_id": ids[:1], "y": [0]}).write_parquet(tmp_path / "corrected.parquet")
    assert _reported(project, tmp_path / "corrected.parquet").recorded == 1
    assert _outcomes(project)[ids[0]] == "0"


def test_outcomes_that_are_numbers(tmp_path: Path) -> None:
    project, ids = _logged(tmp_path, classes=False), [prediction(number).id for number in range(1, 5)]
    pl.DataFrame({"prediction_id": ids, "value": ["1.5", "much", "inf", "-2"]}).write_csv(tmp_path / "o.csv")
    done = _reported(project, tmp_path / "o.csv")
    assert (done.recorded, done.refused) == (2, 2)
    assert _outcomes(project) == {ids[0]: 1.5, ids[3]: -2.0}


def test_files_that_are_no_outcomes(tmp_path: Path) -> None:
    project = _logged(tmp_path)
    (tmp_path / "o.csv").write_text("id,value\n1,1\n", encoding="utf-8")
    with pytest.raises(GateError, match=r"o\.csv needs the columns prediction_id and value \(or y\); it has id, value"):
        _reported(project, tmp_path / "o.csv")
    with pytest.raises(SourceError, match="there is no file"):
        _reported(project, tmp_path / "none.csv")
