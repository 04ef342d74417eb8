"""Fault 3: champion and challenger are compared on the same rows, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from torneo.errors import ConflictError
from torneo.judge import Predictions, check_same_rows

Maker = Callable[..., Predictions]


def test_same_rows_pass(values: Maker) -> None:
    check_same_rows({"champion": values(3, 1.0), "a": values(4, 1.0), "b": values(5, 2.0)})


def test_other_actual_values_are_refused(values: Maker) -> None:
    champion = values(3, 1.0)
    other = champion.actual.copy()
    other[[7, 9]] += 1
    with pytest.raises(
        ConflictError, match=r"'champion' and 'tuned' .* same rows .* actual: .* in row 7, and 1 more rows differ"
    ):
        check_same_rows({"champion": champion, "tuned": replace(champion, actual=other)})


def test_same_values_in_other_rows_are_refused(values: Maker) -> None:
    champion = replace(values(3, 1.0), line=np.arange(200))
    with pytest.raises(ConflictError, match="line: 0 against 1 in row 0, and 199 more rows differ"):
        check_same_rows({"champion": champion, "tuned": replace(champion, line=np.arange(200) + 1)})
    with pytest.raises(ConflictError, match="line: one has it and the other does not"):
        check_same_rows({"champion": champion, "tuned": replace(champion, line=None)})


@pytest.mark.parametrize("part", ["repeat", "fold", "order"])
def test_other_folds_or_order_are_refused(values: Maker, part: str) -> None:
    champion = replace(values(3, 1.0), order=np.arange(200))
    changed = np.arange(200)[::-1]
    with pytest.raises(ConflictError, match=f"{part}: "):
        check_same_rows({"champion": champion, "tuned": replace(champion, **{part: changed})})


def test_another_number_of_rows_is_refused(values: Maker) -> None:
    with pytest.raises(ConflictError, match="actual: 200 rows against 150"):
        check_same_rows({"champion": values(3, 1.0), "tuned": values(3, 1.0, rows=150)})


def test_unequal_lengths_and_holes_are_refused(values: Maker) -> None:
    whole = values(3, 1.0)
    with pytest.raises(ValueError, match=r"arrays of one length.*'fold': 3"):
        replace(whole, fold=np.zeros(3, dtype=np.int64))
    hole = whole.predicted.copy()
    hole[5] = np.nan
    with pytest.raises(ValueError, match="1 of 200 predictions are not finite numbers, the first in row 5"):
        replace(whole, predicted=hole)


def test_repetitions_count_their_rows_once(values: Maker, folded: Maker) -> None:
    repeated = folded(values(3, 1.0, rows=50), repeats=3, folds=5)
    assert (len(repeated), repeated.rows) == (150, 50)
    assert repeated.take(repeated.fold == 2).rows == 10
