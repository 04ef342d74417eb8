"""Scores of predictions, one function per metric.

Everywhere, `actual` is float (n,) for regression and class index (n,) for classification; `predicted` is float (n,)
for regression and probabilities (n, k) for classification. Of two classes, index 1 is the positive one; with more,
the scores of a class are averaged over the classes, each against the rest (macro).
Definitions are those of scikit-learn's `sklearn.metrics`, with which the tests compare them.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from torneo.errors import NotFoundError
from torneo.spec.project import Task

Floats = npt.NDArray[np.float64]
Actual = npt.NDArray[Any]
Needs = Literal["values", "labels", "probabilities"]
Function = Callable[[Actual, Floats], float]
RowFunction = Callable[[Actual, Floats], Floats]


class UndefinedMetricError(ValueError):
    """The metric has no value on these rows."""


@dataclass(frozen=True)
class Metric:
    """A named score; calling it checks the shapes first.

    >>> metric("mae")(np.array([1.0, 2.0]), np.array([1.5, 2.5]))
    0.5
    """

    name: str
    bigger_is_better: bool
    tasks: tuple[Task, ...]
    needs: Needs
    """What of the predictions it reads: values, the most probable labels, or probabilities."""
    function: Function
    per_row: RowFunction | None = None
    """One value per row (n,), NaN for rows left out, of which the metric is the mean or the root of the mean."""
    root: bool = False
    """Whether the metric is the root of that mean."""

    @property
    def sign(self) -> int:
        """1 if more is better, -1 if less is."""
        return 1 if self.bigger_is_better else -1

    def __call__(self, actual: Actual, predicted: Floats) -> float:
        """Score the predictions of n rows.

        Raises:
            ValueError: the shapes do not fit.
            UndefinedMetricError: the metric has no value on these rows.
        """
        dimensions = 1 if self.needs == "values" else 2
        if predicted.ndim != dimensions or actual.ndim != 1 or len(actual) != len(predicted):
            expected = "(n,)" if dimensions == 1 else "(n, classes)"
            raise ValueError(
                f"{self.name} takes actual (n,) and predicted {expected}, not {actual.shape} and {predicted.shape}"
            )
        if len(actual) == 0:
            raise UndefinedMetricError(f"{self.name} has no value on no rows")
        return float(self.function(actual, predicted))


METRICS: dict[str, Metric] = {}
"""All metrics by name."""


def metric(name: str, task: Task | None = None) -> Metric:
    """Find a metric by name, one that fits the task if one is given.

    >>> metric("auc", "classification").bigger_is_better
    True

    Raises:
        NotFoundError: there is none; the message has the nearest name and all there are.
    """
    known = [each.name for each in METRICS.values() if task is None or task in each.tasks]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        kind = f" for {task}" if task else ""
        raise NotFoundError(f"there is no metric {name[:60]!r}{kind} ({hint}there are: {', '.join(known)})")
    return METRICS[name]


def score_all(actual: Actual, predicted: Floats, task: Task) -> dict[str, float]:
    """All metrics of the task that have a value on these rows.

    >>> score_all(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]), "classification")["auc"]
    1.0
    """
    scores = {}
    for each in METRICS.values():
        if task in each.tasks:
            try:
                scores[each.name] = each(actual, predicted)
            except UndefinedMetricError:
                continue
    return scores


def labels_of(probabilities: Floats) -> npt.NDArray[np.int64]:
    """The most probable class of each row, the first of equals: probabilities (n, k) to indices (n,)."""
    return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)


def midranks(values: Floats) -> Floats:
    """Ranks from 1, equal values sharing the mean of their ranks: (n,) to (n,).

    >>> midranks(np.array([10.0, 30.0, 10.0])).tolist()
    [1.5, 3.0, 1.5]
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(values)])
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (sizes + 1) / 2, sizes)
    return ranks


def _score(name: str, needs: Needs) -> Callable[[Function], Function]:
    """Register a metric of which more is better and that is no mean over rows."""

    def register(function: Function) -> Function:
        task: Task = "regression" if needs == "values" else "classification"
        METRICS[name] = Metric(name, True, (task,), needs, function)
        return function

    return register


def _row_mean(
    name: str, needs: Needs, *, bigger_is_better: bool = False, root: bool = False
) -> Callable[[RowFunction], RowFunction]:
    """Register a metric that is the mean of the function's values, or the root of their mean."""

    def register(per_row: RowFunction) -> RowFunction:
        def function(actual: Actual, predicted: Floats) -> float:
            values = per_row(actual, predicted)
            kept = values[~np.isnan(values)]
            if len(kept) == 0:
                raise UndefinedMetricError(f"{name} has no value: no row can be scored")
            return float(np.sqrt(kept.mean()) if root else kept.mean())

        task: Task = "regression" if needs == "values" else "classification"
        METRICS[name] = Metric(name, bigger_is_better, (task,), needs, function, per_row, root)
        return per_row

    return register


@_row_mean("rmse", "values", root=True)
def squared_error(actual: Actual, predicted: Floats) -> Floats:
    """The squared error of each row; the root of their mean is rmse."""
    return np.square(actual - predicted)


@_row_mean("mae", "values")
def absolute_error(actual: Actual, predicted: Floats) -> Floats:
    """The absolute error of each row; their mean is mae."""
    return np.asarray(np.abs(actual - predicted), dtype=np.float64)


