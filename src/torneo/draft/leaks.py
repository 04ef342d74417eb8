"""Columns that know the answer: looked for on a sample, one column at a time.

A column leaks if it is only known once the target is. What can be seen in the data is: it equals the target, alone
predicts it almost perfectly on rows that were not used to learn how, or is filled only where the outcome is so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo.draft.facts import Decimal, as_number
from torneo.draft.guess import Guess
from torneo.draft.vocabulary import plain
from torneo.spec.project import Task

FEWEST_ROWS = 60
"""Below so many rows a perfect fit may be chance."""
CERTAIN = 0.9999
SUSPECT = 0.98
BIN_ROWS = 12
MOST_BINS = 200

Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Leak:
    """A column that looks like a leak."""

    name: str
    reason: str
    certain: bool
    """Whether models should not read it; otherwise a person decides."""
    skill: float = 1.0
    """How well it predicts alone, 1 at most."""


def leaks(sample: pl.DataFrame, columns: dict[str, Guess], target: str, task: Task, decimal: Decimal) -> list[Leak]:
    """Look at each usable column of a text sample."""
    nulls = tuple(text for each in columns.values() for text in each.nulls)
    sample = sample.with_columns(pl.when(~pl.col(n).is_in(list(nulls))).then(pl.col(n)).alias(n) for n in columns)
    found = [_filled_with_target(sample, name, target) for name, each in columns.items() if name != target]
    known = sample.filter(pl.col(target).is_not_null())
    if known.height >= FEWEST_ROWS:
        outcome = _outcome(known, target, task, decimal)
        usable = [each for name, each in columns.items() if name != target and each.usable]
        found += [_look(known, each, target, task, outcome, decimal) for each in usable]
    first = {leak.name: leak for leak in reversed(found) if leak is not None}
    return [first[name] for name in columns if name in first]


def _outcome(sample: pl.DataFrame, target: str, task: Task, decimal: Decimal) -> Numbers:
    """The target as numbers: values, or the codes of classes."""
    if task == "regression":
        return _numbers(sample, target, decimal)
    return sample[target].str.to_lowercase().rank("dense").cast(pl.Float64).to_numpy() - 1


def _numbers(sample: pl.DataFrame, name: str, decimal: Decimal) -> Numbers:
    numbers = sample.select(as_number(pl.col(name), decimal)).to_series()
    return np.asarray(numbers.fill_null(float("nan")).to_numpy(), dtype=np.float64)


def _filled_with_target(sample: pl.DataFrame, name: str, target: str) -> Leak | None:
    """Filled where the target is known, and empty where it is not."""
    unknown = sample[target].is_null()
    filled = sample[name].is_not_null()
    if unknown.sum() < 10 or filled.filter(~unknown).mean() is None:
        return None
    share_known, share_unknown = filled.filter(~unknown).mean(), filled.filter(unknown).mean()
    if float(share_known or 0) > 0.9 and float(share_unknown or 0) < 0.05:  # type: ignore[arg-type]
        return Leak(name, f"is filled only where {target} is known", certain=True)
    return None


def _look(
    sample: pl.DataFrame, column: Guess, target: str, task: Task, outcome: Numbers, decimal: Decimal
) -> Leak | None:
    name = column.name
    if sample[name].equals(sample[target]):
        return Leak(name, f"equals {target}", certain=True)
    bins = _bins(sample, column, decimal)
    skill = _explained(bins, outcome) if task == "regression" else _told_apart(bins, outcome)
    if task == "regression" and column.type in ("int", "float"):
        skill = max(skill, _linear(_numbers(sample, name, decimal), outcome))
    named = len(plain(target)) >= 4 and plain(target) in plain(name)
    if skill > CERTAIN or (skill > SUSPECT and task == "classification"):
        return Leak(name, f"alone predicts {target} ({_worded(skill, task)})", True, skill)
    empty = sample[name].is_null()
    if task == "classification" and empty.any() and not empty.all():
        gone = _told_apart(empty.cast(pl.Int64).to_numpy(), outcome)
        if gone > SUSPECT:
            return Leak(name, f"predicts {target} by being filled or not ({_worded(gone, task)})", certain=True)
    if skill > SUSPECT:
        return Leak(name, f"alone predicts {target} almost perfectly ({_worded(skill, task)})", False, skill)
    if named and skill > 0.5:
        return Leak(name, f"is named after {target} and predicts much of it ({_worded(skill, task)})", False, skill)
    return None


def _worded(skill: float, task: Task) -> str:
    digits = min(skill, 0.99999) if skill < 1 else 1.0
    return f"R² {digits:.5g}" if task == "regression" else f"{digits:.2%} of what the class shares leave open"


def _bins(sample: pl.DataFrame, column: Guess, decimal: Decimal) -> Codes:
    """Each row's bin: equal numbers or texts together, many numbers in quantiles, missing in a bin of its own."""
    if column.type in ("int", "float"):
        numbers = _numbers(sample, column.name, decimal)
        distinct = np.unique(numbers[np.isfinite(numbers)])
        count = int(min(MOST_BINS, max(len(numbers) // BIN_ROWS, 2)))
        if len(distinct) > count:
            edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, count + 1)[1:-1]))
            return np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers, side="right")).astype(np.int64)
        return np.where(np.isnan(numbers), -1, np.searchsorted(distinct, numbers)).astype(np.int64)
    return np.asarray(sample[column.name].fill_null("").rank("dense").to_numpy(), dtype=np.int64)


