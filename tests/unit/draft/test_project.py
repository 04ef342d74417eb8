"""Drafts of odd files load, and the real gate accepts what they say."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing.parametric import column, dataframes
from tests.unit.draft.conftest import Gated, through_the_gate

from torneo.draft.project import draft
from torneo.errors import SourceError
from torneo.spec.load import load

Writer = Callable[..., Path]
Gate = Callable[[Path, str], Gated]


def _csv(header: str, row: Callable[[int], str], rows: int = 120) -> str:
    return "\n".join([header, *(row(index) for index in range(rows))]) + "\n"


def _types(gated: Gated) -> dict[str, str]:
    return {name: column.type for name, column in gated[1].contract.columns.items()}


def test_semicolons_and_decimal_commas(written: Writer, gated: Gate) -> None:
    result = gated(written(_csv("id;preço;y", lambda i: f"{i % 9};{i},5;{i * 3},25")), "y")
    _, project, report = result
    assert (project.source.delimiter, project.source.decimal) == (";", ",")
    assert _types(result)["preço"] == "float"
    assert report.rejected.rows == 0


def test_grouped_thousands_are_not_misread_as_decimals(written: Writer, gated: Gate) -> None:
    drafted, project, report = gated(written(_csv("a;b;y", lambda i: f"{i + 1}.250;{i},5;{i * 2},75")), "y")
    assert project.contract.columns["a"].type == "text"
    assert any("'10.250'" in note or ".250" in note for note in drafted.notes)
    assert report.rejected.rows == 0


@pytest.mark.parametrize(
    ("form", "shown"), [("${:,}.50", r"\$"), ("{}%", "%"), ("€ {}", "€"), ('"{:,}"', ","), ("{} kg", "kg")]
)
def test_decorated_numbers_are_told_apart_from_words(written: Writer, gated: Gate, form: str, shown: str) -> None:
    def row(i: int) -> str:
        text = form.format(i * 1_000 + 7)
        return f'"{text}",{i % 7},{i * 1.5}' if "," in text and '"' not in text else f"{text},{i % 7},{i * 1.5}"

    path = written(_csv("amount,x,y", row))
    drafted, project, report = gated(path, "y")
    assert project.contract.columns["amount"].type == "text"
    assert any(re.search(rf"amount: the numbers are written as .*{shown}", note) for note in drafted.notes)
    assert report.rejected.rows == 0
    with pytest.raises(SourceError, match="cannot be predicted: amount: the numbers are written as"):
        draft(path, "amount")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_encodings_arrive_at_the_gate(written: Writer, gated: Gate, encoding: str) -> None:
    path = written(
        _csv("año,ciudad,y", lambda i: f"{2000 + i},{'Bogotá' if i % 2 else 'Cádiz'},{i}.5"), encoding=encoding
    )
    _, project, report = gated(path, "y")
    assert project.contract.columns["ciudad"].values == ("Bogotá", "Cádiz")
    assert report.rejected.rows == 0


def test_quoted_line_ends_and_titles(written: Writer, gated: Gate) -> None:
    text = 'Our report\n"name\nof it",x,y\n' + "".join(f'"a\nb{i % 3}",{i},{i * 2}.5\n' for i in range(120))
    _, project, report = gated(written(text), "y")
    assert project.source.header_line == 2
    assert project.contract.columns["name of it"].header == "name\nof it"
    assert project.contract.columns["name of it"].values == ("a\nb0", "a\nb1", "a\nb2")
    assert (report.rows, report.rejected.rows) == (120, 0)


def test_unnamed_columns(written: Writer, gated: Gate) -> None:
    _, project, report = gated(written(_csv(",x,y,", lambda i: f"{i},{i % 9},{i}.5,")), "y")
    assert list(project.contract.columns) == ["column_1", "x", "y"]
    assert not project.contract.columns["column_1"].feature
    assert report.rejected.rows == 0


def test_white_space_in_names_and_values(written: Writer, gated: Gate) -> None:
    _, project, report = gated(written(_csv(" x , charge,y ", lambda i: f" {i} ,{' ' if i < 5 else i}, {i}.5")), "y")
    assert project.contract.columns["x"].header == " x "
    assert project.contract.columns["charge"].nullable
    assert project.contract.columns["charge"].type == "int"
    assert report.rejected.rows == 0


def test_a_typing_error_in_a_label_is_refused_not_learned(written: Writer, gated: Gate) -> None:
    drafted, project, report = gated(written(_csv("x,y", lambda i: f"{i},{'05' if i == 50 else i % 2}")), "y")
    assert project.classes == ("0", "1")
    assert report.reasons == {"unknown_y": 1}
    assert any("05" in note and "refuse" in note for note in drafted.notes)


def test_a_word_among_numbers_is_refused_and_told(written: Writer, gated: Gate) -> None:
    drafted, project, report = gated(written(_csv("x,y", lambda i: f"{'oops' if i == 7 else i},{i}.5", 300)), "y")
    assert project.contract.columns["x"].type == "int"
    assert report.reasons == {"invalid_x": 1}
    assert any("'oops'" in note for note in drafted.notes)


def test_many_words_among_numbers_make_text(written: Writer, gated: Gate) -> None:
    drafted, _, report = gated(
        written(_csv("x,z,y", lambda i: f"{f'w{i}' if i % 9 == 7 else i},{i % 5},{i}.5", 300)), "y"
    )
    assert any(note.startswith("x: most values are numbers, but 33 are not") for note in drafted.notes)
    assert report.rejected.rows == 0


def test_signs_for_no_value_hold_for_all_columns(written: Writer, gated: Gate) -> None:
    text = _csv("x,grade,y", lambda i: f"{'-' if i % 10 == 0 else i},{['-', 'a', 'b', f'c{i}'][i % 4]},{i}.5")
    _, project, report = gated(written(text), "y")
    assert "-" in project.source.nulls
    assert project.contract.columns["x"].nullable
    assert project.contract.columns["grade"].nullable
    assert report.rejected.rows == 0


def test_a_target_with_gaps(written: Writer, gated: Gate) -> None:
    text = _csv("x,Net price,done", lambda i: f"{i % 17},{'' if i % 4 == 0 else i * 1.5},{'' if i % 4 == 0 else i % 5}")
    drafted, project, report = gated(written(text), "Net price")
    assert str(project.source.where and project.source.where.text) == 'not is_missing(col["Net price"])'
    assert (report.left_out, report.rejected.rows) == (30, 0)
    assert "done is left out as a leak: it is filled only where Net price is known." in drafted.notes
    assert not project.contract.columns["done"].feature


def test_empty_rows_are_left_out(written: Writer, gated: Gate) -> None:
    text = _csv("x,y", lambda i: f"{i},{i}.5") + ",\n" * 30 + "\n" * 30
    _, _, report = gated(written(text), "y")
    assert (report.rows, report.left_out, report.rejected.rows) == (150, 30, 0)


def test_a_column_without_values_and_a_constant(written: Writer, gated: Gate) -> None:
    result = gated(written(_csv("nothing,same,x,y", lambda i: f",EUR,{i % 9},{i}.5")), "y")
    columns = result[1].contract.columns
    assert (columns["nothing"].type, columns["nothing"].nullable, columns["same"].feature) == ("text", True, False)
    assert result[1].features == ("x",)
    assert result[2].rejected.rows == 0


def test_one_row(written: Writer, gated: Gate) -> None:
    drafted, _, report = gated(written("x,y\n1,2.5\n"), "y")
    assert (report.rows, report.rejected.rows) == (1, 0)
    assert "1 row(s) are very few: expect no more than a first try." in drafted.notes


def test_two_thousand_columns(written: Writer, gated: Gate) -> None:
    numbers = np.random.default_rng(0).normal(size=(200, 2_000)).round(3)
    text = ",".join(f"x{i}" for i in range(2_000)) + "\n" + "\n".join(",".join(map(str, row)) for row in numbers)
    _, project, report = gated(written(text), "x1999")
    assert len(project.features) == 1_999
    assert report.rejected.rows == 0


@pytest.mark.parametrize("name", ["data.parquet", "data.csv", "data.jsonl"])
def test_typed_files(tmp_path: Path, gated: Gate, name: str) -> None:
    frame = pl.DataFrame({
        "day": pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 4, 29), eager=True),
        "moment": pl.datetime_range(
            pl.datetime(2024, 1, 1), pl.datetime(2024, 4, 29), "1d", eager=True, time_zone="UTC"
        ),
        "flag": [i % 2 == 0 for i in range(120)],
        "kind": pl.Series([["a", "b", None][i % 3] for i in range(120)], dtype=pl.Categorical),
        "x": [float("nan") if i == 3 else i / 7 for i in range(120)],
        "y": [i * 1.5 for i in range(120)],
    })  # fmt: skip
    path = tmp_path / name
    if name.endswith("jsonl"):
        frame.with_columns(pl.col("day", "moment").cast(pl.String), pl.col("x").fill_nan(None)).write_ndjson(path)
    else:
        frame.write_parquet(path)
    result = gated(path, "y")
    moment = "datetime" if name.endswith("jsonl") else "date"  # a zone is written there
    assert list(_types(result).values()) == ["date", moment, "bool", "category", "float", "float"]
    assert result[1].split.by_time == "day"
    assert result[1].contract.columns["kind"].values == ("a", "b")
    assert result[2].rejected.rows == 0


def test_a_nested_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    pl.DataFrame({"a": [[1], [2]], "y": [1, 2]}).write_parquet(path)
    with pytest.raises(SourceError, match="column 'a' has type List"):
        draft(path, "y")


@pytest.mark.parametrize(
    ("content", "target", "message"),
    [
        (
            _csv("x,Churn,z", lambda i: f"{i},{'ab'[i % 2]},{i * 2}"),
            None,
            r"The likeliest is 'Churn'; candidates: Churn, z, x\n  fix: torneo init .* --target Churn",
        ),
        ("x,Net price\n1,2\n2,3\n", None, r"--target 'Net price'"),
        ("x,Churn\n1,a\n2,b\n", "churn", "has no column 'churn'; did you mean 'Churn'"),
        ("x,y\n1,a\n2,a\n", "y", r"has one value only \('a'\)"),
        ("x,y\n1,\n2,\n", "y", "has no values at all"),
        ("x,y\n1,2022-01-01\n2,2022-01-02\n", "y", "holds dates"),
        (_csv("x,y", lambda i: f"{i},word {i}"), "y", "it is text without a few repeated values"),
        (_csv("x,y", lambda i: f"word {i},{i}"), "y", "no column is left from which 'y' could be predicted"),
        ("x,__line__\n1,2\n", "x", "__line__ is Torneo's own"),
        ("x , x\n1,2\n", "x", "the name 'x' is given to columns 1, 2"),
    ],
)
def test_what_cannot_be_drafted_says_why(written: Writer, content: str, target: str | None, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        draft(written(content), target)


def test_odd_names_are_quoted(written: Writer, gated: Gate) -> None:
    names = ["no", "a: b", "#x", "a'b", "{z}", "ñandú", "1.5", "null", "[q]", "-", "y"]
    path = written(_csv(",".join(names), lambda i: ",".join(str((i * (at + 3)) % 31) for at in range(len(names)))))
    _, project, report = gated(path, "y")
    assert list(project.contract.columns) == names
    assert report.rejected.rows == 0


def test_where_the_file_is_said_to_be(written: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written("x,y\n1,2.5\n2,3.5\n", "my data.csv")
    assert "uri: my data.csv" in draft(path, "y").text
    (tmp_path / "projects").mkdir()
    assert "uri: ../my data.csv" in draft(path, "y", folder=tmp_path / "projects").text
    monkeypatch.chdir(tmp_path.parent)
    assert f"uri: {tmp_path.name}/my data.csv" in draft(Path(tmp_path.name) / "my data.csv", "y").text
    named = draft(path, "y", name="Año Nuevo")
    assert (named.project, draft(path, "y").project) == ("ano-nuevo", "my-data")
    (tmp_path / "project.yaml").write_text(named.text, encoding="utf-8")
    assert load(tmp_path / "project.yaml").project == "ano-nuevo"


_TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    frame=dataframes(
        cols=[
            column("words", dtype=pl.String, strategy=_TEXT, allow_null=True),
            column("few", dtype=pl.String, strategy=st.sampled_from(["a", "B", "yes", "No", "-", "05", "1", " x "])),
            column("real", dtype=pl.Float64, allow_null=True, strategy=st.floats(-1e6, 1e6)),
            column("count", dtype=pl.Int64, allow_null=True, strategy=st.integers(-(10**17), 10**17)),
            column("small", dtype=pl.Int64, strategy=st.integers(0, 3)),
            column("flag", dtype=pl.Boolean, allow_null=True),
            column("day", dtype=pl.Date, allow_null=True),
        ],
        min_size=1,
        max_size=40,
    ),
    separator=st.sampled_from([",", ";", "\t"]),
)
def test_whatever_polars_writes_is_accepted(frame: pl.DataFrame, separator: str) -> None:
    frame = frame.with_columns(always=pl.int_range(pl.len()) % 5, y=pl.int_range(pl.len()) * 1.5 + 0.25)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        frame.write_csv(path, separator=separator)
        drafted, _, report = through_the_gate(path, "y", Path(folder) / "work")
    assert report.rejected.rows == 0, (report.reasons, drafted.text)
    assert report.left_out == 0
