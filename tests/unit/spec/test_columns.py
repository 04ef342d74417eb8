"""Columns and contracts."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from torneo.spec.columns import Column, Contract, canonical_text


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"type": "category", "min": 0}, "min: it has no meaning for type category"),
        ({"type": "bool", "below": 1}, "below: it has no meaning for type bool"),
        ({"type": "float", "format": "%Y"}, "format: it has no meaning for type float"),
        ({"type": "int", "pattern": "a"}, "pattern: it has no meaning for type int"),
        ({"type": "bool", "values": [True]}, "values: it has no meaning for type bool"),
        ({"type": "date", "min": 3}, "min: must be a date"),
        ({"type": "float", "max": datetime.date(2024, 1, 1)}, "max: must be a number"),
        ({"type": "float", "min": 2, "max": 1.5}, "min: 2 is larger than max 1.5"),
        ({"type": "text", "pattern": "("}, "not a regular expression"),
        ({"type": "category", "values": ["1", 1]}, "values.1: '1' is listed twice"),
        ({"type": "category", "values": []}, "at least 1 item"),
        ({"type": "text", "reasons": {"mni": "x"}}, "reasons.mni: there is no rule 'mni'"),
        ({"type": "int", "min": 0, "format": "x", "pattern": "y"}, "format: .*; pattern: "),
        ({"type": "text", "units": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_a_column_that_contradicts_itself_is_refused(column: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Column.model_validate(column)


def test_dates_as_bounds() -> None:
    low, high = datetime.date(2024, 1, 1), datetime.date(2024, 2, 1)
    assert Column(type="date", min=low, max=high).min == low
    assert Column(type="datetime", min=datetime.datetime(2024, 1, 1, 12), max=high).max == high
    with pytest.raises(ValidationError, match="min: 2024-02-01 is larger than max 2024-01-01"):
        Column(type="date", min=high, max=low)


def test_the_types_of_values_stay() -> None:
    column = Column.model_validate({"type": "category", "values": [True, 1.5, "05", 5]})
    assert [type(value) for value in column.values or ()] == [bool, float, str, int]
    assert column.categories == ("true", "1.5", "05", "5")


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (1.0, "1"), (-0.0, "0"), (1e20, "1" + "0" * 20), ("A", "A")]
)
def test_the_text_of_a_category(value: bool | float | str, text: str) -> None:
    assert canonical_text(value) == text


def test_the_reason_of_a_rule() -> None:
    column = Column(type="int", min=0, reasons={"min": "negative"})
    assert column.reason("min", "age") == "negative"
    assert column.reason("type", "age") == "invalid_age"


def test_a_rule_of_a_plug_in_may_have_a_reason() -> None:
    assert Column.model_validate({"type": "int", "rules": {"prime": True}, "reasons": {"prime": "p"}}).reasons


def test_a_contract_names_its_columns() -> None:
    with pytest.raises(ValidationError, match=r"key.1: there is no column 'b'; checks.c: there is no column 'd'"):
        Contract.model_validate({"key": ["a", "b"], "columns": {"a": {"type": "int"}}, "checks": {"c": "d > a"}})
    with pytest.raises(ValidationError, match="at least 1 item"):
        Contract(columns={})
