from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from torneo.engines.gate import ACCEPTED, REJECTED, gate
from torneo.engines.quarantine import export, head, retry
from torneo.errors import GateError
from torneo.spec.project import Project
from torneo.spec.records import LINE
from torneo.testing import SilentProgress


def project_of(**x: Any) -> Project:
    columns = {"id": {"type": "int"}, "x": {"type": "float", **x}}
    return Project.model_validate(
        {"project": "p", "task": "regression", "target": "x", "source": {"uri": "p.csv"},
         "contract": {"columns": columns, "key": ["id"]}}
    )  # fmt: skip


@pytest.fixture
def gated(tmp_path: Path) -> Path:
    rows = {"id": ["1", "2", "2", "3", "4", "1"], "x": ["5", "7", "8", "-1", "a;b", "-2"], LINE: [2, 3, 4, 5, 6, 7]}
    pl.DataFrame({**rows, "note": ['"', "", None, "x", "y", "z"]}).write_parquet(tmp_path / "snapshot.parquet")
    gate(project_of(min=0), tmp_path / "snapshot.parquet", tmp_path, SilentProgress(), {})
    return tmp_path


def retried(gated: Path, project: Project, accepted: Path | None) -> tuple[list[int], dict[int, list[str]]]:
    folder = gated / "retry"
    folder.mkdir()
    retry(project, gated / REJECTED, folder, SilentProgress(), {}, accepted=accepted)
    rejected = pl.read_parquet(folder / REJECTED)
    return pl.read_parquet(folder / ACCEPTED)[LINE].to_list(), {
        row["line"]: row["reasons"] for row in head(folder / REJECTED, rejected.height)
    }


def test_the_gate_refuses_with_lines(gated: Path) -> None:
    assert [(row["line"], row["reasons"], row["x"]) for row in head(gated / REJECTED, 10)] == [
        (3, ["duplicate_key"], "7"),
        (4, ["duplicate_key"], "8"),
        (5, ["below_min_x"], "-1"),
        (6, ["invalid_x"], "a;b"),
        (7, ["below_min_x"], "-2"),
    ]


def test_retry_uses_the_contract_of_today_and_keeps_lines(gated: Path) -> None:
    accepted, refused = retried(gated, project_of(), gated / ACCEPTED)
    assert accepted == [5]
    assert refused == {3: ["duplicate_key"], 4: ["duplicate_key"], 6: ["invalid_x"], 7: ["duplicate_key"]}


def test_a_copy_of_an_accepted_row_stays_a_copy(gated: Path) -> None:
    copies = pl.read_parquet(gated / REJECTED).filter(pl.col(LINE) == 7).with_columns(x=pl.lit("5.0"))
    copies.write_parquet(gated / REJECTED)
    accepted, refused = retried(gated, project_of(), gated / ACCEPTED)
    assert (accepted, refused) == ([], {7: ["repeated_row"]})


def test_without_the_accepted_rows_a_key_is_compared_among_the_refused_only(gated: Path) -> None:
    assert retried(gated, project_of(), None)[0] == [5, 7]


@pytest.mark.parametrize("changed", [pl.col("id").cast(pl.String), pl.lit(1).alias("one_more")], ids=["type", "more"])
def test_retry_with_other_columns_cannot_compare_keys(gated: Path, changed: pl.Expr) -> None:
    (gated / "other").mkdir()
    pl.read_parquet(gated / ACCEPTED).with_columns(changed).write_parquet(gated / "other" / ACCEPTED)
    with pytest.raises(GateError, match=r"(?s)accepted under another contract.*run the project again"):
        retried(gated, project_of(), gated / "other" / ACCEPTED)


def test_columns_of_the_source_may_be_called_as_ours(tmp_path: Path) -> None:
    rows = {"id": ["1"], "x": ["a"], "line": ["7"], "reasons": ["why"], LINE: [2]}
    pl.DataFrame(rows).write_parquet(tmp_path / "snapshot.parquet")
    gate(project_of(), tmp_path / "snapshot.parquet", tmp_path, SilentProgress(), {})
    told = {"line": 2, "reasons": ["invalid_x"], "id": "1", "x": "a"}
    assert head(tmp_path / REJECTED, 5) == [{**told, "line of the source": "7", "reasons of the source": "why"}]
    export(tmp_path / REJECTED, tmp_path / "refused.csv")
    assert (tmp_path / "refused.csv").read_text() == "__line__,__reasons__,id,x,line,reasons\n2,invalid_x,1,a,7,why\n"


def test_export_has_originals_and_reasons(gated: Path, tmp_path: Path) -> None:
    target = tmp_path / "refused.csv"
    assert export(gated / REJECTED, target) == 5
    with target.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["__line__", "__reasons__", "id", "x", "note"]
    assert rows[3] == {"__line__": "6", "__reasons__": "invalid_x", "id": "4", "x": "a;b", "note": "y"}
