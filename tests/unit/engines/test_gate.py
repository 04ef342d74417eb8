from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from torneo.engines.gate import ACCEPTED, REJECTED, gate
from torneo.errors import GateError, HookError
from torneo.spec.project import Project
from torneo.spec.records import LINE, REASONS, GateReport


@dataclass
class Counting:
    """A progress that keeps what it was told."""

    total: int | None = None
    units: int = 0
    notes: list[str] = field(default_factory=list)

    def step(self, name: str, total: int | None = None) -> Counting:
        self.total = total
        return self

    def advance(self, units: int = 1, note: str = "") -> None:
        self.units += units

    def done(self, note: str = "") -> None:
        self.notes.append(note)


@dataclass(frozen=True)
class Gated:
    report: GateReport
    accepted: pl.DataFrame
    rejected: pl.DataFrame
    folder: Path

    @property
    def reasons(self) -> dict[int, list[str]]:
        return dict(self.rejected.select(LINE, "__reasons__").iter_rows())


def project_of(columns: dict[str, Any], source: dict[str, Any] | None = None, **contract: Any) -> Project:
    return Project.model_validate(
        {
            "project": "p",
            "task": "regression",
            "target": "y",
            "source": {"uri": "p.csv", **(source or {})},
            "contract": {"columns": {**columns, "y": {"type": "float"}}, **contract},
        }
    )


