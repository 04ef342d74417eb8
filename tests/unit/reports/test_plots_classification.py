from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from torneo.reports import plots_classification as plots


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=60))
def test_the_curve_is_that_of_scikit_learn(rows: list[tuple[bool, int]]) -> None:
    positive = np.array([row[0] for row in rows])
    scores = np.array([row[1] / 5 for row in rows])
    if positive.all() or not positive.any():
        return
    true, false = plots.curve(positive, scores)
    area = np.trapezoid(true / true[-1], false / false[-1])
    assert area == pytest.approx(metrics.roc_auc_score(positive, scores))
    precision, recall = true[1:] / (true[1:] + false[1:]), true[1:] / true[-1]
    average = np.sum(np.diff(recall, prepend=0) * precision)
    assert average == pytest.approx(metrics.average_precision_score(positive, scores))


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=60))
def test_reliability_counts_every_row_once(rows: list[tuple[bool, float]]) -> None:
    positive = np.array([row[0] for row in rows])
    probability = np.array([row[1] for row in rows])
    counts, stated, found = plots.reliability(positive, probability)
    assert counts.sum() == len(rows)
    assert counts @ stated == pytest.approx(probability.sum())
    assert counts @ found == pytest.approx(positive.sum())


def test_wilson_is_the_textbook_interval() -> None:
    low, high = plots.wilson(np.array([0.0, 0.5]), np.array([10.0, 100.0]))
    assert low == pytest.approx([0.0, 0.4038], abs=1e-4)
    assert high == pytest.approx([0.2775, 0.5962], abs=1e-4)


def test_rare_classes_are_put_together_and_no_row_is_lost() -> None:
    actual = np.repeat(np.arange(40), np.arange(1, 41))
    found, matrix = plots.table(actual, actual[::-1].copy(), tuple(map(str, range(40))))
    assert (len(found), found[-1]) == (plots.CELLS, "others")
    assert matrix.sum() == len(actual)
    assert "39" in found
    assert "0" not in found


def test_the_worst_mistake_is_named() -> None:
    matrix = np.array([[5, 3], [1, 9]])
    assert plots.worst_mistake(["cat", "dog"], matrix) == "; most often 'cat' is taken for 'dog' (3)"
    assert plots.worst_mistake(["cat", "dog"], np.diag([5, 9])) == ""


def test_classes_that_cannot_be_told_apart_are_not_drawn() -> None:
    assert plots.shown_classes(np.array([0, 0, 1]), 2) == (1,)
    assert plots.shown_classes(np.array([1, 1]), 2) == ()
    assert plots.shown_classes(np.array([2, 2, 0]), 3) == (2, 0)
