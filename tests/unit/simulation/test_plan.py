"""Days are read from a command line, come in order, and are the same whichever days are played with them."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import small
from torneo.errors import ConflictError
from torneo.simulation.plan import Perturbation, Plan, chosen, moments, parse_perturbation, perturbed, random_of

DAY = datetime.date(2026, 3, 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("shift", "expected KIND:COLUMN=AMOUNT"),
        ("shift:age", "expected KIND:COLUMN=AMOUNT"),
        ("shift:=1", "expected KIND:COLUMN=AMOUNT"),
        ("shfit:age=1", "did you mean 'shift'"),
        ("shift:age=much", "needs a number"),
        ("scale:age=inf", "needs a number"),
        ("missing:age=1.5", "needs a share"),
        ("flip:y=-10%", "needs a share"),
    ],
)
def test_a_change_that_says_nothing_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_perturbation(text)


def test_a_column_may_have_any_name() -> None:
    assert parse_perturbation("shift:a=b:c=-2") == Perturbation(kind="shift", column="a=b:c", amount=-2)


def test_a_change_must_fit_the_columns() -> None:
    rows = small.table(2).with_columns(pl.lit(1.0).alias("b"))
    with pytest.raises(ConflictError, match="no column 'colur' \\(did you mean 'colour'"):
        Plan(drift=(parse_perturbation("missing:colur=1"),)).check(rows)
    with pytest.raises(ConflictError, match="shift has no meaning for colour"):
        Plan(drift=(parse_perturbation("shift:colour=1"),)).check(rows)
    with pytest.raises(ConflictError, match=r"b is 1\.0 in all rows that are played: shift changes nothing there"):
        Plan(drift=(parse_perturbation("shift:b=1"),)).check(rows)


@given(st.integers(0, 20), st.integers(0, 20))
def test_a_change_comes_after_its_days_and_never_goes(after: int, over: int) -> None:
    plan = Plan(drift=(parse_perturbation("shift:a=1"),), after=after, over=over)
    strengths = [plan.strength(day) for day in range(50)]
    assert strengths == sorted(strengths)
    assert strengths[:after] == [0.0] * after
    assert strengths[after + over] == 1.0


@given(st.integers(1, 300), st.integers(0, 5))
def test_the_rows_of_a_day_come_in_order_within_it(rows: int, seed: int) -> None:
    times = moments(DAY, rows, random_of(seed, DAY))
    assert times == sorted(times)
    assert {datetime.datetime.fromtimestamp(at / 1000, datetime.UTC).date() for at in times} == {DAY}
    assert times == moments(DAY, rows, random_of(seed, DAY))


@given(st.integers(1, 30), st.integers(0, 100), st.lists(st.integers(1, 20), min_size=1, max_size=5), st.integers(0, 3))
def test_every_row_has_its_turn_before_one_comes_again(rows: int, start: int, days: list[int], seed: int) -> None:
    whole = chosen(rows, start, sum(days), seed)
    parts = [chosen(rows, start + sum(days[:place]), count, seed) for place, count in enumerate(days)]
    assert whole == [row for part in parts for row in part], "days played apart are the days played together"
    series = chosen(rows, 0, 3 * rows, seed)
    assert [sorted(series[turn * rows : (turn + 1) * rows]) for turn in range(3)] == [list(range(rows))] * 3


@given(st.floats(0, 1), st.integers(0, 5))
def test_part_of_a_change_is_part_of_its_size(strength: float, seed: int) -> None:
    frame = small.table(40)
    drift = [parse_perturbation(text) for text in ("shift:a=2", "scale:b=3", "missing:colour=50%", "prior:y=100%")]
    made = perturbed(frame, drift[:3], strength, frame, np.random.default_rng(seed))
    assert made.columns == frame.columns
    assert made["b"].to_numpy() == pytest.approx(frame["b"].to_numpy() * (1 + 2 * strength))
    assert made["a"].to_numpy() == pytest.approx(
        frame["a"].to_numpy() + 2 * strength * np.std(frame["a"].to_numpy(), ddof=1)
    )
    assert made["colour"].null_count() == round(strength * 0.5 * 40)
    before = frame["y"].value_counts()["count"].min()
    assert isinstance(before, int)
    rarest = frame["y"].value_counts().sort("count", "y", descending=[True, False])["y"][-1]
    labels = perturbed(frame, drift[3:], strength, frame, np.random.default_rng(seed))
    wanted = before + strength * (40 - before)
    assert abs((labels["y"] == rarest).sum() - wanted) <= 1
    assert labels.height == 40


def test_no_part_of_a_change_is_no_change() -> None:
    frame = small.table(30)
    drift = [parse_perturbation(text) for text in ("shift:a=2", "flip:y=100%", "swap:colour=1", "prior:y=1")]
    assert_frame_equal(perturbed(frame, drift, 0.0, frame, np.random.default_rng(0)), frame)


def test_changes_of_the_rows_keep_a_row_together() -> None:
    frame = pl.DataFrame({"x": ["a", "b", "a", "a"], "y": [0, 1, 0, 0]})
    made = perturbed(frame, [parse_perturbation("prior:x=75%")], 1.0, frame, np.random.default_rng(0))
    assert ((made["x"] == "b") == (made["y"] == 1)).all()
    assert (made["y"] == 1).sum() == 3
