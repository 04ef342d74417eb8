"""The rows of a file are asked what the rows of a request are asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torneo.engines.batch import Asked, asked_of, sort_rows
from torneo.errors import GateError
from torneo.serving.inputs import Decoder
from torneo.spec.columns import Column
from torneo.spec.project import Project
from torneo.spec.records import LINE

COLUMNS: Mapping[str, Any] = {
    "id": {"type": "int"},
    "a": {"type": "float", "min": -5, "below": 9},
    "n": {"type": "int", "min": 0, "nullable": True},
    "colour": {"type": "category", "values": ["red", "green", 1]},
    "y": {"type": "float"},
}
READ = frozenset({"a", "n", "colour"})
SCHEMA = pl.Schema({"id": pl.Int64(), "a": pl.Float64(), "n": pl.Float64(), "colour": pl.String(), LINE: pl.Int64()})


def project(**serve: Any) -> Project:
    return Project.model_validate(
        {
            "project": "small",
            "task": "regression",
            "target": "y",
            "source": {"uri": "data.csv", "where": "a > 0"},
            "contract": {"columns": COLUMNS, "key": ["id"], "checks": {"strange": "a < n"}},
            "challengers": {"line": {"model": "linear"}},
            "serve": serve,
        }
    )


def contract(spec: Project) -> Mapping[str, Column]:
    return {name: column for name, column in spec.contract.columns.items() if name != "y"}


def asked(spec: Project, schema: pl.Schema = SCHEMA) -> Asked:
    return asked_of(spec, contract(spec), READ, schema, "new.csv")


numbers = st.one_of(st.none(), st.floats(-1e30, 1e30), st.integers(-6, 10).map(float))
wholes = st.one_of(st.none(), st.integers(-3, 3).map(float), st.floats(-3, 3), st.just(2.0**60))
rows = st.fixed_dictionaries(
    {
        "id": st.one_of(st.none(), st.integers(0, 3)),
        "a": numbers,
        "n": wholes,
        "colour": st.one_of(st.none(), st.sampled_from(["red", " green ", "blue", "1", "1.0", "", "Red"])),
    }
)


@settings(deadline=None, max_examples=60)
@given(st.lists(rows, min_size=1, max_size=8), st.sampled_from(["refuse", "warn"]))
def test_a_file_and_a_request_agree_on_every_row(many: list[dict[str, Any]], out_of_range: str) -> None:
    spec = project(out_of_range=out_of_range)
    frame = pl.DataFrame([{**row, LINE: place} for place, row in enumerate(many)], schema=SCHEMA)
    found = sort_rows(asked(spec), frame)
    decoder = Decoder(contract(spec), frozenset({"a", "colour"}))
    inputs = decoder.decode(many)
    reasons: dict[int, set[str]] = {place: set() for place in range(len(many))}
    warnings: dict[int, set[str]] = {place: set() for place in range(len(many))}
    for finding in inputs.findings:
        let_pass = finding.is_range and out_of_range == "warn"
        (warnings if let_pass else reasons)[finding.row].add(finding.reason)
    assert found.good.to_list() == [not reasons[place] for place in range(len(many))]
    refused = [place for place in range(len(many)) if reasons[place]]
    assert [set(told) for told in found.refused.to_list()] == [reasons[place] for place in refused]
    good = [place for place in range(len(many)) if not reasons[place]]
    told = [set() if text is None else set(text.split(";")) for text in found.warnings]
    assert told == [warnings[place] for place in good]
    for name in ("a", "n", "colour"):
        assert found.typed[name].to_list() == [inputs.columns[name][place] for place in good], name


def test_keys_and_checks_and_where_are_not_asked() -> None:
    frame = pl.DataFrame({"id": [1, 1], "a": [-1.0, -2.0], "n": [-0.0, 5.0], "colour": ["red", "1"], LINE: [2, 3]})
    found = sort_rows(asked(project(), frame.schema), frame)
    assert found.good.to_list() == [True, True]
    assert found.typed.columns == ["id", "a", "n", "colour"]


def test_what_is_read_must_be_there() -> None:
    schema = pl.Schema({"id": pl.Int64(), "a": pl.Float64(), "color": pl.String(), LINE: pl.Int64()})
    with pytest.raises(
        GateError, match=r"new\.csv lacks 2 column\(s\)[^']*'n'[^']*'colour' \(did you mean 'color'\?\)"
    ):
        asked(project(), schema)
    assert (
        "id" not in asked(project(), pl.Schema({k: v for k, v in SCHEMA.items() if k != "id"})).rules.contract.columns
    )
