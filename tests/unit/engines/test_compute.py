from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.checks import present
from torneo.engines.parse import parse
from torneo.engines.rows import compile_rules, judge
from torneo.errors import GateError
from torneo.spec.loading import LoadProject
from torneo.spec.records import LINE

EXACT = Context(prec=60)
PRICE = {"type": "decimal", "precision": 18, "scale": 4, "min": 0}
UNITS = {"type": "decimal", "precision": 18, "scale": 8, "above": 0}
VALUE = {"type": "decimal", "precision": 28, "scale": 8, "compute": "round(price * units, 8)"}


def project(checks: dict[str, str] | None = None, **columns: Any) -> LoadProject:
    made = {"id": {"type": "int"}, "price": PRICE, "units": UNITS, "value": VALUE, **columns}
    contract = {"key": ["id"], "columns": made, "checks": checks or {}}
    body = {"project": "p", "source": {"uri": "x.csv"}, "contract": contract, "load": {"to": "prod.t"}}
    return LoadProject.model_validate(body)


def raw(*rows: tuple[str | None, ...], names: tuple[str, ...] = ("price", "units")) -> pl.DataFrame:
    frame = pl.DataFrame(list(rows), schema=dict.fromkeys(names, pl.String), orient="row")
    numbers = pl.Series(LINE, range(2, frame.height + 2), dtype=pl.Int64)
    return frame.with_columns(numbers.cast(pl.String).alias("id"), numbers)


def reasons(spec: LoadProject, rows: pl.DataFrame) -> list[list[str]]:
    rules = compile_rules(spec, pl.Schema(rows.schema), {})
    judged = judge(rules, rows.select(rules.headers))
    return [[rules.checks[i].name for i, broken in judged.broken.items() if broken[row]] for row in range(rows.height)]


decimals = st.integers(0, 10**18 - 1)


@given(st.lists(st.tuples(decimals, decimals), min_size=1))
def test_a_product_is_rounded_half_away_from_zero_without_a_float(pairs: list[tuple[int, int]]) -> None:
    texts = [(f"{Decimal(a).scaleb(-4):f}", f"{Decimal(b).scaleb(-8):f}") for a, b in pairs]
    spec = project()
    values = parse(spec.contract, spec.source, raw(*texts))["value"].to_list()
    for (price, units), value in zip(texts, values, strict=True):
        exact = EXACT.multiply(Decimal(price), Decimal(units)).quantize(Decimal("1e-8"), ROUND_HALF_UP, EXACT)
        assert value == (exact if exact < 10**20 else None)


def test_a_given_value_must_agree_and_an_empty_one_is_computed() -> None:
    rows = raw(
        ("2.5", "3", "7.5"),
        ("2.5", "3", "7.50000001"),
        ("2.5", "3", None),
        ("2.5", "3", "x"),
        names=("price", "units", "value"),
    )
    spec = project(value={**VALUE, "reasons": {"compute": "mismatched_value"}})
    assert reasons(spec, rows) == [[], ["mismatched_value"], [], ["invalid_value"]]
    assert parse(spec.contract, spec.source, rows)["value"][2] == Decimal("7.5")


def test_a_value_that_cannot_be_computed_adds_no_reason_of_its_own() -> None:
    rows = raw(("x", "3"), (None, "3"), ("-1", "0"), ("1", "1"))
    assert reasons(project(), rows) == [
        ["invalid_price"],
        ["missing_price"],
        ["below_min_price", "not_above_units"],
        [],
    ]


def test_a_value_of_nullable_parts_is_missing_and_one_too_large_is_invalid() -> None:
    spec = project(price={**PRICE, "nullable": True}, value={**VALUE, "precision": 10})
    assert reasons(spec, raw((None, "3"), ("1000", "1"))) == [["missing_value"], ["invalid_value"]]
    assert reasons(project(price={**PRICE, "nullable": True}, value={**VALUE, "nullable": True}), raw((None, "3"))) == [
        []
    ]


def test_checks_on_decimals_are_exact() -> None:
    spec = project(
        {"thousandth": "price != 0.1234 + 1e-3", "sum": "value - price * units <= 0.000000005", "sign": "-price <= 0"}
    )
    assert reasons(spec, raw(("0.1244", "1"), ("0.1245", "1"))) == [["thousandth"], []]


def test_bounds_of_decimals_are_as_written() -> None:
    spec = project(price={**PRICE, "min": 0.1, "max": 0.3})
    assert reasons(spec, raw(("0.1", "1"), ("0.3", "1"), ("0.0999", "1"), ("0.3001", "1"))) == [
        [],
        [],
        ["below_min_price"],
        ["above_max_price"],
    ]


def test_whole_numbers_and_floats_are_computed_too() -> None:
    year = {"type": "int", "compute": "id * 2 + 1"}
    half = {"type": "float", "compute": "price / 2"}
    spec = project(year=year, half=half)
    typed = parse(spec.contract, spec.source, raw(("0.5", "1")))
    assert typed.select("year", "half").row(0) == (5, 0.25)
    assert typed[present("half")].to_list() == [True]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({**VALUE, "compute": "price * units"}, "`price * units` has 12 digits after the point, the column 8"),
        ({**VALUE, "compute": "price / units"}, "is not exact: it divides"),
        ({**VALUE, "compute": "price * units * units"}, "it may need 54 digits, and there are 38: round its parts"),
        ({**VALUE, "compute": "price > 1"}, "is a bool, not a number"),
        ({**VALUE, "compute": "1 + 1"}, "names no column"),
    ],
)
def test_what_cannot_be_computed_is_told_before_any_row_is_read(column: dict[str, Any], message: str) -> None:
    with pytest.raises(GateError, match=re.escape("contract.columns.value.compute") + ".*" + re.escape(message)):
        reasons(project(value=column), raw(("1", "1")))
