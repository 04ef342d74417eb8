from __future__ import annotations

import datetime
from decimal import ROUND_HALF_UP, Decimal

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torneo.checks import compile_expression, present, where_keeps
from torneo.errors import GateError
from torneo.spec.columns import Column
from torneo.spec.expression import Expression

COLUMNS = {
    "a": Column(type="float"),
    "b": Column(type="float"),
    "n": Column(type="int"),
    "flag": Column(type="bool"),
    "CHAS": Column(type="category", values=(0, 1)),
    "name": Column(type="text"),
    "day": Column(type="date"),
    "at": Column(type="datetime"),
}
ROW = {
    "a": 7.0, "b": 2.0, "n": 3, "flag": True, "CHAS": "1", "name": "Zoë",
    "day": datetime.date(2024, 2, 29), "at": datetime.datetime(2024, 2, 29, 12),
}  # fmt: skip
SCHEMA = {
    "a": pl.Float64, "b": pl.Float64, "n": pl.Int64, "flag": pl.Boolean, "CHAS": pl.String, "name": pl.String,
    "day": pl.Date, "at": pl.Datetime("us"),
}  # fmt: skip


def value_of(text: str, **changes: object) -> bool | None:
    row = {**ROW, **changes}
    flags = {present(name): [row[name] is not None] for name in ROW}
    frame = pl.DataFrame({name: [row[name]] for name in ROW}, schema=SCHEMA).with_columns(
        pl.Series(name, flag) for name, flag in flags.items()
    )
    rule = compile_expression(Expression(text), COLUMNS, "checks.x")
    result: bool | None = nw.from_native(frame).select(rule.alias("x"))["x"].to_list()[0]
    return result


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 < a <= 7", True),
        ("2 < a < 7", False),
        ("a - b * 2 == n", True),
        ("a / b == 3.5", True),
        ("-a % n == 2", True),
        ("-7 < -abs(-b)", True),
        ("not flag or a > b", True),
        ("flag and a < b", False),
        ("flag == 1", True),
        ("CHAS == 1", True),
        ("CHAS == 1.0", True),
        ("0 == CHAS", False),
        ("CHAS in [0, 2]", False),
        ("n not in (1, 2)", True),
        ('lower(name) == "zoë" and length(name) == 3', True),
        ('day >= "2024-02-29"', True),
        ('at == "2024-02-29T12:00"', True),
        ("day < at", True),
        ("year(day) == 2024 and month(at) == 2 and day(day) == 29 and weekday(day) == 4", True),
        ("is_missing(a)", False),
        ('col["name"] != "x"', True),
    ],
)
def test_expression_has_its_value(text: str, expected: bool) -> None:
    assert value_of(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a > 1", None),
        ("a > 1 and b > 5", False),
        ("a > 1 or b == 2", True),
        ("not a > 1", None),
        ("a in [1, 2]", None),
        ("a not in [1, 2]", None),
        ("is_missing(a)", True),
        ("is_missing(a) or a > 1", True),
        ("abs(a) >= 0", None),
        ("round(a, 2) == b", None),
    ],
)
def test_null_is_unknown(text: str, expected: bool | None) -> None:
    assert value_of(text, a=None) is expected


def test_division_by_zero_is_unknown() -> None:
    assert value_of("a / b > 1", b=0.0) is None
    assert value_of("a % b >= 0", b=0.0) is None


def test_is_missing_is_unknown_for_a_value_that_cannot_be_read() -> None:
    rule = compile_expression(Expression("is_missing(a)"), COLUMNS, "checks.x")
    frame = pl.DataFrame({"a": [None, None], present("a"): [True, False]}, schema_overrides={"a": pl.Float64})
    assert nw.from_native(frame).select(rule.alias("x"))["x"].to_list() == [None, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a == 'x'", r"checks.x: `a == 'x'` compares a number with a text, in"),
        ("CHAS < 1", "compares a text with a text"),
        ("name + 1 > 2", "`name` is a text, not a number"),
        ("a and flag", "`a` is a number, not true or false"),
        ("a + b", "is a number, not true or false"),
        ("1 == 1", "names no column"),
        ("round(a, 2.5) == 1", "round takes 0 to 15 decimals"),
        ("round(a, n) == 1", "round takes 0 to 15 decimals"),
        ("a in 5", "`in` needs a list"),
        ("a in []", "`in` needs a list"),
        ("year(a) == 2024", "`a` is a number, not a date or datetime"),
        ("length(day) == 1", "`day` is a date, not a text"),
        ("is_missing(a + b)", "is_missing takes a column"),
        ("day > 'soon'", "'soon' is not a date such as 2024-01-31"),
        ("price > 0", "there is no column 'price'"),
        ("[a] == b", "has no place"),
    ],
)
def test_mistakes_are_found_when_compiling(text: str, message: str) -> None:
    with pytest.raises(GateError, match=message):
        compile_expression(Expression(text), COLUMNS, "checks.x")


def rounded(value: float, decimals: int) -> float:
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


@pytest.mark.parametrize(
    ("value", "expected"), [(2.675, 2.68), (-2.675, -2.68), (0.125, 0.13), (1.005, 1.01), (2.5, 2.5)]
)
def test_round_is_half_up_in_decimal(value: float, expected: float) -> None:
    assert value_of(f"round(a, 2) == {expected}", a=value) is True
    assert value_of(f"round(a, 2) == {expected + 0.01}", a=value) is False


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_money_is_rounded_as_decimal_does(price: int, units: int) -> None:
    exact = (Decimal(price) / 10**4 * Decimal(units) / 10**5).quantize(Decimal("0.01"), ROUND_HALF_UP)
    text = "round(a * b, 2) == {}"
    assert value_of(text.format(float(exact)), a=price / 10**4, b=units / 10**5) is True
    assert value_of(text.format(float(exact) + 0.01), a=price / 10**4, b=units / 10**5) is False


@settings(deadline=None, max_examples=60)
@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_round_agrees_with_decimal_up_to_its_precision(value: float, decimals: int) -> None:
    assert value_of(f"round(a, {decimals}) == b", a=value, b=rounded(float(f"{value:.14g}"), decimals)) is True


def test_where_keeps_a_row_whose_value_cannot_be_read() -> None:
    keeps = where_keeps(Expression("a > 1"), COLUMNS)
    values = {"a": [2.0, 0.0, None, None], present("a"): [True, True, False, True]}
    frame = nw.from_native(pl.DataFrame(values)).select(keeps.alias("kept"))
    assert frame["kept"].to_list() == [True, False, False, True]
