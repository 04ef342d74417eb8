"""Rows from events: nothing of the future in the features, nothing of the past in the label."""

from __future__ import annotations

import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torneo.engines.events import build_rows
from torneo.errors import SourceError
from torneo.spec.source import Events

START = datetime.date(2026, 1, 1)
FEATURES = {
    "n": {"by": "count"},
    "n10": {"by": "count", "within": "10d"},
    "total": {"by": "sum", "of": "amount"},
    "total10": {"by": "sum", "of": "amount", "within": "10d"},
    "mean": {"by": "mean", "of": "amount"},
    "low": {"by": "min", "of": "units"},
    "high10": {"by": "max", "of": "units", "within": "10d"},
    "kinds": {"by": "nunique", "of": "kind"},
    "age": {"by": "days_since_first"},
    "idle": {"by": "days_since_last"},
    "idle10": {"by": "days_since_last", "within": "10d"},
}
SCHEMA = {"who": pl.String, "day": pl.Date, "amount": pl.Float64, "units": pl.Int64, "kind": pl.String}


def day(number: int) -> datetime.date:
    return START + datetime.timedelta(days=number)


def spec(**changes: object) -> Events:
    columns = {
        "who": {"type": "category"},
        "day": {"type": "date"},
        "amount": {"type": "float"},
        "units": {"type": "int"},
        "kind": {"type": "text"},
    }
    values = {
        "contract": {"columns": columns},
        "entity": "who",
        "time": "day",
        "cutoffs": [day(30), day(50)],
        "horizon": "20d",
        "features": FEATURES,
        "label": "back",
    }
    return Events.model_validate({**values, **changes})


def rows(events: list[tuple[object, ...]], **changes: object) -> pl.DataFrame:
    return build_rows(pl.LazyFrame(events, schema=SCHEMA, orient="row"), spec(**changes))


END = ("the end", day(99), 0.0, 0, "z")
EVENT = st.tuples(
    st.sampled_from(["a", "b", "c"]),
    st.integers(0, 75).map(day),
    st.none() | st.integers(-9, 9).map(float),
    st.none() | st.integers(-9, 9),
    st.none() | st.sampled_from(["x", "y"]),
)
EVENTS = st.lists(EVENT, max_size=25)
FIRST = ("a", day(0), 1.0, 1, "x")


def test_each_feature_by_hand() -> None:
    events = [
        ("a", day(5), 1.0, 3, "x"),
        ("a", day(20), 2.0, None, None),
        ("a", day(21), None, 7, "x"),
        ("a", day(30), 4.0, 5, "y"),
        ("a", day(31), 100.0, 100, "never"),
        ("b", day(20), 8.0, 1, "x"),
        END,
    ]
    frame = rows(events, cutoffs=[day(30)])
    assert frame.columns == ["who", "as_of", *FEATURES, "back", "__line__"]
    assert frame.rows() == [
        ("a", day(30), 4, 2, 7.0, 4.0, 7 / 3, 3, 7, 2, 25, 0, 0, "1", 1),
        ("b", day(30), 1, 0, 8.0, 0.0, 8.0, 1, None, 1, 10, 10, None, "0", 2),
    ]
    kinds = dict(frame.schema)
    assert {kinds[name] for name in FEATURES} == {pl.Int64, pl.Float64}
    assert (kinds["as_of"], kinds["back"]) == (pl.Date, pl.String)


def test_the_horizon_begins_after_the_cutoff_and_contains_its_last_day() -> None:
    for after, label in ((0, "0"), (1, "1"), (20, "1"), (21, "0")):
        frame = rows([("a", day(10), 1.0, 1, "x"), ("a", day(30 + after), 1.0, 1, "x"), END], cutoffs=[day(30)])
        assert frame["back"].to_list() == [label]


