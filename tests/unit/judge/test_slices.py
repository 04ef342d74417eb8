"""A challenger may not be worse for one group of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from torneo.judge import Predictions, Rules
from torneo.judge.slices import judge_slices
from torneo.metrics import metric

Maker = Callable[..., Predictions]
RULES = Rules(metric("mae"), "holdout", 0.95)
GROUPS = np.array(["north", "south", "east", None], dtype=object)[np.arange(400) % 4]


def test_every_slice_is_judged_and_the_worse_one_found(values: Maker) -> None:
    champion = values(3, 1.0, rows=400)
    harmed = np.where(GROUPS == "south", 2.0, 0.8) * (values(4, 1.0, rows=400).predicted - champion.actual)
    found = judge_slices(champion, replace(champion, predicted=champion.actual + harmed), {"region": GROUPS}, RULES)
    assert [(each.value, each.rows) for each in found] == [
        ("(missing)", 100),
        ("east", 100),
        ("north", 100),
        ("south", 100),
    ]
    assert [each.value for each in found if each.p_adjusted < 0.05] == ["south"]
    south = found[-1]
    assert south.challenger_score > south.champion_score
    assert south.p_adjusted == pytest.approx(4 * south.p_value)


def test_correction_counts_the_slices_of_all_columns(values: Maker) -> None:
    champion, challenger = values(3, 1.0, rows=400), values(4, 1.3, rows=400)
    one = judge_slices(champion, challenger, {"region": GROUPS}, RULES)
    two = judge_slices(champion, challenger, {"region": GROUPS, "half": np.arange(400) % 2}, RULES)
    smallest = min(two, key=lambda each: each.p_value)
    assert (len(one), len(two)) == (4, 6)
    assert smallest.p_adjusted == pytest.approx(min(1, 6 * smallest.p_value))


def test_small_slices_and_slices_of_one_class_are_left_out(probabilities: Maker) -> None:
    champion, challenger = probabilities(3, 1.0), probabilities(4, 1.0)
    few = np.where(np.arange(300) < 29, "few", "many")
    found = judge_slices(
        champion, challenger, {"size": few, "label": champion.actual}, replace(RULES, metric=metric("auc"))
    )
    assert [each.value for each in found] == ["many"]


def test_nested_cross_validation_counts_rows_once(values: Maker, folded: Maker) -> None:
    champion, challenger = (folded(values(seed, error, rows=120), 3, 5) for seed, error in ((3, 1.0), (4, 3.0)))
    groups = np.tile(np.where(np.arange(120) < 80, "large", "small"), 3)
    found = judge_slices(champion, challenger, {"size": groups}, replace(RULES, protocol="nested_cv"))
    assert [(each.value, each.rows) for each in found] == [("large", 80), ("small", 40)]
    assert all(each.p_adjusted < 0.05 for each in found)


def test_values_for_other_rows_are_refused(values: Maker) -> None:
    with pytest.raises(ValueError, match="slice column region has 400 values for 200 judged rows"):
        judge_slices(values(3, 1.0), values(4, 1.0), {"region": GROUPS}, RULES)
