"""What is said of a value that is not of its column's type, and how values are shown."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from torneo.serving.inputs import Decoder
from torneo.serving.values import told
from torneo.spec.columns import Column


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("float", ["a@secret.org"], "must be a number"),
        ("float", 1e300, "the value is too large a number"),
        ("int", 5.25, "must be a whole number"),
        ("bool", "a@secret.org", "must be true or false"),
        ("text", {"mail": "a@secret.org"}, "must be a text, a number or a boolean"),
        ("date", "a@secret.org", "the value is no date (ISO 8601)"),
        ("date", "2026-01-05T10:00", "the value has a time, and a date is asked for"),
        ("date", 20260105, "must be a text with a date (ISO 8601)"),
    ],
)
def test_personal_data_of_a_wrong_type_is_not_in_the_messages(kind: str, value: Any, message: str) -> None:
    column = Column.model_validate({"type": kind, "pii": "drop"})
    [finding] = Decoder({"x": column}, frozenset()).decode([{"x": value}]).findings
    assert finding.message == message


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime.date(1999, 1, 1), "1999-01-01"),
        (datetime.datetime(1999, 1, 1, 10), "1999-01-01 10:00:00"),
        (True, "true"),
        (1.5, "1.5"),
        ("a", "'a'"),
        ([None, "é"], '[null, "é"]'),
    ],
)
def test_values_are_shown_as_people_write_them(value: Any, shown: str) -> None:
    assert told(Column(type="text"), value) == shown
    assert told(Column(type="text", pii="hash"), value) == "the value"
