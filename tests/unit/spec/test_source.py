"""Sources, joins and events."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from torneo.spec.source import Days, Events, Source

EVENTS: dict[str, Any] = {
    "contract": {"columns": {"who": {"type": "int"}, "day": {"type": "date"}, "price": {"type": "float"}}},
    "entity": "who",
    "time": "day",
    "cutoffs": ["2024-01-01", "2024-03-01"],
    "horizon": "60d",
    "features": {"n": {"by": "count"}, "sum": {"by": "sum", "of": "price", "within": "8w"}},
    "label": "again",
}


@pytest.mark.parametrize(("written", "days"), [("60d", 60), ("8w", 56), (" 1d ", 1), (7, 7)])
def test_days(written: str | int, days: int) -> None:
    assert TypeAdapter(Days).validate_python(written) == days


@pytest.mark.parametrize("written", ["60", "d", "1m", "-1d", "0d", 0, "²d", None, "1.5d"])
def test_what_is_no_number_of_days(written: object) -> None:
    with pytest.raises(ValidationError, match=r"expected days|greater than 0|valid integer|invalid literal"):
        TypeAdapter(Days).validate_python(written)


def test_events() -> None:
    events = Events.model_validate(EVENTS)
    assert (events.horizon, events.features["sum"].within, events.as_of) == (60, 56, "as_of")


def test_fault_12_the_label_of_one_cut_off_does_not_overlap_the_features_of_the_next() -> None:
    with pytest.raises(ValidationError, match=r"cutoffs: 2024-01-01 and 2024-02-29 are 59 days apart, less than the"):
        Events.model_validate({**EVENTS, "cutoffs": ["2024-02-29", "2024-01-01"]})
    assert Events.model_validate({**EVENTS, "horizon": 59, "cutoffs": ["2024-02-29", "2024-01-01"]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"entity": "whom"}, "entity: there is no event column 'whom'"),
        ({"time": "price"}, "time: price must have type date"),
        ({"features": {"a": {"by": "sum", "of": "x"}}}, "features.a.of: there is no event column 'x'"),
        ({"features": {"a": {"by": "sum"}}}, "by: sum needs `of`"),
        ({"features": {"a": {"by": "count", "of": "price"}}}, "by: count takes no `of`"),
        ({"features": {}}, "at least 1 item"),
        ({"cutoffs": []}, "at least 1 item"),
    ],
)
def test_events_that_do_not_fit(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Events.model_validate({**EVENTS, **change})


@pytest.mark.parametrize(
    "change", [{"delimiter": ";;"}, {"header_line": 0}, {"sha256": "ABC"}, {"decimal": ";"}, {"join": [{"uri": "x"}]}]
)
def test_sources_that_do_not_fit(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"source|Source"):
        Source.model_validate({"uri": "a.csv", **change})