def _halves(rows: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """A random half to learn from, and the other to be judged on; the same ones each time."""
    first = np.random.default_rng(0).permutation(rows) < rows // 2
    return first, ~first


def _explained(bins: Codes, outcome: Numbers) -> float:
    """R² on one half of the rows of the means per bin of the other half."""
    known = np.isfinite(outcome)
    bins, outcome = np.unique(bins[known], return_inverse=True)[1], outcome[known]
    learn, judge = _halves(len(outcome))
    if not judge.any() or not learn.any() or np.var(outcome[judge]) == 0:
        return 0.0
    size = int(bins.max()) + 1
    counts = np.bincount(bins[learn], minlength=size)
    totals = np.bincount(bins[learn], weights=outcome[learn], minlength=size)
    means = np.where(counts > 0, totals / np.maximum(counts, 1), outcome[learn].mean())
    left = np.mean((outcome[judge] - means[bins[judge]]) ** 2)
    return float(1 - left / np.var(outcome[judge]))


def _linear(numbers: Numbers, outcome: Numbers) -> float:
    """R² of a straight line."""
    both = np.isfinite(numbers) & np.isfinite(outcome)
    if both.sum() < FEWEST_ROWS or np.std(numbers[both]) == 0 or np.std(outcome[both]) == 0:
        return 0.0
    return float(np.corrcoef(numbers[both], outcome[both])[0, 1] ** 2)


def _told_apart(bins: Codes, outcome: Numbers) -> float:
    """The share of the errors of guessing the commonest class that the commonest class per bin avoids (Goodman and
    Kruskal's lambda, 1954), learned on one half of the rows and judged on the other."""
    codes = np.unique(outcome, return_inverse=True)[1]
    bins = np.unique(bins, return_inverse=True)[1]
    learn, judge = _halves(len(codes))
    table = np.zeros((int(bins.max()) + 1, int(codes.max()) + 1))
    np.add.at(table, (bins[learn], codes[learn]), 1)
    commonest = int(np.bincount(codes[learn]).argmax())
    guesses = np.where(table.sum(axis=1) > 0, table.argmax(axis=1), commonest)
    base = np.mean(codes[judge] != commonest)
    wrong = np.mean(codes[judge] != guesses[bins[judge]])
    return float(1 - wrong / base) if base > 0 else 0.0
