from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from torneo.reports import plots_model as plots
from torneo.reports.style import Draw
from torneo.spec.records import Trial


def words(draw: Draw) -> tuple[str, str]:
    return draw(Figure().add_subplot())


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=80))
def test_dots_at_one_place_do_not_share_a_height(values: list[float]) -> None:
    heights = plots.swarm(np.array(values), 20.0)
    assert (np.abs(heights) <= 1).all()
    assert len(set(zip(values, heights.tolist(), strict=True))) == len(values)


def test_the_search_says_what_is_best_for_its_metric() -> None:
    trials = [Trial(params={}, scores=(score,)) for score in (0.5, 0.9, 0.7)]
    assert words(plots.search(trials, "auc"))[0] == "The best auc is 0.9, found in trial 2 of 3"
    assert words(plots.search(trials, "rmse"))[0] == "The best rmse is 0.5, found in trial 1 of 3"


def test_a_pruned_trial_is_never_the_best() -> None:
    trials = [Trial(params={}, scores=(3.0,)), Trial(params={}, scores=(1.0,), pruned=True)]
    assert words(plots.search(trials, "rmse"))[0] == "The best rmse is 3, found in trial 1 of 2"
    pruned = [Trial(params={}, scores=(1.0,), pruned=True)] * 2
    assert words(plots.search(pruned, "rmse"))[0] == "Every trial was stopped early"


def test_trials_without_a_score_are_left_out() -> None:
    trials = [Trial(params={}, scores=()), Trial(params={}, scores=(float("nan"),)), Trial(params={}, scores=(1.0,))]
    assert plots.scored(trials) == (trials[2],)


def test_the_most_important_input_is_named() -> None:
    assert words(plots.importance_bars({"b": 1.0, "a": 3.0}))[0] == "a matters most, 3 times as much as b"
    assert words(plots.importance_bars({"b": 1.0, "a": 1.1}))[0] == "a and b matter most"
    assert words(plots.importance_bars({"b": 0.0, "a": 1.1}))[0] == "a alone matters"
    assert words(plots.importance_bars({"b": 0.0, "a": -1.0}))[0] == "No input matters"


def test_many_inputs_are_cut_and_counted() -> None:
    assert words(plots.importance_bars({f"f{n}": float(n) for n in range(100)}))[1] == "the 20 largest of 100 inputs."


def test_shap_names_the_input_that_moves_most() -> None:
    values = np.array([[1.0, -5.0], [-1.0, 5.0]])
    draw = plots.beeswarm(("small", "large"), values, np.array([[1.0, np.nan], [2.0, np.nan]]))
    assert words(draw)[0] == "large moves predictions most, by 5 on average"
    assert words(plots.beeswarm(("a", "b"), np.zeros((2, 2)), values))[0] == "No input moves the predictions"