@_score("r2", "values")
def r2(actual: Actual, predicted: Floats) -> float:
    """The share of the variance that is explained, 1 - SSE / SST."""
    spread = float(np.square(actual - actual.mean()).sum())
    if spread == 0:
        raise UndefinedMetricError("r2 has no value: all actual values are equal")
    return 1 - float(squared_error(actual, predicted).sum()) / spread


@_row_mean("mape", "values")
def relative_error(actual: Actual, predicted: Floats) -> Floats:
    """The absolute error as a share of the actual value; rows with actual 0 are left out. Their mean is mape."""
    known = actual != 0
    return np.where(known, np.abs(actual - predicted) / np.where(known, np.abs(actual), 1), np.nan)


@_row_mean("rmspe", "values", root=True)
def squared_relative_error(actual: Actual, predicted: Floats) -> Floats:
    """The square of the relative error; rows with actual 0 are left out. The root of their mean is rmspe."""
    return np.square(relative_error(actual, predicted))


@_row_mean("accuracy", "labels", bigger_is_better=True)
def correct(actual: Actual, predicted: Floats) -> Floats:
    """1 where the most probable class is the actual one, else 0; their mean is accuracy."""
    return np.asarray(labels_of(predicted) == actual, dtype=np.float64)


def _confusion(actual: Actual, predicted: Floats) -> Floats:
    """Counts (k, k): actual class by predicted class."""
    classes = predicted.shape[1]
    pairs = actual.astype(np.int64) * classes + labels_of(predicted)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.float64)


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _per_class(score: Floats, counts: Floats) -> float:
    """The positive class's score, or the mean over the classes that occur."""
    if len(score) == 2:
        return float(score[1])
    return float(score[counts.sum(axis=0) + counts.sum(axis=1) > 0].mean())


@_score("balanced_accuracy", "labels")
def balanced_accuracy(actual: Actual, predicted: Floats) -> float:
    """The mean over the classes of the share of their rows that is found."""
    counts = _confusion(actual, predicted)
    present = counts.sum(axis=1) > 0
    return float((np.diag(counts)[present] / counts.sum(axis=1)[present]).mean())


@_score("f1", "labels")
def f1(actual: Actual, predicted: Floats) -> float:
    """The harmonic mean of precision and recall; 0 where a class is neither there nor predicted."""
    counts = _confusion(actual, predicted)
    return _per_class(_share(2 * np.diag(counts), counts.sum(axis=0) + counts.sum(axis=1)), counts)


@_score("precision", "labels")
def precision(actual: Actual, predicted: Floats) -> float:
    """The share of the rows predicted as a class that are of it; 0 if none is predicted."""
    counts = _confusion(actual, predicted)
    return _per_class(_share(np.diag(counts).copy(), counts.sum(axis=0)), counts)


@_score("recall", "labels")
def recall(actual: Actual, predicted: Floats) -> float:
    """The share of a class's rows that is found; 0 if it has none."""
    counts = _confusion(actual, predicted)
    return _per_class(_share(np.diag(counts).copy(), counts.sum(axis=1)), counts)


def _one_against_rest(name: str, actual: Actual, predicted: Floats, score: Function) -> float:
    classes: Sequence[int] = [1] if predicted.shape[1] == 2 else range(predicted.shape[1])
    scores = []
    for index in classes:
        positive = actual == index
        if positive.all() or not positive.any():
            raise UndefinedMetricError(f"{name} has no value: the rows are all of class {index}, or none is")
        scores.append(score(positive, predicted[:, index]))
    return float(np.mean(scores))


def _binary_auc(positive: Actual, score: Floats) -> float:
    positives = int(positive.sum())
    wins = midranks(score)[positive].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * (len(score) - positives)))


def _binary_average_precision(positive: Actual, score: Floats) -> float:
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(score[order]) != 0, True])
    found = np.cumsum(positive[order])[last]
    return float(np.sum(np.diff(np.r_[0, found]) / positive.sum() * found / (last + 1)))


@_score("auc", "probabilities")
def auc(actual: Actual, predicted: Floats) -> float:
    """The area under the ROC curve: how often a positive row is ranked above a negative one."""
    return _one_against_rest("auc", actual, predicted, _binary_auc)


@_score("average_precision", "probabilities")
def average_precision(actual: Actual, predicted: Floats) -> float:
    """The mean precision over the recall steps of the ranking."""
    return _one_against_rest("average_precision", actual, predicted, _binary_average_precision)


@_row_mean("log_loss", "probabilities")
def surprise(actual: Actual, predicted: Floats) -> Floats:
    """Minus the logarithm of the actual class's probability; their mean is log_loss."""
    share: Floats = predicted[np.arange(len(actual)), actual.astype(np.int64)]
    return -np.log(np.clip(share, np.finfo(np.float64).eps, 1.0))


@_row_mean("brier", "probabilities")
def squared_probability_error(actual: Actual, predicted: Floats) -> Floats:
    """The squared error of the probabilities, of the positive one of two classes or of all; their mean is brier."""
    if predicted.shape[1] == 2:
        return np.asarray(np.square(predicted[:, 1] - (actual == 1)), dtype=np.float64)
    hits = actual[:, None] == np.arange(predicted.shape[1])
    return np.asarray(np.square(predicted - hits).sum(axis=1), dtype=np.float64)
