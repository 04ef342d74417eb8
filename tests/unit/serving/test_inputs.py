"""What a request's values may be, and that the server takes what the gate has taken."""

from __future__ import annotations

import datetime
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from torneo.engines.gate import ACCEPTED, gate
from torneo.errors import GateError
from torneo.serving.inputs import Decoder, Inputs
from torneo.serving.values import LARGEST
from torneo.spec.columns import Column
from torneo.spec.project import Project
from torneo.spec.records import LINE
from torneo.testing import SilentProgress

COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "price": {"type": "float", "min": 0, "max": 100},
    "open": {"type": "float", "above": 0, "below": 1},
    "rooms": {"type": "int", "min": 1},
    "number": {"type": "int"},
    "sold": {"type": "bool"},
    "colour": {"type": "category", "values": ["red", "green"]},
    "grade": {"type": "category", "values": [0, 1, 2.5]},
    "flag": {"type": "category", "values": [True, False]},
    "code": {"type": "category", "pattern": "[A-Z]{2}[0-9]+"},
    "note": {"type": "text", "rules": {"length": [0, 4]}},
    "level": {"type": "int", "values": [1, 2, 3]},
    "depth": {"type": "float", "rules": {"above": 0, "max": 5}, "reasons": {"above": "above_ground"}},
    "day": {"type": "date", "min": "2020-01-01"},
    "german": {"type": "date", "format": "%d.%m.%Y"},
    "moment": {"type": "datetime"},
}


def decoder(*required: str, **columns: Mapping[str, Any]) -> Decoder:
    chosen = columns or COLUMNS
    return Decoder({name: Column.model_validate(column) for name, column in chosen.items()}, frozenset(required))


def one(column: Mapping[str, Any], value: Any, *required: str) -> Inputs:
    return decoder(*required, x=column).decode([{"x": value}])


def reasons(inputs: Inputs) -> Sequence[str]:
    return [finding.reason for finding in inputs.findings]


@pytest.mark.parametrize(
    ("column", "value", "read"),
    [
        ("price", 1, 1),
        ("price", 0.5, 0.5),
        ("rooms", 5.0, 5),
        ("number", 2**63 - 1, 2**63 - 1),
        ("number", -(2**63), -(2**63)),
        ("sold", True, True),
        ("sold", 1, True),
        ("sold", 0.0, False),
        ("colour", "red", "red"),
        ("colour", " red ", "red"),
        ("grade", 1, "1"),
        ("grade", 1.0, "1"),
        ("grade", "1.0", "1"),
        ("grade", 2.5, "2.5"),
        ("grade", "2.50", "2.5"),
        ("flag", True, "true"),
        ("flag", "True", "true"),
        ("code", "AB12", "AB12"),
        ("note", " long ", "long"),
        ("note", 5, "5"),
        ("level", 3.0, 3),
        ("day", "2026-01-05", datetime.date(2026, 1, 5)),
        ("day", "2026-1-5", datetime.date(2026, 1, 5)),
        ("day", "2026-01-05T00:00:00", datetime.date(2026, 1, 5)),
        ("german", "05.01.2026", datetime.date(2026, 1, 5)),
        ("moment", "2026-01-05 10:30", datetime.datetime(2026, 1, 5, 10, 30)),
        ("moment", "2026-01-05T10:30:00.1234567Z", datetime.datetime(2026, 1, 5, 10, 30, 0, 123456)),
        ("moment", "2026-01-05T10:30:00+02:00", datetime.datetime(2026, 1, 5, 8, 30)),
    ],
)
def test_a_value_is_read_in_the_type_of_its_column(column: str, value: Any, read: Any) -> None:
    inputs = one(COLUMNS[column], value)
    assert reasons(inputs) == []
    assert inputs.columns == {"x": [read]}
    assert type(inputs.columns["x"][0]) is type(read)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("price", "5", "must be a number, not '5'"),
        ("price", True, "must be a number, not true"),
        ("price", [1], "must be a number, not [1]"),
        ("price", {"a": 1}, 'must be a number, not {"a": 1}'),
        ("price", float("nan"), "nan is too large a number"),
        ("price", 1e39, "1e+39 is too large a number"),
        ("price", 10**400, "is too large a number"),
        ("rooms", 5.5, "must be a whole number, not 5.5"),
        ("number", 2**63, "is too large a number"),
        ("number", 2.0**53, "is too large a number"),
        ("sold", "true", "must be true or false, not 'true'"),
        ("sold", 2, "must be true or false, not 2"),
        ("colour", ["red"], 'must be a text, a number or a boolean, not ["red"]'),
        ("colour", float("inf"), "must be a category, not inf"),
        ("note", {}, "must be a text, a number or a boolean, not {}"),
        ("day", 20260105, "must be a text with a date (ISO 8601), not 20260105"),
        ("day", "2026-02-31", "'2026-02-31' is no date (ISO 8601)"),
        ("day", "2026-01-05T10:00", "has a time, and a date is asked for"),
        ("german", "2026-01-05", "is no date (%d.%m.%Y)"),
        ("moment", "0001-01-01T00:00:00+14:00", "is no datetime (ISO 8601)"),
        ("moment", "2026-01-05T10:30:00+99:99", "is no datetime (ISO 8601)"),
        ("moment", "yesterday", "'yesterday' is no datetime (ISO 8601)"),
    ],
)
def test_a_value_of_another_type_is_refused_by_the_name_the_gate_has_for_it(
    column: str, value: Any, message: str
) -> None:
    [finding] = one(COLUMNS[column], value).findings
    assert finding.reason == "invalid_x"
    assert message in finding.message
    assert not finding.is_range


