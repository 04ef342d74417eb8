"""What the judge reads: predictions for rows, and the proof that all were made for the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from torneo.errors import ConflictError

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions for n judged rows. A holdout has repeat = fold = 0 everywhere.

    Raises:
        ValueError: the arrays have different lengths, are empty, or a prediction is not a number.
    """

    actual: npt.NDArray[Any]
    """Values (n,) for regression, class indices (n,) for classification."""
    predicted: Floats
    """Values (n,) for regression, probabilities (n, k) for classification."""
    repeat: Integers
    """The repetition of nested cross-validation that scored the row."""
    fold: Integers
    """The fold within the repetition."""
    order: npt.NDArray[Any] | None = None
    """For splits by time: a number that grows with time. Rows of one moment share it."""
    line: Integers | None = None
    """What identifies the rows (`__line__`), where it is known."""

    def __post_init__(self) -> None:
        lengths = {name: len(array) for name, array in self._arrays().items()}
        if len(set(lengths.values())) != 1 or not len(self.actual):
            raise ValueError(f"predictions need arrays of one length, at least one row, not {lengths}")
        bad = np.flatnonzero(~np.isfinite(self.predicted.reshape(len(self.predicted), -1)).all(axis=1))
        if len(bad):
            raise ValueError(f"{len(bad)} of {len(self)} predictions are not finite numbers, the first in row {bad[0]}")

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        arrays = {
            "actual": self.actual,
            "predicted": self.predicted,
            "repeat": self.repeat,
            "fold": self.fold,
            "order": self.order,
            "line": self.line,
        }
        return {name: array for name, array in arrays.items() if array is not None}

    def __len__(self) -> int:
        return len(self.actual)

    @property
    def rows(self) -> int:
        """How many different rows are judged: repetitions count once."""
        return int((self.repeat == self.repeat[0]).sum())

    def take(self, kept: npt.NDArray[np.bool_]) -> Predictions:
        """The rows for which the mask (n,) is true."""
        return Predictions(**{name: array[kept] for name, array in self._arrays().items()})


def check_same_rows(predictions: Mapping[str, Predictions]) -> None:
    """Refuse to compare models on different rows, or on the same rows in different orders.

    Raises:
        ConflictError: two of them differ in what was judged.
    """
    (first, reference), *others = predictions.items()
    for name, other in others:
        for part in ("actual", "repeat", "fold", "order", "line"):
            difference = _difference(getattr(reference, part), getattr(other, part))
            if difference:
                raise ConflictError(
                    f"{first!r} and {name!r} were not scored on the same rows in the same order: {part}: {difference}",
                    fix="score all models on one set of rows, then judge again",
                )


def _difference(one: npt.NDArray[Any] | None, other: npt.NDArray[Any] | None) -> str:
    if one is None or other is None:
        return "" if one is other else "one has it and the other does not"
    if len(one) != len(other):
        return f"{len(one)} rows against {len(other)}"
    unequal = np.flatnonzero(one != other)
    if not len(unequal):
        return ""
    place = unequal[0]
    return f"{one[place]} against {other[place]} in row {place}, and {len(unequal) - 1} more rows differ"