Run = Callable[..., Gated]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Gate a frame of source columns (`y` is added where it is not there; lines count from 2)."""
    folders = iter(range(1000))

    def run(project: Project, frame: pl.DataFrame, functions: dict[str, Any] | None = None, **options: Any) -> Gated:
        folder = tmp_path / str(next(folders))
        folder.mkdir()
        if "y" not in frame.columns:
            frame = frame.with_columns(y=pl.lit("1"))
        data = folder / "snapshot.parquet"
        frame.with_columns(pl.int_range(2, pl.len() + 2).alias(LINE)).write_parquet(data)
        report = gate(project, data, folder, Counting(), functions or {}, **options)
        return Gated(report, pl.read_parquet(folder / ACCEPTED), pl.read_parquet(folder / REJECTED), folder)

    return run


def texts(**columns: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def test_a_typo_in_a_label_is_refused_not_learned(run: Run) -> None:
    """Fault 16: `05` became a third class without a word."""
    gated = run(project_of({"CHAS": {"type": "category", "values": [0, 1]}}), texts(CHAS=["0", "1", "05", "1.0"]))
    assert gated.reasons == {4: ["unknown_CHAS"]}
    assert gated.accepted["CHAS"].to_list() == ["0", "1", "1"]
    assert gated.report.reasons == {"unknown_CHAS": 1}


def test_a_bad_row_carries_all_its_reasons_and_blocks_no_other(run: Run) -> None:
    """Fault 9: one bad row blocked a whole batch."""
    project = project_of(
        {
            "site": {"type": "category", "values": ["BRASIL"], "reasons": {"values": "invalid_site_id"}},
            "price": {"type": "float", "min": 0, "reasons": {"min": "negative_price"}},
            "day": {"type": "date", "format": "%d/%m/%Y"},
        }
    )
    frame = texts(site=["PERU", "BRASIL", "BRASIL"], price=["-1", " 2.50 ", ""], day=["31/02/2024", "1/2/2024", "x"])
    gated = run(project, frame)
    assert gated.reasons == {
        2: ["invalid_site_id", "negative_price", "invalid_day"],
        4: ["missing_price", "invalid_day"],
    }
    assert gated.accepted.rows() == [("BRASIL", 2.5, datetime.date(2024, 2, 1), 1.0, 3)]
    assert gated.rejected.drop(LINE, REASONS, "y").rows() == [("PERU", "-1", "31/02/2024"), ("BRASIL", "", "x")]


def test_accepted_rows_have_the_types_of_the_contract(run: Run) -> None:
    columns = {
        "f": {"type": "float"}, "i": {"type": "int"}, "b": {"type": "bool"}, "c": {"type": "category"},
        "t": {"type": "text"}, "d": {"type": "date"}, "m": {"type": "datetime"},
    }  # fmt: skip
    expected = {
        "f": pl.Float64, "i": pl.Int64, "b": pl.Boolean, "c": pl.String, "t": pl.String, "d": pl.Date,
        "m": pl.Datetime("us"), "y": pl.Float64, LINE: pl.Int64,
    }  # fmt: skip
    row = texts(f=["1"], i=["1"], b=["yes"], c=["a"], t=["b"], d=["2024-01-31"], m=["2024-01-31 10:00"])
    for frame, rows in ((row, 1), (row.clear(), 0)):
        gated = run(project_of(columns), frame)
        assert dict(gated.accepted.schema) == expected
        assert dict(gated.rejected.schema) == {
            **dict.fromkeys([*columns, "y"], pl.String), LINE: pl.Int64, REASONS: pl.List(pl.String),
        }  # fmt: skip
        assert (gated.accepted.height, gated.rejected.height, gated.report.rows) == (rows, 0, rows)


def test_native_columns_pass_without_text(run: Run) -> None:
    columns = {"n": {"type": "int", "nullable": True}, "price": {"type": "float"}, "when": {"type": "datetime"}}
    frame = pl.DataFrame(
        {
            "n": [1.0, 2.5, None],
            "price": [Decimal("1.25"), Decimal("2.00"), None],
            "when": [datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)] * 3,
        }
    )
    gated = run(project_of(columns), frame)
    assert gated.reasons == {3: ["invalid_n"], 4: ["missing_price"]}
    assert gated.accepted.row(0)[:3] == (1, 1.25, datetime.datetime(2024, 1, 1))
    assert gated.rejected.schema["price"] == frame.schema["price"]


def test_all_missing_columns_are_told_at_once(run: Run) -> None:
    project = project_of({"price": {"type": "float"}, "day": {"type": "date", "header": "Fecha"}})
    with pytest.raises(
        GateError, match=r"(?s)lacks 2 column.*'price' \(did you mean 'prices'\?\).*'Fecha'.*it has prices"
    ):
        run(project, texts(prices=["1"], city=["a"]))


def test_headers_are_renamed_and_other_columns_reported(run: Run) -> None:
    project = project_of({"day": {"type": "date", "header": "DíaDeLaSemana"}})
    gated = run(project, texts(DíaDeLaSemana=["2024-01-31", "x"], note=["a", "b"]))
    assert gated.report.unknown_columns == ("note",)
    assert gated.accepted.columns == ["day", "y", LINE]
    assert gated.rejected.columns == ["DíaDeLaSemana", "note", "y", LINE, REASONS]


def test_where_leaves_rows_out_before_they_are_checked(run: Run) -> None:
    project = project_of({"open": {"type": "int"}, "sales": {"type": "float", "min": 0}}, {"where": "open == 1"})
    gated = run(project, texts(open=["1", "0", "1", "", "maybe"], sales=["5", "-5", "-5", "1", "1"]))
    assert gated.report.left_out == 2
    assert gated.accepted[LINE].to_list() == [2]
    assert gated.reasons == {4: ["below_min_sales"], 6: ["invalid_open"]}


def test_copies_collapse_and_contradictions_are_refused(run: Run) -> None:
    project = project_of({"id": {"type": "int", "nullable": True}, "x": {"type": "float", "min": 0}}, key=["id"])
    ids: list[str | None] = ["1", "2", "2.0", "3", "3", "3", "4", "4", None, None]
    gated = run(project, texts(id=ids, x=["1", "2", "2.00", "5", "6", "6", "-1", "7", "8", "8"]))
    assert gated.reasons == {
        4: ["repeated_row"],
        5: ["duplicate_key"], 6: ["duplicate_key"], 7: ["duplicate_key"],
        8: ["below_min_x"],
    }  # fmt: skip
    assert gated.accepted[LINE].to_list() == [2, 3, 9, 10, 11]


def test_rows_left_out_take_no_part_in_the_key(run: Run) -> None:
    project = project_of({"id": {"type": "int"}, "open": {"type": "int"}}, {"where": "open == 1"}, key=["id"])
    gated = run(project, texts(id=["1", "1", "2", "2"], open=["0", "1", "1", "1"]), batch_rows=2)
    assert gated.accepted[LINE].to_list() == [3, 4]
    assert gated.reasons == {5: ["repeated_row"]}


def test_reasons_of_equal_name_are_given_once(run: Run) -> None:
    column = {"type": "int", "min": 5, "values": [7], "reasons": {"min": "bad", "values": "bad"}}
    gated = run(project_of({"x": column}), texts(x=["1", "6", "7"]))
    assert gated.reasons == {2: ["bad"], 3: ["bad"]}
    assert gated.report.reasons == {"bad": 2}


def test_checks_over_several_columns_and_functions(run: Run) -> None:
    project = project_of(
        {"price": {"type": "float"}, "units": {"type": "float"}, "value": {"type": "float"}},
        checks={"mismatched_value": "value == round(price * units, 2)"},
    )
    frame = texts(price=["2.675", "3", "x"], units=["1", "1", "1"], value=["2.68", "4", "9"])
    gated = run(project, frame, {"too_dear": lambda frame: nw.col("price") < 3})
    assert gated.reasons == {3: ["mismatched_value", "too_dear"], 4: ["invalid_price"]}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda frame: nw.col("prize") > 0, "checks.py: mine: cannot be computed: .*prize"),
        (lambda frame: nw.col("x") + 1, "checks.py: mine: gives Int64, not true or false"),
    ],
)
def test_a_function_with_a_useless_expression_says_where(run: Run, function: Any, message: str) -> None:
    with pytest.raises(HookError, match=message):
        run(project_of({"x": {"type": "int"}}), texts(x=["1"]), {"mine": function})


def test_a_pattern_that_polars_cannot_run_is_found_before_the_rows(run: Run) -> None:
    project = project_of({"x": {"type": "text", "pattern": r"(?=a)b"}})
    with pytest.raises(GateError, match=r"contract.columns.x.pattern: cannot be computed: (?s:.*)look-around"):
        run(project, texts(x=[]))


def test_progress_counts_all_rows(tmp_path: Path, run: Run) -> None:
    folder = run(project_of({"x": {"type": "int"}}), texts(x=["1", "2", "a"])).folder
    for key, total in (([], 3), (["x"], 6)):
        progress = Counting()
        gate(
            project_of({"x": {"type": "int"}}, key=key),
            folder / "snapshot.parquet",
            tmp_path,
            progress,
            {},
            batch_rows=2,
        )
        assert (progress.total, progress.units, progress.notes) == (total, total, ["1 of 3 rows refused"])


VALUES = st.sampled_from(["1", "2", "3", " 2", "2.0", "05", "", "NA", "x", "-1", None])
ROWS = st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=40)
PROJECT = project_of(
    {
        "k": {"type": "int", "nullable": True, "header": "K"},
        "c": {"type": "category", "values": [1, 2, 3]},
        "y": {"type": "float"},
    },
    {"where": "not c == 3"},
    key=["k"],
    checks={"small": "k <= y"},
)


def gate_rows(rows: list[tuple[str | None, ...]], batch_rows: int) -> tuple[Any, pl.DataFrame, pl.DataFrame]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        frame = pl.DataFrame(rows, schema=dict.fromkeys(["K", "c", "y"], pl.String), orient="row")
        frame.with_row_index(LINE, offset=2).write_parquet(folder / "s.parquet")
        report = gate(PROJECT, folder / "s.parquet", folder, Counting(), {}, batch_rows=batch_rows)
        return report, pl.read_parquet(folder / ACCEPTED), pl.read_parquet(folder / REJECTED)


@settings(deadline=None, max_examples=40)
@given(ROWS, st.integers(1, 7))
def test_every_row_goes_one_way_as_it_came_whatever_the_batch(rows: list[tuple[str | None, ...]], batch: int) -> None:
    report, accepted, rejected = gate_rows(rows, 1000)
    assert report.accepted.rows + report.rejected.rows + report.left_out == report.rows == len(rows)
    assert not set(accepted[LINE]) & set(rejected[LINE])
    assert rejected[REASONS].list.len().min() != 0
    assert rejected.select("K", "c", "y").rows() == [rows[line - 2] for line in rejected[LINE]]
    keys = accepted["k"].drop_nulls()
    assert keys.n_unique() == len(keys)
    again, accepted_again, rejected_again = gate_rows(rows, batch)
    assert_frame_equal(accepted, accepted_again)
    assert_frame_equal(rejected, rejected_again)
    assert again.reasons == report.reasons


def test_equal_input_gives_equal_files() -> None:
    rows: list[tuple[str | None, ...]] = [("1", "2", "3"), ("1", "9", "x"), ("2", "1", "5")]
    first, second = gate_rows(rows, 1000)[0], gate_rows(rows, 1000)[0]
    assert (first.accepted.digest, first.rejected.digest) == (second.accepted.digest, second.rejected.digest)
