"""A quarantine of a source that has types of its own, corrected by texts."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from torneo.engines.corrections import Again, judge_again
from torneo.engines.gate import gate
from torneo.engines.quarantine import export
from torneo.errors import GateError
from torneo.sources import read_corrected
from torneo.spec.loading import LoadProject
from torneo.spec.records import LINE, REASONS, GateReport
from torneo.testing import SilentProgress

PROJECT = LoadProject.model_validate(
    {
        "project": "p",
        "source": {"uri": "p.parquet"},
        "contract": {
            "columns": {"id": {"type": "int"}, "day": {"type": "date"}, "x": {"type": "float", "min": 0},
                        "yes": {"type": "bool"}, "at": {"type": "datetime"}, "d": {"type": "decimal", "precision": 9,
                        "scale": 2}, "name": {"type": "text"}},
            "key": ["id"],
        },
        "load": {"to": "prod.p"},
    }
)  # fmt: skip
MOMENT = datetime.datetime(2026, 1, 5, 12, 30, 0, 250000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows: dict[str, list[Any]] = {
        "id": [1, 2, 3], "day": [datetime.date(2026, 1, 5)] * 3, "x": [1.5, -0.1, 2.0], "yes": [True, False, None],
        "at": [MOMENT] * 3, "d": [1, 2, 3], "name": ["a", None, "b"], "note": ["x", "y", None], LINE: [1, 2, 3],
    }  # fmt: skip
    pl.DataFrame(rows, schema_overrides={"d": pl.Decimal(9, 2)}).write_parquet(tmp_path / "snapshot.parquet")
    return tmp_path


def gated(folder: Path) -> GateReport:
    return gate(PROJECT, folder / "snapshot.parquet", folder, SilentProgress(), {})


def again(folder: Path, before: GateReport, text: str) -> Again:
    (folder / "corrected.csv").write_text(text, encoding="utf-8")
    corrected = read_corrected(folder / "corrected.csv", PROJECT.source, ["id", "x"])
    (work := folder / "work").mkdir()
    files = folder / before.accepted.key, folder / before.rejected.key
    return judge_again(PROJECT, before, files, corrected, work, SilentProgress(), {}, None)


def test_values_come_back_in_the_types_of_the_source(folder: Path) -> None:
    before = gated(folder)
    assert export(folder / before.rejected.key, folder / "refused.csv") == 2
    text = (folder / "refused.csv").read_text(encoding="utf-8")
    for wrong, right in (("-0.1", "0.25"), ("2.00,,", "2.00,c,"), (",false,", ",true,")):
        assert wrong in text
        text = text.replace(wrong, right)
    found = again(folder, before, text)
    assert (found.tried, found.passed, found.refused) == (2, 1, 1)
    row = pl.read_parquet(found.accepted).row(0, named=True)
    assert (row["id"], row["x"], row["yes"], row["at"], row["name"]) == (2, 0.25, True, MOMENT, "c")
    left = pl.read_parquet(folder / "work" / found.report.rejected.key)
    assert left.rows(named=True) == pl.read_parquet(folder / before.rejected.key)[1:].rows(named=True)
    assert left[REASONS].to_list() == [["missing_yes"]]
    assert (found.report.rows, found.report.accepted.rows, found.report.reasons) == (3, 2, {"missing_yes": 1})


def test_what_is_not_of_the_type_of_the_source_is_told(folder: Path) -> None:
    text = "__line__,id,day,x,yes,at,d,name\n2,2,2026-01-05,much,true,2026-01-05,1,a\n"
    with pytest.raises(GateError, match=r"'x' is Float64 in the source, which 'much' is not \(1 such rows\)"):
        again(folder, gated(folder), text)


def test_columns_of_the_source_that_the_file_lacks_stay(folder: Path) -> None:
    text = "__line__,id,day,x,yes,at,d,name\n2,2,2026-01-05,-3,true,2026-01-05,1,a\n"
    found = again(folder, gated(folder), text)
    left = pl.read_parquet(folder / "work" / found.report.rejected.key)
    assert left.select("x", "note").rows() == [(-3.0, "y"), (2.0, None)]
