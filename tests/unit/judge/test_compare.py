"""Which test decides, what it says, and which verdict follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from torneo.judge import Predictions, Rules
from torneo.judge.bootstrap import paired_bootstrap
from torneo.judge.compare import TESTS, compare, evidence, p_worse, score, verdict
from torneo.judge.delong import delong
from torneo.judge.evidence import Evidence
from torneo.metrics import UndefinedMetricError, metric
from torneo.spec.records import Protocol

Maker = Callable[..., Predictions]
RMSE = Rules(metric("rmse"), "holdout", 0.95)


@pytest.mark.parametrize(
    ("name", "protocol", "by_time", "test"),
    [
        ("auc", "holdout", False, "DeLong's test"),
        ("accuracy", "holdout", False, "McNemar's exact test"),
        ("log_loss", "holdout", False, "paired t-test"),
        ("f1", "holdout", False, "paired bootstrap"),
        ("auc", "holdout", True, "paired block bootstrap"),
        ("accuracy", "holdout", True, "Diebold-Mariano test"),
        ("brier", "holdout", True, "Diebold-Mariano test"),
        ("auc", "nested_cv", False, "corrected resampled t-test"),
        ("accuracy", "nested_cv", False, "corrected resampled t-test"),
        ("f1", "nested_cv", False, "corrected resampled t-test"),
        ("accuracy", "nested_cv", True, "Diebold-Mariano test"),
        ("f1", "nested_cv", True, "paired block bootstrap"),
    ],
)
def test_the_test_follows_metric_protocol_and_order(
    probabilities: Maker, folded: Maker, name: str, protocol: Protocol, by_time: bool, test: str
) -> None:
    order = np.arange(300) if by_time else None
    champion, challenger = probabilities(3, 0.5, order=order), probabilities(4, 3.0, order=order)
    if protocol == "nested_cv":
        champion, challenger = (folded(each, 1 if by_time else 3, 5) for each in (champion, challenger))
    (found,) = compare(champion, {"better": challenger}, Rules(metric(name), protocol, 0.95, resamples=300))
    assert found.test == test
    assert found.verdict == "promote"
    assert found.rows == 300
    gain = metric(name).sign * (found.challenger_score - found.champion_score)
    assert found.gain == pytest.approx(gain)
    assert found.low < found.gain < found.high


def test_the_table_is_complete() -> None:
    assert len(TESTS) == 2 * 2 * 4


def test_of_more_classes_auc_is_drawn(holdout: Maker) -> None:
    random = np.random.default_rng(0)
    actual = random.integers(0, 3, 200)
    weak, strong = (random.random((200, 3)) + size * np.eye(3)[actual] for size in (0.1, 1.0))
    champion, challenger = (holdout(actual, raw / raw.sum(axis=1, keepdims=True)) for raw in (weak, strong))
    found = evidence(champion, challenger, Rules(metric("auc"), "holdout", 0.95, resamples=300))
    assert found.test == "paired bootstrap"
    assert found.p_value < 0.01


def test_standard_test_decides_and_bootstrap_gives_the_interval(probabilities: Maker) -> None:
    champion, challenger = probabilities(3, 1.0), probabilities(4, 1.4)
    found = evidence(champion, challenger, Rules(metric("auc"), "holdout", 0.9))
    exact = delong(champion, challenger, metric("auc"), confidence=0.9, min_gain=0.0)
    drawn = paired_bootstrap(champion, challenger, metric("auc"), confidence=0.9, min_gain=0.0)
    assert (found.p_value, found.test) == (exact.p_value, exact.test)
    assert (found.low, found.high) == (drawn.low, drawn.high)


def test_holm_corrects_for_the_number_of_challengers(values: Maker) -> None:
    champion = values(3, 1.25)
    challengers = {f"seed-{seed}": values(seed, 1.05) for seed in range(10, 15)}
    together = compare(champion, challengers, RMSE)
    alone = [compare(champion, {name: each}, RMSE)[0] for name, each in challengers.items()]
    assert [each.p_value for each in together] == [each.p_value for each in alone]
    smallest = min(together, key=lambda each: each.p_value)
    assert smallest.p_adjusted == pytest.approx(5 * smallest.p_value)
    assert all(each.p_adjusted == each.p_value for each in alone)


def test_verdicts(values: Maker) -> None:
    champion = values(3, 1.0)
    assert [
        each.verdict
        for each in compare(
            champion,
            {"better": values(4, 0.5), "worse": values(5, 2.0), "alike": values(6, 1.0), "same": champion},
            RMSE,
        )
    ] == ["promote", "keep", "inconclusive", "keep"]


def test_min_gain_must_be_exceeded_significantly(values: Maker) -> None:
    champion, challenger = values(3, 1.0), values(4, 0.8)
    gain = compare(champion, {"a": challenger}, RMSE)[0].gain
    assert compare(champion, {"a": challenger}, RMSE)[0].verdict == "promote"
    assert compare(champion, {"a": challenger}, replace(RMSE, min_gain=0.9 * gain))[0].verdict == "inconclusive"
    assert compare(champion, {"a": challenger}, replace(RMSE, min_gain=3 * gain))[0].verdict == "keep"


def test_verdict_needs_the_gain_itself() -> None:
    found = Evidence(-0.1, -0.2, 0.1, 0.01, "t")
    assert verdict(found, 0.01, 0.5, RMSE) == "inconclusive"
    assert verdict(found, 0.01, 0.04, RMSE) == "keep"


def test_p_worse_mirrors_the_p_value(values: Maker) -> None:
    better, worse = values(4, 0.5), values(3, 1.0)
    assert p_worse(better, worse, RMSE) == pytest.approx(evidence(worse, better, RMSE).p_value)
    assert p_worse(worse, better, RMSE) > 0.99


def test_score_of_nested_cross_validation_is_the_mean_over_folds(holdout: Maker) -> None:
    folds = np.array([0, 0, 1, 1])
    predictions = Predictions(np.zeros(4), np.array([1.0, 1.0, 3.0, 3.0]), np.zeros(4, dtype=np.int64), folds)
    assert score(predictions, metric("rmse"), "nested_cv") == 2.0
    assert score(predictions, metric("rmse"), "holdout") == pytest.approx(5**0.5)
    with pytest.raises(UndefinedMetricError, match="r2 has a value on none of the 2 folds"):
        score(predictions, metric("r2"), "nested_cv")