@given(events=EVENTS, other=EVENTS, cutoff=st.sampled_from([30, 50]))
@settings(deadline=None, max_examples=60)
def test_no_event_after_the_cutoff_changes_a_feature(
    events: list[tuple[object, ...]], other: list[tuple[object, ...]], cutoff: int
) -> None:
    past = [FIRST, *(event for event in events if event[1] <= day(cutoff))]  # type: ignore[operator]
    future, changed = ([event for event in some if event[1] > day(cutoff)] for some in (events, other))  # type: ignore[operator]
    before, after = (rows([*past, *some, END], cutoffs=[day(cutoff)]).drop("back") for some in (future, changed))
    assert before.equals(after)


@given(events=EVENTS, other=EVENTS, cutoff=st.sampled_from([30, 50]))
@settings(deadline=None, max_examples=60)
def test_no_event_on_or_before_the_cutoff_changes_a_label(
    events: list[tuple[object, ...]], other: list[tuple[object, ...]], cutoff: int
) -> None:
    future = [event for event in events if event[1] > day(cutoff)]  # type: ignore[operator]
    known = [(who, day(0), None, None, None) for who in "abc"]
    past, changed = ([event for event in some if event[1] <= day(cutoff)] for some in (events, other))  # type: ignore[operator]
    before, after = (
        rows([*known, *some, *future, END], cutoffs=[day(cutoff)]).select("who", "back") for some in (past, changed)
    )
    assert before.equals(after)


@given(events=EVENTS, order=st.randoms())
@settings(deadline=None, max_examples=20)
def test_the_order_of_events_does_not_matter(events: list[tuple[object, ...]], order: object) -> None:
    shuffled = [FIRST, *events, END]
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    left, right = rows([FIRST, *events, END]), rows(shuffled)
    assert left.equals(right)
    assert left["__line__"].to_list() == list(range(1, len(left) + 1))
    assert left.select("as_of", "who").rows() == sorted(left.select("as_of", "who").rows())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"cutoffs": [day(30), day(80)]},
            "labels as of 2026-03-22 look until 2026-04-11, but the last event is of 2026-04-10",
        ),
        ({"cutoffs": [START - datetime.timedelta(days=1)]}, "no event is on or before the cut-off 2025-12-31"),
        ({"features": {"x": {"by": "sum", "of": "kind"}}}, "features.x: sum needs numbers; 'kind' has none"),
        ({"features": {"x": {"by": "max", "of": "day"}}}, "features.x: max needs numbers"),
        ({"label": "who"}, "the name 'who' is given to two columns"),
        ({"features": {"as_of": {"by": "count"}}}, "the name 'as_of' is given to two columns"),
    ],
)
def test_what_would_mislead_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SourceError, match=message.replace(".", r"\.")):
        rows([FIRST, END], **changes)


def test_a_horizon_that_ends_on_the_last_day_is_known() -> None:
    assert rows([FIRST, END], cutoffs=[day(79)])["back"].to_list() == ["0"]


def test_no_events_are_refused() -> None:
    with pytest.raises(SourceError, match="there are no events"):
        rows([])


def test_the_same_customers_as_by_hand_in_real_purchases(shared_data: Path) -> None:
    events = pl.scan_csv(shared_data / "cdnow_transactions.csv", try_parse_dates=True).with_columns(
        pl.col("customer_id").cast(pl.String).alias("who"),
        pl.col("date").alias("day"),
        pl.col("price").alias("amount"),
        pl.col("quantity").alias("units"),
        pl.lit("cd").alias("kind"),
    )
    cutoff = datetime.date(1998, 4, 1)
    frame = build_rows(events, spec(cutoffs=[cutoff], horizon="60d"))
    plain = events.collect()
    past = plain.filter(pl.col("day") <= cutoff)
    later = plain.filter(pl.col("day").is_between(cutoff, cutoff + datetime.timedelta(days=60), closed="right"))
    back = set(later["who"]) & set(past["who"])
    assert len(frame) == past["who"].n_unique()
    assert frame.filter(pl.col("back") == "1").height == len(back)
    assert frame["n"].sum() == past.height
    assert frame["total"].sum() == pytest.approx(past["price"].sum())
