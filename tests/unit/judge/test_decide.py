"""Decisions, with the faults 3 and 17 of hand-wired systems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from torneo.errors import ConflictError
from torneo.judge import Predictions, Rules, decide
from torneo.metrics import metric
from torneo.spec.project import Guardrail

Maker = Callable[..., Predictions]
RMSE = Rules(metric("rmse"), "holdout", 0.95)
BARS = {"rmse": Guardrail(sign="<", bar=1.5), "latency_ms": Guardrail(sign="<", bar=5)}


def test_a_better_challenger_is_promoted_with_its_evidence_in_words(values: Maker) -> None:
    decision = decide(
        {"tuned": values(4, 0.5)}, RMSE, selection={"tuned": 0.6}, champion=values(3, 1.0), label="version 3"
    )
    assert (decision.verdict, decision.winner, decision.champion, decision.rows) == (
        "promote",
        "tuned",
        "version 3",
        200,
    )
    assert set(decision.scores) == {"champion", "tuned"}
    found = decision.comparisons[0]
    assert decision.scores["tuned"] == found.challenger_score
    text = "\n".join(decision.words)
    assert "Promote: 'tuned' becomes champion in place of version 3." in text
    assert "same 200 rows, which none of them was trained or tuned on" in text
    assert f"rmse is {found.challenger_score:.4g} against {found.champion_score:.4g}" in text
    assert f"lies between {found.low:.4g} and {found.high:.4g}" in text
    assert "less than 0.1 % of such comparisons (paired t-test); the limit is 5 %" in text


def test_a_worse_challenger_is_not_promoted(values: Maker) -> None:
    decision = decide({"b": values(4, 2.0)}, RMSE, selection={"b": 0.1}, champion=values(3, 1.0), label="version 1")
    assert (decision.verdict, decision.winner) == ("keep", None)
    assert decision.words[0] == "Keep: version 1 stays champion."
    assert decision.words[-1] == "So 'b' is worse than the champion."


def test_inconclusive_says_how_many_rows_it_takes_and_they_do(values: Maker) -> None:
    rules = replace(RMSE, resamples=300)

    def judged(rows: int, seed: int) -> Any:
        challenger = {"b": values(2 * seed + 101, 0.95, rows=rows)}
        champion = values(2 * seed + 100, 1.0, rows=rows)
        return decide(challenger, rules, selection={"b": 1.0}, champion=champion, label="version 1")

    decision = judged(200, 10)
    assert (decision.verdict, decision.winner) == ("inconclusive", None)
    assert decision.words[0].startswith("Inconclusive: version 1 stays champion")
    (rows,) = [
        int(words.split("about ")[1].split(" judged")[0].replace(",", ""))
        for words in decision.words
        if "judged rows (now 200) would show it in 8 of 10 tries" in words
    ]
    scale = decision.comparisons[0].gain / 0.05
    promoted = sum(judged(round(rows * scale**2), seed).verdict == "promote" for seed in range(40))
    assert 24 <= promoted <= 39


def test_inconclusive_without_gain_says_what_could_be_shown(values: Maker) -> None:
    decision = decide({"b": values(4, 1.08)}, RMSE, selection={"b": 1.0}, champion=values(3, 1.0), label="version 1")
    assert decision.verdict == "inconclusive"
    assert "200 rows can show a gain of about" in decision.words[-1]


def test_identical_answers_keep_the_champion(values: Maker) -> None:
    decision = decide({"b": values(3, 1.0)}, RMSE, selection={"b": 0.1}, champion=values(3, 1.0), label="version 1")
    assert decision.verdict == "keep"
    assert decision.words[-1] == "So 'b' is the same as the champion on every row."


def test_fault_3_other_rows_are_refused(values: Maker) -> None:
    champion = values(3, 1.0)
    other = replace(values(4, 0.1), actual=champion.actual[::-1].copy())
    with pytest.raises(ConflictError, match="'champion' and 'b' were not scored on the same rows"):
        decide({"b": other}, RMSE, selection={"b": 0.1}, champion=champion, label="version 1")
    with pytest.raises(ConflictError, match="'a' and 'b' were not scored on the same rows"):
        decide({"a": values(4, 0.1), "b": other}, RMSE, selection={"a": 0.1, "b": 0.1})


def test_fault_3_the_winner_is_not_picked_by_the_judged_scores(values: Maker) -> None:
    """Both beat the champion; `lucky` looks best on the judged rows, `solid` was best in training."""
    challengers = {"lucky": values(4, 0.3), "solid": values(5, 0.5)}
    selection = {"lucky": 0.55, "solid": 0.5}
    decision = decide(challengers, RMSE, selection=selection, champion=values(3, 1.0), label="version 1")
    assert decision.scores["lucky"] < decision.scores["solid"]
    assert [each.verdict for each in decision.comparisons] == ["promote", "promote"]
    assert decision.winner == "solid"
    assert "'solid' is chosen because its cross-validated rmse on the training rows is best" in decision.words[-1]
    assert decide(challengers, RMSE, selection=selection).winner == "solid"


def test_selection_follows_the_metrics_direction(probabilities: Maker) -> None:
    challengers = {"a": probabilities(4, 2.0), "b": probabilities(5, 2.0)}
    rules = Rules(metric("auc"), "holdout", 0.95)
    assert decide(challengers, rules, selection={"a": 0.8, "b": 0.9}).winner == "b"


def test_first_champion_needs_only_the_guardrails(values: Maker) -> None:
    rules = replace(RMSE, guardrails=BARS)
    challengers = {"slow": values(4, 0.3), "good": values(5, 1.0), "poor": values(6, 2.0)}
    measured = {
        "slow": {"rmse": 0.3, "latency_ms": 9.0},
        "good": {"rmse": 1.0, "latency_ms": 1.0},
        "poor": {"rmse": 2.0, "latency_ms": 1.0},
    }
    selection = {"slow": 0.3, "good": 1.0, "poor": 0.2}
    decision = decide(challengers, rules, selection=selection, measured=measured)
    assert (decision.verdict, decision.winner, decision.champion) == ("promote", "good", None)
    assert decision.vetoes == {
        "slow": ("its latency_ms is 9, and the bar is < 5",),
        "poor": ("its rmse is 2, and the bar is < 1.5",),
    }
    assert decision.words[0] == "Promote: 'good' becomes the first champion."
    only_poor = decide({"poor": challengers["poor"]}, rules, selection=selection, measured=measured)
    assert (only_poor.verdict, only_poor.winner) == ("keep", None)
    assert only_poor.words[0] == "Keep: there is no champion yet, and no challenger may become one."
    with pytest.raises(ValueError, match="guardrail rmse: it was not measured for 'good'"):
        decide({"good": challengers["good"]}, rules, selection=selection)


def test_a_guardrail_vetoes_a_better_challenger(values: Maker) -> None:
    decision = decide(
        {"tuned": values(4, 0.5)},
        replace(RMSE, guardrails=BARS),
        selection={"tuned": 0.6},
        champion=values(3, 1.0),
        label="version 3",
        measured={"tuned": {"rmse": 0.5, "latency_ms": 50.0}},
    )
    assert (decision.verdict, decision.winner) == ("keep", None)
    assert decision.comparisons[0].verdict == "keep"
    assert decision.comparisons[0].p_adjusted < 0.05
    assert decision.words[-1] == "'tuned' cannot be promoted: its latency_ms is 50, and the bar is < 5."


def test_a_slice_vetoes_a_better_challenger(values: Maker) -> None:
    champion = values(3, 1.0)
    groups = np.where(np.arange(200) < 150, "many", "few")
    harmed = np.where(groups == "few", 2.0, 0.2) * (champion.predicted - champion.actual)
    challenger = {"b": replace(champion, predicted=champion.actual + harmed)}
    rules = Rules(metric("mae"), "holdout", 0.95)
    free = decide(challenger, rules, selection={"b": 0.5}, champion=champion, label="version 1")
    held = decide(
        challenger, rules, selection={"b": 0.5}, champion=champion, label="version 1", slices={"group": groups}
    )
    assert (free.winner, held.winner) == ("b", None)
    assert held.vetoes["b"][0].startswith("it is worse where group is few (50 rows): mae ")


def test_a_barred_challenger_is_not_promoted(values: Maker) -> None:
    decision = decide(
        {"tuned": values(4, 0.5), "other": values(5, 1.0)},
        RMSE,
        selection={"tuned": 0.6, "other": 1.0},
        champion=values(3, 1.0),
        label="version 3",
        barred={"tuned": ["version 2 has the same recipe and was rolled back by hand"], "absent": ["x"]},
    )
    assert decision.winner is None
    assert set(decision.vetoes) == {"tuned"}
    assert "rolled back by hand" in decision.words[-1]


def test_incomplete_questions_are_refused(values: Maker) -> None:
    with pytest.raises(ValueError, match="there is no challenger to judge"):
        decide({}, RMSE, selection={})
    with pytest.raises(ValueError, match=r"no cross-validated training score \(selection\) for: b"):
        decide({"b": values(4, 1.0)}, RMSE, selection={"a": 1.0})
    with pytest.raises(ValueError, match="not label None alone"):
        decide({"b": values(4, 1.0)}, RMSE, selection={"b": 1.0}, champion=values(3, 1.0))


def _fit_and_predict(X: Any, y: Any, new: Any) -> Any:
    """Least squares as a classifier: probabilities (n, 2)."""
    weights, *_ = np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)
    positive = np.clip(np.column_stack([np.ones(len(new)), new]) @ weights, 0.01, 0.99)
    return np.column_stack([1 - positive, positive])


def _two_of_one_recipe(random: np.random.Generator, folds: list[tuple[int, int, Any]]) -> list[Predictions]:
    """400 rows; on each part, one recipe trained twice on bootstrap samples of the other rows."""
    y = random.integers(0, 2, 400)
    X = random.normal(size=(400, 12)) + 0.35 * y[:, None]
    answers: list[list[Any]] = [[], []]
    for _, _, scored in folds:
        train = np.setdiff1d(np.arange(400), scored)
        for side in answers:
            sample = random.choice(train, len(train))
            side.append(_fit_and_predict(X[sample], y[sample], X[scored]))
    rows = np.concatenate([scored for _, _, scored in folds])
    repeat = np.concatenate([np.full(len(scored), repeat) for repeat, _, scored in folds])
    fold = np.concatenate([np.full(len(scored), fold) for _, fold, scored in folds])
    return [Predictions(y[rows], np.concatenate(side), repeat, fold, line=rows) for side in answers]


def test_fault_17_one_split_promotes_luck_and_the_nested_protocol_does_not() -> None:
    random = np.random.default_rng(0)
    accuracy = metric("accuracy")
    rules = Rules(accuracy, "nested_cv", 0.95)
    naive = promoted = 0
    single_scores = []
    for _ in range(120):
        split = [(0, 0, random.permutation(400)[:80])]
        champion, challenger = _two_of_one_recipe(random, split)
        scores = [accuracy(each.actual, each.predicted) for each in (champion, challenger)]
        single_scores.append(scores[0])
        naive += scores[1] > scores[0]
        folds = [
            (repeat, fold, part)
            for repeat in range(3)
            for fold, part in enumerate(np.array_split(random.permutation(400), 5))
        ]
        champion, challenger = _two_of_one_recipe(random, folds)
        decision = decide({"b": challenger}, rules, selection={"b": 0.0}, champion=champion, label="version 1")
        promoted += decision.winner is not None
    assert max(single_scores) - min(single_scores) > 0.15
    assert naive / 120 > 0.3
    assert promoted <= 0.02 * 120


def test_fault_17_the_nested_protocol_finds_a_true_gain(probabilities: Maker, folded: Maker) -> None:
    champion, challenger = (folded(probabilities(seed, size, rows=400), 3, 5) for seed, size in ((3, 0.8), (4, 2.0)))
    decision = decide(
        {"b": challenger},
        Rules(metric("accuracy"), "nested_cv", 0.95),
        selection={"b": 0.8},
        champion=champion,
        label="version 1",
    )
    assert decision.winner == "b"
    assert "nested cross-validation on the same 400 rows" in decision.words[1]
