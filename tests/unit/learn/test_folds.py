"""Folds respect time, groups and classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import small
from torneo.errors import TrainError
from torneo.learn.folds import Rows, folds


def of(y: list[int], **parts: object) -> Rows:
    rows = small.rows(len(y))
    codes = np.asarray(y, dtype=np.int64)
    return Rows(rows.X, codes, "classification", max(y) + 1, **parts)  # type: ignore[arg-type]


def test_every_row_is_scored_once() -> None:
    rows = small.rows(53)
    pairs = folds(rows, 5, seed=1)
    assert sorted(np.concatenate([test for _, test in pairs])) == list(range(53))
    assert all(sorted([*train, *test]) == list(range(53)) for train, test in pairs)


def test_folds_depend_on_the_seed_only() -> None:
    rows = small.rows(50)
    assert [test.tolist() for _, test in folds(rows, 5, seed=1)] == [
        test.tolist() for _, test in folds(rows, 5, seed=1)
    ]
    assert [test.tolist() for _, test in folds(rows, 5, seed=1)] != [
        test.tolist() for _, test in folds(rows, 5, seed=2)
    ]


@settings(deadline=None)
@given(st.lists(st.integers(0, 2), min_size=20, max_size=60), st.integers(2, 5))
def test_each_class_is_in_each_fold(y: list[int], count: int) -> None:
    if len(set(y)) < max(y) + 1 or min(y.count(each) for each in set(y)) < count:
        with pytest.raises(TrainError, match=f"the rarest class has .* training rows, fewer than the {count} folds"):
            folds(of(y), count, seed=0)
        return
    for train, test in folds(of(y), count, seed=0):
        codes = np.asarray(y)
        assert set(codes[train]) == set(codes[test]) == set(y)


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), min_size=20, max_size=60), st.integers(2, 5))
def test_no_group_is_on_both_sides(groups: list[int], count: int) -> None:
    rows = small.rows(len(groups), groups=np.asarray(groups, dtype=np.int64))
    if len(set(groups)) < count:
        with pytest.raises(TrainError, match=f"{len(set(groups))} groups are too few for {count} folds"):
            folds(rows, count, seed=0)
        return
    for train, test in folds(rows, count, seed=0):
        assert not {groups[row] for row in train} & {groups[row] for row in test}
        assert len(test)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 15), min_size=12, max_size=60), st.integers(2, 6))
def test_fault_4_rolling_folds_never_look_ahead(moments: list[int], count: int) -> None:
    """Fault 4: the future leaked into training."""
    times = np.asarray(moments, dtype=np.int64)
    rows = small.rows(len(times), times=times)
    if len(set(moments)) < 3:
        with pytest.raises(TrainError, match="moments in time are too few"):
            folds(rows, count, seed=0)
        return
    pairs = folds(rows, count, seed=0)
    assert len(pairs) == min(count, len(set(moments)) - 1)
    last = -1
    for train, test in pairs:
        assert len(train)
        assert len(test)
        assert times[train].max() < times[test].min()
        assert times[test].min() > last
        last = times[test].max()
    assert last == times.max()


def test_too_few_rows() -> None:
    with pytest.raises(TrainError, match="9 rows are too few for 5 folds"):
        folds(small.rows(9), 5, seed=0)


def test_rows_taken_and_inputs_selected() -> None:
    rows = small.rows(10, times=np.arange(10), groups=np.arange(10) // 2)
    some = rows.take(np.array([7, 1])).select(["b"])
    assert (len(some), some.X.columns.tolist()) == (2, ["b"])
    assert some.times is not None
    assert some.groups is not None
    assert (some.times.tolist(), some.groups.tolist()) == ([7, 1], [3, 0])
    assert some.X["b"].tolist() == rows.X["b"].iloc[[7, 1]].tolist()
