"""Folds for cross-validation that respect the project's split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from torneo.errors import TrainError
from torneo.spec.project import Task

Indices = npt.NDArray[np.int64]
Fold = tuple[Indices, Indices]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows ready to fit: inputs (n, features), outcomes (n,), and what folds must respect."""

    X: pd.DataFrame
    y: npt.NDArray[np.float64] | npt.NDArray[np.int64]
    task: Task
    classes: int
    """How many classes there are; 0 for regression."""
    times: npt.NDArray[np.int64] | None = None
    groups: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Indices) -> Rows:
        """Some of the rows, in the order given."""
        return Rows(
            self.X.iloc[rows].reset_index(drop=True),
            self.y[rows],
            self.task,
            self.classes,
            None if self.times is None else self.times[rows],
            None if self.groups is None else self.groups[rows],
        )

    def select(self, features: Sequence[str]) -> Rows:
        """The same rows with some of the inputs."""
        return Rows(self.X[list(features)], self.y, self.task, self.classes, self.times, self.groups)


def folds(rows: Rows, count: int, *, seed: int) -> list[Fold]:
    """Pairs of training and scoring rows.

    By time: each fold scores the period after its training rows (rolling origin, Tashman 2000); there are fewer folds
    than asked for where there are as few moments. By group: no group on both sides. Classes keep their shares; other
    rows are shuffled by `seed`.

    Raises:
        TrainError: there are too few rows for so many folds.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

    if len(rows) < 2 * count:
        raise TrainError(f"{len(rows)} rows are too few for {count} folds", fix="lower `folds`, or add data")
    if rows.times is not None:
        return _rolling(rows.times, count)
    if rows.groups is not None:
        different = len(np.unique(rows.groups))
        if different < count:
            raise TrainError(f"{different} groups are too few for {count} folds", fix="lower `folds`, or add data")
        pairs = GroupKFold(count, shuffle=True, random_state=seed).split(rows.X, groups=rows.groups)
    elif rows.task == "classification":
        smallest = int(np.bincount(rows.y.astype(np.int64), minlength=rows.classes).min())
        if smallest < count:
            raise TrainError(
                f"the rarest class has {smallest} training rows, fewer than the {count} folds",
                fix="lower `folds`, or take the class out of the target's values",
            )
        pairs = StratifiedKFold(count, shuffle=True, random_state=seed).split(rows.X, rows.y)
    else:
        pairs = KFold(count, shuffle=True, random_state=seed).split(rows.X)
    return [(train.astype(np.int64), test.astype(np.int64)) for train, test in pairs]


def _rolling(times: npt.NDArray[np.int64], count: int) -> list[Fold]:
    moments = np.unique(times)
    if len(moments) < 3:
        raise TrainError(f"{len(moments)} moments in time are too few to validate on later ones", fix="add data")
    count = min(count, len(moments) - 1)
    ordered = np.sort(times)
    edges = [ordered[round(len(ordered) * part / (count + 1))] for part in range(1, count + 1)]
    if len(set(edges)) < count or edges[0] == ordered[0]:
        edges = [moments[round(len(moments) * part / (count + 1))] for part in range(1, count + 1)]
    ends = [*edges[1:], ordered[-1] + 1]
    return [
        (np.flatnonzero(times < start), np.flatnonzero((times >= start) & (times < end)))
        for start, end in zip(edges, ends, strict=True)
    ]
