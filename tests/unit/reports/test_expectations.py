from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest

from torneo.engines.gate import gate
from torneo.engines.sample import sample
from torneo.errors import MissingExtraError
from torneo.reports.expectations import expectations
from torneo.spec.project import Project
from torneo.spec.records import LINE
from torneo.testing import SilentProgress

PROJECT = Project.model_validate(
    {
        "project": "shop",
        "task": "regression",
        "target": "value",
        "source": {"uri": "shop.csv", "where": "not site == 'PERU'"},
        "contract": {
            "key": ["id"],
            "columns": {
                "id": {"type": "int"},
                "site": {"type": "category", "values": ["BRASIL", "MEXICO", "PERU"]},
                "price": {"type": "float", "min": 0, "below": 100, "nullable": True},
                "units": {
                    "type": "int",
                    "above": 0,
                    "max": 9,
                    "values": list(range(12)),
                    "reasons": {"above": "none_sold"},
                },
                "day": {"type": "date", "min": "2024-01-01"},
                "code": {"type": "text", "pattern": "[a-z]{2}", "rules": {"length": 2}, "nullable": True},
                "value": {"type": "float"},
            },
            "checks": {"mismatched_value": "value == round(price * units, 2)"},
        },
    }
)
GOOD = ("1", "BRASIL", "2.5", "2", "2024-01-01", "ab", "5")
BAD = [
    ("2", "CHILE", "-1", "0", "2023-12-31", "abc", "0"),
    ("3", "BRASIL", "100", "10", "2024-02-30", "a\n", "1000"),
    ("4", "MEXICO", "x", "", "2024-05-05", None, "y"),
    ("5", "PERU", "x", "", "x", None, "y"),
    ("6", "MEXICO", None, "3", "2024-05-05", "zz", "7"),
    GOOD,
    ("7", "BRASIL", "2", "2", "2024-01-01", "ab", "4"),
    ("7", "BRASIL", "2", "3", "2024-01-01", "ab", "6"),
]  # fmt: skip


def snapshot(folder: Path, rows: list[tuple[str | None, ...]]) -> Path:
    schema = dict.fromkeys(PROJECT.contract.columns, pl.String)
    pl.DataFrame(rows, schema=schema, orient="row").with_row_index(LINE, 2).write_parquet(folder / "snapshot.parquet")
    return folder / "snapshot.parquet"


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "verdict"), [([GOOD], True), ([GOOD, *BAD], False)])
def test_the_verdict_is_the_gates_reason_by_reason(
    tmp_path: Path, rows: list[tuple[str | None, ...]], verdict: bool
) -> None:
    pytest.importorskip("great_expectations")
    functions = {"even_id": lambda frame: nw.col("id") % 2 == 1}
    data = snapshot(tmp_path, rows)
    report = gate(PROJECT, data, tmp_path, SilentProgress(), functions)
    page = expectations(PROJECT, sample(PROJECT, data, functions, SilentProgress()), tmp_path / "docs")
    assert "shop" in page.read_text(encoding="utf-8")
    found = json.loads((tmp_path / "docs" / "validation.json").read_text(encoding="utf-8"))
    assert found["success"] is verdict is (report.rejected.rows == 0)
    assert found["rows"] == report.rows - report.left_out
    assert {reason: rows for reason, rows in found["refused"].items() if rows} == dict(report.reasons)
    assert verdict or len(report.reasons) >= 15


@pytest.mark.slow
def test_the_suite_is_the_contract_and_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("great_expectations")
    frame = sample(PROJECT, snapshot(tmp_path, [GOOD]), {}, SilentProgress())
    texts = []
    for name in ("a", "b"):
        expectations(PROJECT, frame, tmp_path / name)
        texts.append((tmp_path / name / "suite.json").read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    suite = json.loads(texts[0])
    below = next(one for one in suite["expectations"] if one["meta"]["reason"] == "not_below_price")
    assert below["type"] == "expect_column_values_to_be_between"
    assert below["kwargs"] == {"column": "price", "max_value": 100.0, "strict_max": True}


@pytest.mark.parametrize(
    ("absent", "message"), [("great_expectations", r"torneo\[gx\]"), ("grpc", r"pyspark\[connect\]")]
)
def test_what_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str, message: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == absent else "found")
    with pytest.raises(MissingExtraError, match=message):
        expectations(PROJECT, pl.DataFrame(), tmp_path)
