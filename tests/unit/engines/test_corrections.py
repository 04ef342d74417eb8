"""A quarantine of a source that has types of its own, corrected by texts."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torneo.engines.corrections import Again, judge_again
from torneo.engines.gate import gate
from torneo.engines.quarantine import export
from torneo.errors import GateError, SourceError
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


def test_a_file_that_is_none_is_told(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"is a folder\n  fix: name the CSV file"):
        read_corrected(folder, PROJECT.source, ["id"])
    (folder / "latin.csv").write_bytes("id,ñ".encode("latin-1"))
    for encoding, told in (("utf8", "the text is not UTF-8\n"), ("ascii", "the text is neither UTF-8 nor ascii\n")):
        source = PROJECT.source.model_copy(update={"encoding": encoding})
        with pytest.raises(SourceError, match=told):
            read_corrected(folder / "latin.csv", source, ["id"])


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


SITES = LoadProject.model_validate(
    {
        "project": "p",
        "source": {"uri": "p.csv"},
        "contract": {
            "columns": {"id": {"type": "int"}, "site": {"type": "category", "values": ["A", "B"]}}, "key": ["id"],
        },
        "load": {"to": "prod.p"},
    }
)  # fmt: skip
ROW = st.tuples(st.integers(1, 6).map(str), st.sampled_from(["A", "B", "C", ""]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=8), file=st.lists(st.tuples(st.integers(0, 8), ROW), max_size=8))
def test_no_row_is_lost_and_twice_is_once(
    tmp_path: Path, rows: list[tuple[str, str]], file: list[tuple[int, tuple[str, str]]]
) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as name:
        folder = Path(name)
        frame = pl.DataFrame(rows, schema={"id": pl.String, "site": pl.String}, orient="row")
        frame.with_row_index(LINE, 1).cast({LINE: pl.Int64}).write_parquet(folder / "snapshot.parquet")
        before = gate(SITES, folder / "snapshot.parquet", folder, SilentProgress(), {})
        accepted, refused = folder / before.accepted.key, folder / before.rejected.key
        lines = set(pl.read_parquet(refused)[LINE])
        tried = [(line, row) for line, row in {line: (line, row) for line, row in file}.values() if line in lines]
        tried += [(0, row) for row in dict.fromkeys(row for line, row in file if line == 0)]
        corrected = pa.table(
            {
                LINE: pa.array([line or None for line, _ in tried], pa.int64()),
                "id": pa.array([row[0] for _, row in tried], pa.string()),
                "site": pa.array([row[1] for _, row in tried], pa.string()),
            }
        )
        found: list[Again] = []
        for work in (folder / "first", folder / "second"):
            work.mkdir()
            known = found[0].report if found else before
            now = judge_again(SITES, known, (accepted, refused), corrected, work, SilentProgress(), {}, None)
            accepted = work / now.report.accepted.key if now.report.accepted != known.accepted else accepted
            refused = work / now.report.rejected.key if now.report.rejected != known.rejected else refused
            found.append(now)
        first, second = found
        assert first.tried == first.passed + first.refused + first.already + first.outside == len(tried)
        assert (second.passed, second.report) == (0, first.report)
        assert first.report.accepted.rows == before.accepted.rows + first.passed
        left, keys = pl.read_parquet(refused), pl.read_parquet(accepted)["id"]
        assert (keys.n_unique(), left[LINE].n_unique()) == (len(keys), len(left))
        new = sum(line == 0 for line, _ in tried)
        assert len(rows) <= first.report.rows <= len(rows) + new


def test_copies_of_a_row_that_passes_stay_as_copies(tmp_path: Path) -> None:
    rows = pl.DataFrame({"id": ["1", "1", "1"], "site": ["A", "B", "B"], LINE: [2, 3, 4]})
    rows.write_parquet(tmp_path / "snapshot.parquet")
    before = gate(SITES, tmp_path / "snapshot.parquet", tmp_path, SilentProgress(), {})
    (work := tmp_path / "work").mkdir()
    files = tmp_path / before.accepted.key, tmp_path / before.rejected.key
    chosen = pa.table({"id": ["1"], "site": ["B"]})
    found = judge_again(SITES, before, files, chosen, work, SilentProgress(), {}, None)
    left = pl.read_parquet(work / found.report.rejected.key)
    assert left.select(LINE, REASONS).rows() == [(2, ["duplicate_key"]), (4, ["repeated_row"])]
    assert (found.passed, found.report.rows) == (1, 3)
