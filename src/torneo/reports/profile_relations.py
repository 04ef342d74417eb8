"""How columns relate to the target and to each other; computed on a sample where there are many rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo.reports.profile_columns import codes
from torneo.reports.profile_records import Correlations, Group, Matrix, Relation
from torneo.reports.profile_types import Typed
from torneo.reports.text import moment, number, short
from torneo.spec.project import Task

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

TENTHS = 10
CATEGORIES = 30
"""The most values of a category that are told apart."""
SHOWN = 8
SMALL = 10
"""Fewer rows than this say nothing."""
NUMBERS = 40
"""The most columns of one matrix."""


def relation(typed: Typed, target: Typed, task: Task, name: str, positive: str | None) -> Relation | None:
    """What a column (n,) says about the target (n,); None where that cannot be computed."""
    outcome, what = _outcome(target, task, name, positive)
    if outcome is None or typed.kind not in ("number", "time", "category") or not len(typed.values):
        return None
    places, labels = _groups(typed)
    known = np.isfinite(outcome[:, 0])
    places, outcome = places[known], outcome[known]
    places = np.where(places < 0, len(labels), places)
    labels = (*labels, "missing")
    counts = np.bincount(places, minlength=len(labels)).astype(np.float64)
    if (counts >= 1).sum() < 2 or len(places) < SMALL:
        return None
    strength = explained(places, counts, outcome)
    column = _most_different(places, counts, outcome)
    if task == "classification" and not positive:
        what = f"share of {short(codes(target.values, CATEGORIES)[1][column], 20)!r}"
    sums = np.bincount(places, weights=outcome[:, column], minlength=len(labels))
    order = [place for place in range(len(labels)) if counts[place] > 0]
    shown = order if typed.kind != "category" else order[:SHOWN]
    groups = tuple(Group(labels[p], int(counts[p]), float(sums[p] / counts[p])) for p in shown)
    mean, spread = float(outcome[:, column].mean()), float(outcome[:, column].std())
    return Relation(strength, groups, mean, spread, what)


def _outcome(target: Typed, task: Task, name: str, positive: str | None) -> tuple[Floats | None, str]:
    """The target as columns (n, k): its values, or one indicator per class; NaN rows have none."""
    if task == "regression":
        if target.kind != "number":
            return None, ""
        return target.values.to_numpy().astype(np.float64).reshape(-1, 1), f"mean {name}"
    if not len(target.values) or target.values.dtype != pl.String:
        return None, ""
    if positive is not None:
        values = (target.values == positive).cast(pl.Float64).to_numpy()
        return np.asarray(values, dtype=np.float64).reshape(-1, 1), f"share of {positive!r}"
    places, labels = codes(target.values, CATEGORIES)
    indicators = np.eye(len(labels))[np.maximum(places, 0)]
    indicators[places < 0] = np.nan
    return indicators, ""


def _groups(typed: Typed) -> tuple[Codes, tuple[str, ...]]:
    """The group of each row, -1 if it is missing, and the groups' labels: tenths of the rows, or values."""
    if typed.kind == "category":
        return codes(typed.values, CATEGORIES)
    values = typed.values.to_numpy().astype(np.float64)
    known = np.isfinite(values)
    distinct = np.unique(values[known])
    if len(distinct) <= TENTHS:
        starts = distinct
    else:
        starts = np.unique(np.quantile(values[known], np.arange(TENTHS) / TENTHS, method="higher"))
    places = np.searchsorted(starts, values, "right") - 1
    words = moment if typed.kind == "time" else number
    return np.where(known, places, -1), tuple(words(float(start)) for start in starts)


def explained(places: Codes, counts: Floats, outcome: Floats) -> float:
    """The share of the variation of columns (n, k) that groups (n,) explain, adjusted for their number; 0 … 1.

    >>> explained(np.array([0, 0, 1, 1]), np.array([2.0, 2.0]), np.array([[1.0], [1.0], [5.0], [5.0]]))
    1.0
    """
    total = float(np.square(outcome - outcome.mean(axis=0)).sum())
    groups, rows = int((counts > 0).sum()), len(places)
    if total <= 0 or rows <= groups:
        return 0.0
    sums = np.stack([np.bincount(places, weights=column, minlength=len(counts)) for column in outcome.T], axis=1)
    means = sums / np.maximum(counts, 1)[:, None]
    within = float(np.square(outcome - means[places]).sum())
    return float(np.clip(1 - within / total * (rows - 1) / (rows - groups), 0, 1))