@pytest.mark.parametrize(
    ("column", "value", "reason", "message"),
    [
        ("price", -1, "below_min_x", "-1 is below 0.0"),
        ("price", 100.5, "above_max_x", "100.5 is above 100.0"),
        ("open", 0, "not_above_x", "0 is not above 0"),
        ("open", 1, "not_below_x", "1 is not below 1"),
        ("colour", "blue", "unknown_x", "'blue' is none of red, green"),
        ("grade", "05", "unknown_x", "'05' is none of 0, 1, 2.5"),
        ("level", 4, "unknown_x", "4 is none of 1, 2, 3"),
        ("code", "ab", "malformed_x", "'ab' does not match"),
        ("day", "2019-12-31", "below_min_x", "2019-12-31 is below 2020-01-01"),
        ("note", "hello", "length_x", "'hello' does not keep the rule length: 0, 4"),
        ("depth", 6, "max_x", "6 does not keep the rule max: 5"),
        ("depth", 0, "above_ground", "0 does not keep the rule above: 0"),
    ],
)
def test_a_value_out_of_its_domain_is_a_range_finding(column: str, value: Any, reason: str, message: str) -> None:
    inputs = one(COLUMNS[column], value)
    [finding] = inputs.findings
    assert (finding.reason, finding.is_range) == (reason, True)
    assert message.replace(".0", "") in finding.message.replace(".0", "")
    assert inputs.columns["x"] != [None], "a project that warns needs the value"


@pytest.mark.parametrize("empty", [None, "", "  "])
@pytest.mark.parametrize("column", COLUMNS)
def test_no_value_is_missing_where_the_model_needs_one_and_none_elsewhere(column: str, empty: Any) -> None:
    assert reasons(one(COLUMNS[column], empty, "x")) == ["missing_x"]
    assert one(COLUMNS[column], empty) == ({"x": [None]}, 1, ())
    assert decoder(x=COLUMNS[column]).decode([{}]) == ({"x": [None]}, 1, ())


def test_own_names_of_reasons_are_used() -> None:
    column = {"type": "float", "min": 0, "reasons": {"min": "negative_price", "type": "no_price"}}
    assert reasons(decoder(x=column).decode([{"x": -1}, {"x": "free"}])) == ["negative_price", "no_price"]


def test_a_rule_that_does_not_exist_here_is_told() -> None:
    with pytest.raises(GateError, match=r"contract\.columns\.x\.rules\.lenght: .*did you mean 'length'\?"):
        one({"type": "text", "rules": {"lenght": 3}}, "abc")


def test_all_mistakes_of_all_rows_are_told_at_once_with_their_places() -> None:
    rows: list[dict[str, Any]] = [
        {"price": -1, "rooms": "3"},
        {"price": 1, "rooms": 2},
        {"prize": 1, "price": 101, "rooms": 1},
    ]
    found = decoder("rooms", price=COLUMNS["price"], rooms=COLUMNS["rooms"]).decode(rows).findings
    assert [(finding.row, finding.column, finding.reason) for finding in found] == [
        (0, "price", "below_min_price"),
        (0, "rooms", "invalid_rooms"),
        (2, "price", "above_max_price"),
        (2, "prize", "unknown_column"),
    ]
    assert found[-1].message == "the contract has no such column (did you mean 'price'?)"


def test_personal_data_is_not_in_the_messages_of_range_findings_which_may_be_logged() -> None:
    column = {"type": "float", "max": 120, "pii": "hash"}
    [finding] = one(column, 121.5).findings
    assert finding.message == "the value is above 120"


