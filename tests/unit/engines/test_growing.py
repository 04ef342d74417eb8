"""A source grows by rows that its own contract reads as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import small
from torneo.engines.batch import asked_of, sort_rows
from torneo.engines.growing import Growing
from torneo.errors import ConflictError, SourceError
from torneo.sources import read
from torneo.spec.project import Project

TYPED = pl.DataFrame(
    {"when": ["2026-03-01"], "a": [1.5], "colour": ["réd; or 'green'"], "y": [2]}, schema_overrides={"y": pl.Int64}
).with_columns(pl.col("when").str.to_date())


def declared(**source: Any) -> Project:
    columns: dict[str, Any] = {
        "when": {"type": "date", "format": "%d.%m.%Y", "header": "Day"},
        "a": {"type": "float", "nullable": True},
        "colour": {"type": "category"},
        "y": {"type": "int"},
    }
    return small.project(classes=False, source={"uri": "data.csv", **source}, contract={"columns": columns})


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize(
    "source",
    [{}, {"delimiter": ";", "decimal": ",", "encoding": "latin-1"}, {"encoding": "utf-8-sig"}, {"header_line": 2}],
)
def test_what_is_added_is_read_as_it_was(tmp_path: Path, source: dict[str, Any], end: str) -> None:
    project, file = declared(**source), tmp_path / "data.csv"
    cut, comma = project.source.delimiter, project.source.decimal
    first = "a table\n" * (project.source.header_line - 1)
    lines = [cut.join(["note", "y", "colour", "Day", "a"]), cut.join(["kept", "1", "réd", "28.02.2026", f"0{comma}5"])]
    file.write_bytes((first + "\n".join(lines) + end).encode(project.source.encoding))
    growing = Growing.of(project, file)
    for _ in range(2):
        growing.add(TYPED)
    growing.add(TYPED.clear())
    target = tmp_path / "read.parquet"
    read(project.source, [tmp_path], target)
    table = pl.read_parquet(target)
    columns = project.contract.columns
    rows = sort_rows(asked_of(project, columns, set(columns), table.schema, "data.csv"), table)
    assert rows.good.all(), rows.refused.to_list()
    assert rows.typed[1:].equals(pl.concat([TYPED] * 2))
    assert rows.typed["a"].to_list() == [0.5, 1.5, 1.5]
    assert table["note"].to_list()[0] == "kept"


def test_only_its_own_csv_grows(tmp_path: Path) -> None:
    project = declared()
    with pytest.raises(ConflictError, match=r"CSV files only"):
        Growing.of(project, tmp_path / "data.parquet")
    with pytest.raises(SourceError, match=r"data\.csv cannot be read"):
        Growing.of(project, tmp_path / "data.csv")
    (tmp_path / "data.csv").write_text("Day,a,y\n", encoding="utf-8")
    with pytest.raises(ConflictError, match="lacks the column 'colour'"):
        Growing.of(project, tmp_path / "data.csv")
