from __future__ import annotations

import decimal
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.engines.decimals import careful, from_units, quick


def read(text: str, precision: int = 18, scale: int = 4) -> Decimal | None:
    return careful(pl.Series([text]), precision, scale)[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.5", "12.5"),
        ("+.5", "0.5"),
        ("5.", "5"),
        ("1.23450000", "1.2345"),
        ("1e3", "1000"),
        ("12e-1", "1.2"),
        ("-0.0", "0"),
        ("99999999999999.9999", "99999999999999.9999"),
        ("0.00000", "0"),
    ],
)
def test_what_fits_is_read_exactly(text: str, value: str) -> None:
    assert read(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "1.23456",
        "100000000000000",
        "1e14",
        "0.00001",
        "1_0",
        "NaN",
        "inf",
        "1e9999",
        "1e-9999",
        "1,5",
        "",
        "\uff11",
        "0x1",
    ],
)
def test_what_does_not_fit_is_not_rounded(text: str) -> None:
    assert read(text) is None


@given(st.integers(-(10**18) + 1, 10**18 - 1), st.integers(0, 18))
def test_every_decimal_survives_its_text(units: int, scale: int) -> None:
    value = Decimal(units).scaleb(-scale, decimal.Context(prec=40))
    assert quick(pl.Series([f"{value:f}"]), 18, scale)[0] == value


@given(st.integers(-(10**29), 10**29), st.integers(0, 8))
def test_units_become_decimals_or_nothing(units: int, scale: int) -> None:
    (found,) = from_units(pl.Series([units], dtype=pl.Int128), 28, scale)
    fits = abs(units) < 10**28
    assert found == (Decimal(units).scaleb(-scale, decimal.Context(prec=40)) if fits else None)