@given(value=st.one_of(st.integers(), st.floats()), column=st.sampled_from(["price", "open", "rooms", "number"]))
@example(value=10**400, column="price")
def test_a_number_that_is_answered_can_be_computed(value: float, column: str) -> None:
    inputs = one(COLUMNS[column], value)
    if not inputs.findings:
        assert abs(inputs.columns["x"][0]) <= LARGEST
        assert pl.Series(inputs.columns["x"], dtype=pl.Float32 if column in ("price", "open") else pl.Int64).len() == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100)
@given(rows=st.lists(st.dictionaries(st.sampled_from(sorted(COLUMNS)) | st.text(max_size=5), JSON), max_size=4))
def test_no_json_breaks_it(rows: list[dict[str, Any]]) -> None:
    inputs = decoder(*COLUMNS).decode(rows)
    assert {len(values) for values in inputs.columns.values()} == {len(rows)}
    assert all(0 <= finding.row < len(rows) for finding in inputs.findings)


DAYS = st.dates(min_value=datetime.date(1990, 1, 1))
VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "price": st.floats(-10, 110) | st.integers(-5, 105),
    "open": st.floats(-0.5, 1.5) | st.integers(0, 1),
    "rooms": st.integers(-3, 9),
    "number": st.integers(-(2**63), 2**63 - 1),
    "sold": st.booleans(),
    "colour": st.sampled_from(["red", " green", "blue", "Red"]),
    "grade": st.sampled_from(["0", "1", "1.0", "2.50", "05", "3"]),
    "flag": st.sampled_from(["true", "True", "FALSE", "no"]),
    "code": st.sampled_from(["AB1", "AB12 ", "ab1", "A1"]),
    "note": st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5),
    "level": st.integers(0, 4),
    "depth": st.integers(-1, 9) | st.floats(-1, 9),
    "day": DAYS.map(str) | DAYS.map(lambda day: f"{day.year}-{day.month}-{day.day}") | st.just("2026-02-31"),
    "german": DAYS.map(lambda day: f"{day:%d.%m.%Y}") | DAYS.map(str),
    "moment": st.datetimes(datetime.datetime(1990, 1, 1), datetime.datetime(2100, 1, 1)).flatmap(
        lambda at: st.sampled_from(
            [at.isoformat(), at.isoformat(" ", "minutes"), f"{at.isoformat()}Z", f"{at.isoformat()}+02:00"]
        )
    ),
}
ROWS = st.lists(
    st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()}), min_size=20, max_size=40
)


def gated(rows: list[dict[str, Any]]) -> tuple[Mapping[int, dict[str, Any]], Mapping[int, set[str]]]:
    """What the gate makes of rows from a typed source: row to its values, and row to its reasons."""
    columns = {name: {**column, "nullable": True} for name, column in COLUMNS.items()} | {"y": {"type": "float"}}
    project = Project.model_validate(
        {
            "project": "p",
            "task": "regression",
            "target": "y",
            "source": {"uri": "data.parquet", "nulls": [""]},
            "contract": {"columns": columns, "max_rejected": 1},
            "challengers": {"line": {"model": "linear"}},
        }
    )
    texts = {"colour", "grade", "flag", "code", "note", "day", "german", "moment"}
    kinds = {name: pl.String() for name in texts} | {"number": pl.Int64(), "rooms": pl.Int64(), "level": pl.Int64()}
    data = {name: pl.Series(name, [row[name] for row in rows], dtype=kinds.get(name), strict=False) for name in COLUMNS}
    frame = pl.DataFrame(data).with_columns(pl.lit(1.0).alias("y"), pl.int_range(len(rows)).alias(LINE))
    with tempfile.TemporaryDirectory() as folder:
        frame.write_parquet(path := Path(folder) / "data.parquet")
        gate(project, path, Path(folder), SilentProgress(), {})
        accepted = pl.read_parquet(Path(folder) / ACCEPTED)
        rejected = pl.read_parquet(Path(folder) / "rejected.parquet")
    taken = dict(zip(accepted[LINE], accepted.iter_rows(named=True), strict=True))
    return taken, {line: set(why) for line, why in rejected.select(LINE, "__reasons__").iter_rows()}


@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
@example(
    rows=[{**dict.fromkeys(VALUES), "note": text} for text in ("abcd ", "\x85abcd", "\x1cabc", "abcd\x1f", "\x1d")]
)
def test_what_the_gate_took_is_answered_with_the_same_values_and_what_it_refused_has_the_same_reasons(
    rows: list[dict[str, Any]],
) -> None:
    accepted, refused = gated(rows)
    for place, row in enumerate(rows):
        inputs = decoder().decode([json.loads(json.dumps(row))])
        assert set(reasons(inputs)) == refused.get(place, set()), row
        if place in accepted:
            read = {name: values[0] for name, values in inputs.columns.items()}
            assert read == {name: accepted[place][name] for name in COLUMNS}
