"""A challenger against the champion: which test, which score, which verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from torneo.judge.bootstrap import paired_bootstrap
from torneo.judge.corrected_t import corrected_t, fold_scores
from torneo.judge.delong import delong
from torneo.judge.diebold_mariano import diebold_mariano
from torneo.judge.evidence import Evidence, PairedTest
from torneo.judge.holm import holm
from torneo.judge.mcnemar import mcnemar
from torneo.judge.paired_t import paired_t
from torneo.judge.predictions import Predictions
from torneo.judge.rules import Rules
from torneo.metrics import Metric, UndefinedMetricError
from torneo.spec.records import Comparison, Protocol, Verdict

Kind = Literal["two-class auc", "accuracy", "row mean", "other"]

TESTS: Mapping[tuple[Protocol, Literal["any order", "by time"], Kind], PairedTest] = {
    ("holdout", "any order", "two-class auc"): delong,
    ("holdout", "any order", "accuracy"): mcnemar,
    ("holdout", "any order", "row mean"): paired_t,
    ("holdout", "any order", "other"): paired_bootstrap,
    ("holdout", "by time", "two-class auc"): paired_bootstrap,
    ("holdout", "by time", "accuracy"): diebold_mariano,
    ("holdout", "by time", "row mean"): diebold_mariano,
    ("holdout", "by time", "other"): paired_bootstrap,
    ("nested_cv", "any order", "two-class auc"): corrected_t,
    ("nested_cv", "any order", "accuracy"): corrected_t,
    ("nested_cv", "any order", "row mean"): corrected_t,
    ("nested_cv", "any order", "other"): corrected_t,
    ("nested_cv", "by time", "two-class auc"): paired_bootstrap,
    ("nested_cv", "by time", "accuracy"): diebold_mariano,
    ("nested_cv", "by time", "row mean"): diebold_mariano,
    ("nested_cv", "by time", "other"): paired_bootstrap,
}
"""The standard test for each way of judging; paired_bootstrap draws blocks where the rows are ordered in time."""


def standard_test(predictions: Predictions, metric: Metric, protocol: Protocol) -> PairedTest:
    """The test that decides for these predictions."""
    kind: Kind = "row mean" if metric.per_row is not None else "other"
    if metric.name == "accuracy":
        kind = "accuracy"
    if metric.name == "auc" and predictions.predicted.shape[1] == 2:
        kind = "two-class auc"
    return TESTS[protocol, "any order" if predictions.order is None else "by time", kind]


def score(predictions: Predictions, metric: Metric, protocol: Protocol) -> float:
    """The metric on the judged rows; for nested cross-validation the mean over the folds, except in time.

    Raises:
        UndefinedMetricError: the metric has no value on these rows, or on no fold.
    """
    if protocol == "holdout" or predictions.order is not None:
        return metric(predictions.actual, predictions.predicted)
    scores = fold_scores(predictions, metric)
    if np.isnan(scores).all():
        raise UndefinedMetricError(f"{metric.name} has a value on none of the {len(scores)} folds")
    return float(np.nanmean(scores))


def evidence(champion: Predictions, challenger: Predictions, rules: Rules) -> Evidence:
    """What the standard test says; on a holdout, with the bootstrap's interval of the gain.

    Over the folds of cross-validation rows are not independent, so there the test's own interval stands.

    Raises:
        UndefinedMetricError: the metric cannot be tested on these rows.
    """
    metric, confidence, min_gain = rules.metric, rules.confidence, rules.min_gain
    test = standard_test(champion, metric, rules.protocol)
    if test is not paired_bootstrap:
        found = test(champion, challenger, metric, confidence=confidence, min_gain=min_gain)
        if rules.protocol == "nested_cv":
            return found
    drawn = paired_bootstrap(
        champion,
        challenger,
        metric,
        confidence=confidence,
        min_gain=min_gain,
        resamples=rules.resamples,
        seed=rules.seed,
    )
    return drawn if test is paired_bootstrap else replace(found, low=drawn.low, high=drawn.high)


def p_worse(champion: Predictions, challenger: Predictions, rules: Rules) -> float:
    """One-sided: the chance of such a loss if the challenger were not worse than the champion.

    Raises:
        UndefinedMetricError: the metric cannot be tested on these rows.
    """
    test = standard_test(champion, rules.metric, rules.protocol)
    return test(challenger, champion, rules.metric, confidence=rules.confidence, min_gain=0.0).p_value


def compare(champion: Predictions, challengers: Mapping[str, Predictions], rules: Rules) -> tuple[Comparison, ...]:
    """All challengers against the champion, corrected for their number, in the order given.

    Raises:
        UndefinedMetricError: the metric cannot be tested on these rows.
    """
    found = {name: evidence(champion, challenger, rules) for name, challenger in challengers.items()}
    adjusted = holm([each.p_value for each in found.values()])
    champion_score = score(champion, rules.metric, rules.protocol)
    return tuple(
        Comparison(
            challenger=name,
            metric=rules.metric.name,
            champion_score=champion_score,
            challenger_score=score(challengers[name], rules.metric, rules.protocol),
            gain=each.gain,
            low=each.low,
            high=each.high,
            p_value=each.p_value,
            p_adjusted=p_adjusted,
            test=each.test,
            rows=champion.rows,
            verdict=verdict(each, p_adjusted, p_worse(champion, challengers[name], rules), rules),
        )
        for (name, each), p_adjusted in zip(found.items(), adjusted, strict=True)
    )


def verdict(found: Evidence, p_adjusted: float, worse: float, rules: Rules) -> Verdict:
    """`promote` on a significant gain; `keep` if a gain above `min_gain` is ruled out; else `inconclusive`."""
    if p_adjusted < rules.level and found.gain > rules.min_gain:
        return "promote"
    if found.high <= rules.min_gain or worse < rules.level:
        return "keep"
    return "inconclusive"
