from __future__ import annotations

import datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torneo.engines.parse import Reading, parse, read
from torneo.spec.columns import Column, Contract
from torneo.spec.records import LINE
from torneo.spec.source import NULLS, Source

DAY = datetime.date(2024, 1, 5)
MOMENT = datetime.datetime(2024, 1, 5, 10)
INVALID, MISSING = "invalid", "missing"


def outcome(value: Any, column: dict[str, Any], decimal: str = ".", nulls: tuple[str, ...] = NULLS) -> Any:
    raw = pl.Series("x", [value, value])
    values, present = read(raw, Reading(Column(**column), nulls, decimal))
    assert values[0] == values[1]
    assert present[0] or values[0] is None
    return values[0] if values[0] is not None else INVALID if present[0] else MISSING


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", 1.0), (" 5\t", 5.0), ("+5", 5.0), ("1e3", 1000.0), (".5", 0.5), ("inf", INVALID), ("-Infinity", INVALID),
     ("1_0", INVALID), ("0x1", INVALID), ("1,5", INVALID), ("", MISSING), (" ", MISSING), ("nan", MISSING),
     ("NULL", MISSING), (None, MISSING)],
)  # fmt: skip
def test_float(text: str | None, expected: Any) -> None:
    assert outcome(text, {"type": "float"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7", 7), ("5.0", 5), ("1e3", 1000), ("5.5", INVALID), ("9007199254740993", 2**53 + 1),
     ("9007199254740993.0", INVALID), ("99999999999999999999", INVALID), ("five", INVALID)],
)  # fmt: skip
def test_int(text: str, expected: Any) -> None:
    assert outcome(text, {"type": "int"}) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [("float", "1,5", 1.5), ("float", "7", 7.0), ("float", "1.5", INVALID), ("float", "1.234,5", INVALID),
     ("int", "5,0", 5)],
)  # fmt: skip
def test_decimal_comma(kind: str, text: str, expected: Any) -> None:
    assert outcome(text, {"type": kind}, decimal=",") == expected


def test_a_number_may_mean_no_value() -> None:
    assert outcome("-999", {"type": "int"}, nulls=("-999",)) == MISSING
    assert outcome("-999", {"type": "float"}, nulls=("-999",)) == MISSING
    assert outcome("-998", {"type": "float"}, nulls=("-999",)) == -998
    assert outcome("2024-01-05", {"type": "date"}, nulls=("2024-01-05",)) == MISSING
    assert outcome("0", {"type": "bool"}, nulls=("0",)) == MISSING


@pytest.mark.parametrize(
    ("text", "expected"),
    [("TRUE", True), ("yes", True), ("1", True), ("False", False), (" no ", False), ("0", False), ("2", INVALID),
     ("y", INVALID), ("", MISSING)],
)  # fmt: skip
def test_bool(text: str, expected: Any) -> None:
    assert outcome(text, {"type": "bool"}) == expected


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [((0, 1), "1", "1"), ((0, 1), "1.0", "1"), ((0, 1), "05", "05"), ((0, 1), "01", "01"), ((0, 1), "01.0", "01"),
     ((1.5, 2), "1.50", "1.5"), (("1", "2"), "1.0", "1.0"), ((True, False), "TRUE", "true"), (("a",), " a", "a"),
     (("a",), "A", "A")],
)  # fmt: skip
def test_category(values: tuple[Any, ...], text: str, expected: str) -> None:
    assert outcome(text, {"type": "category", "values": values}) == expected


def test_a_category_may_list_a_text_that_means_no_value_elsewhere() -> None:
    contract = Contract.model_validate(
        {"columns": {"a": {"type": "category", "values": ["NA", "EU"]}, "b": {"type": "category", "values": ["EU"]}}}
    )
    frame = parse(contract, Source(uri="x.csv"), pl.DataFrame({"a": ["NA"], "b": ["NA"], LINE: [2]}))
    assert frame.row(0) == ("NA", None, 2, True, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2024-01-05", DAY), (" 2024-01-05", DAY), ("2024-01-05 00:00:00", DAY), ("2024-01-05T00:00", DAY),
     ("2024-01-05 10:00", INVALID), ("2024-02-30", INVALID), ("24-01-05", INVALID),
     ("0999-01-01", datetime.date(999, 1, 1)),
     ("05/01/2024", INVALID), ("NA", MISSING)],
)  # fmt: skip
def test_iso_date(text: str, expected: Any) -> None:
    assert outcome(text, {"type": "date"}) == expected


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [("%d/%m/%Y", "5/1/2024", DAY), ("%d/%m/%Y", "31/02/2024", INVALID), ("%d/%m/%Y", "5/1/24", INVALID),
     ("%d/%m/%y", "5/1/24", DAY), ("%Y%m%d", 20240105, DAY)],
)  # fmt: skip
def test_date_with_a_format(form: str, text: Any, expected: Any) -> None:
    assert outcome(text, {"type": "date", "format": form}) == expected


@pytest.mark.parametrize(
    "text", ["2024-01-05T10:00", "2024-01-05 10:00:00.000", "2024-01-05T10:00:00Z", "2024-01-05T12:00:00+02:00"]
)
def test_iso_moment(text: str) -> None:
    assert outcome(text, {"type": "datetime"}) == MOMENT


def test_moment_with_a_format() -> None:
    column = {"type": "datetime", "format": "%d/%m/%Y %H:%M:%S.%f"}
    assert outcome("05/01/2024 10:00:00.25", column) == MOMENT.replace(microsecond=250_000)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [("float", float("nan"), MISSING), ("float", float("inf"), INVALID), ("float", 3, 3.0), ("float", True, INVALID),
     ("float", DAY, INVALID), ("float", [1.0], INVALID), ("int", 3.0, 3), ("int", 3.5, INVALID), ("bool", True, True),
     ("bool", 1, True), ("bool", 0.0, False), ("bool", 2, INVALID), ("category", 1.0, "1"), ("category", 0.1, "0.1"),
     ("category", True, "true"), ("text", 5, "5"), ("date", MOMENT, INVALID), ("date", DAY, DAY),
     ("date", datetime.datetime(2024, 1, 5), DAY), ("datetime", DAY, datetime.datetime(2024, 1, 5)),
     ("datetime", MOMENT.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=2))), MOMENT.replace(hour=8))],
)  # fmt: skip
def test_native_values(kind: str, value: Any, expected: Any) -> None:
    assert outcome(value, {"type": kind}) == expected


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from(["float", "int", "bool", "category", "text", "date", "datetime"]),
    st.lists(st.text(alphabet="0123456789.-+eE,naNTru:/ \tZ", max_size=12), min_size=2, max_size=12),
)
def test_a_value_is_read_alike_whatever_stands_beside_it(kind: Any, texts: list[str]) -> None:
    reading = Reading(Column(type=kind), NULLS)
    values, present = read(pl.Series(texts), reading)
    for index, text in enumerate(texts):
        value, flag = read(pl.Series([text]), reading)
        assert (value[0], flag[0]) == (values[index], present[index])