def _most_different(places: Codes, counts: Floats, outcome: Floats) -> int:
    """The class whose share differs most between groups."""
    if outcome.shape[1] == 1:
        return 0
    sums = np.stack([np.bincount(places, weights=column, minlength=len(counts)) for column in outcome.T], axis=1)
    means = sums / np.maximum(counts, 1)[:, None]
    return int((counts @ np.square(means - outcome.mean(axis=0))).argmax())


def correlations(columns: Mapping[str, Typed]) -> Correlations:
    """Pearson and Spearman of numbers, Cramér's V of categories; at most 40 columns each, the first ones."""
    numbers = {name: each for name, each in columns.items() if each.kind == "number" and _varies(each)}
    categories = {name: each for name, each in columns.items() if each.kind == "category" and _varies(each)}
    left_out = max(0, len(numbers) - NUMBERS) + max(0, len(categories) - NUMBERS)
    names, others = tuple(numbers)[:NUMBERS], tuple(categories)[:NUMBERS]
    pearson_of, spearman_of = np.zeros((0, 0)), np.zeros((0, 0))
    if len(names) > 1:
        values = np.stack([numbers[name].values.to_numpy().astype(np.float64) for name in names], axis=1)
        ranks = np.stack([numbers[name].values.rank("average").to_numpy() for name in names], axis=1)
        pearson_of, spearman_of = pearson(values), pearson(ranks.astype(np.float64))
    coded = [codes(categories[name].values, CATEGORIES)[0] for name in others]
    cramer = np.eye(len(others))
    for row, first in enumerate(coded):
        for column in range(row):
            cramer[row, column] = cramer[column, row] = cramers_v(first, coded[column])
    if len(names) < 2:
        names = ()
    return Correlations(names, _rows(pearson_of), _rows(spearman_of), others, _rows(cramer), left_out)


def _varies(typed: Typed) -> bool:
    return typed.values.drop_nulls().n_unique() > 1


def _rows(matrix: Floats) -> Matrix:
    return tuple(tuple(float(value) for value in row) for row in matrix)


def pearson(values: Floats) -> Floats:
    """Correlations (f, f) of columns (n, f), each pair on the rows where both are known; NaN where undefined."""
    known = np.isfinite(values)
    counts = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, values, 0.0)
    centred = np.where(known, centred - centred.sum(axis=0) / counts, 0.0)
    scale = np.sqrt(np.square(centred).sum(axis=0) / counts)
    centred /= np.where(scale > 0, scale, 1.0)
    mask = known.astype(np.float64)
    rows = mask.T @ mask
    sums = centred.T @ mask
    squares = np.square(centred).T @ mask
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = centred.T @ centred - sums * sums.T / rows
        spread = squares - np.square(sums) / rows
        result = covariance / np.sqrt(np.maximum(spread * spread.T, 0))
    result[(rows < SMALL) | (spread < 1e-12) | (spread.T < 1e-12)] = np.nan
    return np.asarray(np.clip(result, -1, 1), dtype=np.float64)


def cramers_v(first: Codes, second: Codes) -> float:
    """Cramér's V of two coded columns (n,), corrected for bias (Bergsma 2013); -1 is missing; NaN for too few rows.

    >>> cramers_v(np.arange(100) % 2, np.arange(100) % 2)
    1.0
    """
    both = (first >= 0) & (second >= 0)
    first, second = first[both], second[both]
    rows = len(first)
    if rows < SMALL:
        return float("nan")
    height, width = int(first.max()) + 1, int(second.max()) + 1
    table = np.bincount(first * width + second, minlength=height * width).reshape(height, width)
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    height, width = table.shape
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / rows
    phi = float((np.square(table - expected) / expected).sum()) / rows
    phi = max(0.0, phi - (height - 1) * (width - 1) / (rows - 1))
    least = min(height - (height - 1) ** 2 / (rows - 1), width - (width - 1) ** 2 / (rows - 1)) - 1
    return float(min(1.0, np.sqrt(phi / least))) if least > 0 else float("nan")
