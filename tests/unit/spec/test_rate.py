"""Rates as a project file writes them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from torneo.spec.rate import SECONDS, Rate, RateText, parse_rate


@given(st.integers(1, 999_999_999), st.sampled_from(sorted(SECONDS)))
def test_a_rate(amount: int, unit: str) -> None:
    text = f"{amount}/{unit}"
    assert parse_rate(text) == Rate(amount, SECONDS[unit])
    assert TypeAdapter(RateText).validate_python(text) == text
    assert re.search(TypeAdapter(RateText).json_schema()["pattern"], text)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "100",
        "0/minute",
        "-1/minute",
        "1.5/second",
        "100/week",
        "100 per minute",
        "9999999999/day",
        "\u0661/day",
        "x" * 500,
    ],
)
def test_what_is_no_rate(written: str) -> None:
    with pytest.raises(ValidationError, match="expected a rate such as 100/minute") as caught:
        TypeAdapter(RateText).validate_python(written)
    assert len(caught.value.errors()[0]["msg"]) < 250
