"""Tables for people are there whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from torneo.engines.tables import check_target, table_writer
from torneo.errors import ConflictError

FRAME = pl.DataFrame({"name": ["a", 'b "c"', None], "x": [1.5, None, 1e300]})


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_pieces_make_one_table(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"table.{kind}"
    with table_writer(path, FRAME.schema) as write:
        write(FRAME)
        write(FRAME)
        assert not path.exists(), "a table that is not whole is not there"
    read = pl.read_csv if kind == "csv" else pl.read_parquet
    assert_frame_equal(read(path), pl.concat([FRAME, FRAME]))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_without_rows_there_are_columns(tmp_path: Path, kind: str) -> None:
    with table_writer(tmp_path / f"table.{kind}", FRAME.schema):
        pass
    read = pl.read_csv if kind == "csv" else pl.read_parquet
    assert read(tmp_path / f"table.{kind}").columns == ["name", "x"]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("before", encoding="utf-8")

    def fail() -> None:
        with table_writer(path, FRAME.schema) as write:
            write(FRAME)
            raise ValueError("in between")

    with pytest.raises(ValueError, match="in between"):
        fail()
    assert path.read_text(encoding="utf-8") == "before"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_csv_for_other_programs(tmp_path: Path) -> None:
    with table_writer(tmp_path / "table.csv", FRAME.schema, separator=";", marked=True) as write:
        write(FRAME)
    assert (tmp_path / "table.csv").read_bytes().startswith(b"\xef\xbb\xbfname;x\n")
    stream = io.BytesIO()
    with table_writer(stream, FRAME.schema, separator=";") as write:
        write(FRAME)
    assert stream.getvalue().startswith(b"name;x\na;1.5\n")


def test_names_say_the_format(tmp_path: Path) -> None:
    check_target(tmp_path / "a.CSV")
    with pytest.raises(ConflictError, match=r"does not say the format\n  fix: let it end in \.parquet or \.csv"):
        check_target(tmp_path / "a.xlsx")
    with pytest.raises(ConflictError, match="there is no folder"):
        check_target(tmp_path / "none" / "a.csv")
