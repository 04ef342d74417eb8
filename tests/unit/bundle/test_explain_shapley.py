"""Shapley values of plain functions, whose truth is known or can be had by counting."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torneo.bundle.explain_shapley import FEWEST, Design, Floats, Values, design, shapley

EVERYTHING = 10**9


@dataclass(frozen=True, eq=False)
class Case:
    """A function, a row and background rows."""

    function: Callable[[Floats], Floats]
    row: Floats
    background: Floats

    def ask(self, plan: Design) -> Values:
        def answer(masks: np.ndarray, background: np.ndarray) -> Floats:
            return self.function(np.where(masks, self.row, self.background[background]))

        start = self.function(self.background[plan.background])
        differs = self.background[plan.background] != self.row
        return shapley(plan, answer, differs, float(self.function(self.row[None])[0]), start)


def tangled(X: Floats) -> Floats:
    """Interactions of two and three inputs; the last input does nothing."""
    return X[:, 0] * X[:, 1] * (X[:, 2] > 0) + np.maximum(X[:, 3], X[:, 4]) * X[:, 5] + X[:, 6]


def case(function: Callable[[Floats], Floats] = tangled, *, inputs: int = 8, rows: int = 60, seed: int = 0) -> Case:
    random = np.random.default_rng(seed)
    return Case(function, random.normal(size=inputs), random.normal(size=(rows, inputs)))


def test_counts_all_coalitions_as_shapley_does() -> None:
    made = case(lambda X: X[:, 0] * X[:, 1] + np.exp(X[:, 2]) * X[:, 0], inputs=3, rows=5)
    found = made.ask(design(3, 5, budget=100, seed=0))
    for place in range(3):
        total = 0.0
        for order in itertools.permutations(range(3)):
            before = list(order[: order.index(place)])
            without, with_it = made.background.copy(), made.background.copy()
            without[:, before] = made.row[before]
            with_it[:, [*before, place]] = made.row[[*before, place]]
            total += float((made.function(with_it) - made.function(without)).mean())
        assert found.values[place] == pytest.approx(total / math.factorial(3), abs=1e-12)
    assert found.errors.tolist() == [0, 0, 0]


def test_orders_come_near_by_the_error_that_is_stated() -> None:
    """Over many designs the mean is the exact value, and the spread is the stated error."""
    made = case()
    exact = made.ask(design(8, 60, budget=EVERYTHING, seed=0)).values
    found = [made.ask(design(8, 60, budget=1680, seed=seed)) for seed in range(200)]
    off = np.array([one.values - exact for one in found])
    there = np.sqrt((off**2).mean(axis=0))[:6]
    stated = np.sqrt(np.mean([one.errors**2 for one in found], axis=0))[:6]
    np.testing.assert_allclose(stated, there, rtol=0.2)
    assert (np.abs(off.mean(axis=0)[:6]) < 4 * there / np.sqrt(len(found))).all()
    assert (np.abs(off[:, 7]) == 0).all(), "an input that does nothing has a value"


def test_more_budget_less_error() -> None:
    made = case()
    small, large = (made.ask(design(8, 60, budget=budget, seed=1)).errors[:6].mean() for budget in (1680, 14_000))
    assert large < small / 2


@pytest.mark.parametrize("budget", [EVERYTHING, 400])
def test_inputs_of_a_sum_get_their_own_part(budget: int) -> None:
    weights = np.arange(1.0, 9.0)
    made = case(lambda X: X @ weights)
    plan = design(8, 60, budget=budget, seed=0)
    found = made.ask(plan)
    expected = weights * (made.row - made.background[plan.background].mean(axis=0))
    np.testing.assert_allclose(found.values, expected, atol=1e-12)
    assert found.spread < 1e-12
    assert (found.errors < 1e-12).all()


@given(
    inputs=st.integers(1, 9),
    rows=st.integers(1, 15),
    budget=st.sampled_from([0, 50, 500, 10_000]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=80, deadline=None)
def test_adds_up_and_gives_nothing_for_equal_values(inputs: int, rows: int, budget: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    weights = random.normal(size=(3, inputs))
    row, background = random.integers(0, 3, inputs), random.integers(0, 3, (rows, inputs))
    background[:, 0] = row[0]
    made = Case(lambda X: np.sin(X @ weights[0]) * (X @ weights[1]) + (X @ weights[2] > 1), row, background)
    plan = design(inputs, rows, budget=budget, seed=seed)
    found = made.ask(plan)
    base = made.function(background[plan.background]).mean()
    assert base + found.values.sum() == pytest.approx(float(made.function(row[None])[0]), abs=1e-9)
    assert found.values[0] == pytest.approx(0, abs=1e-12)


@given(inputs=st.integers(1, 300), background=st.integers(1, 200), budget=st.integers(0, 20_000))
@settings(max_examples=200, deadline=None)
def test_keeps_to_the_budget(inputs: int, background: int, budget: int) -> None:
    plan = design(inputs, background, budget=budget, seed=0)
    assert plan.evaluations <= max(budget, 4 * FEWEST * inputs)
    assert len(set(plan.background.tolist())) == len(plan.background) <= background
    assert 0 <= plan.background.min() <= plan.background.max() < background
    if plan.orders is not None:
        assert (np.sort(plan.orders, axis=2) == np.arange(inputs)).all()
        assert (plan.orders[:, ::2] == plan.orders[:, 1::2, ::-1]).all()
