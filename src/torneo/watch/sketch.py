"""Distributions in bounded memory that merge: the sketch of two parts together is the merge of their sketches.

A window of any size costs at most some hundred numbers per column. Cells are fixed by the training baseline, so that a
window and its baseline are counted alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from torneo.errors import BundleError, NotFoundError
from torneo.spec.frozen import Frozen, nearest
from torneo.spec.records import ERRORS

if TYPE_CHECKING:
    import polars as pl

UNSEEN = 10
"""So many names of unseen categories are kept, each cut to LONGEST characters."""
LONGEST = 80


class Numbers(Frozen):
    """The values of a numeric column: a histogram over the baseline's edges, and moments."""

    kind: Literal["numeric"] = "numeric"
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    """Values up to the first edge (below all of the baseline's), up to each next edge, and beyond the last."""
    missing: int = 0
    """Rows without a finite number."""
    mean: float = 0.0
    squares: float = 0.0
    """The sum of squared deviations from the mean."""
    low: float | None = None
    high: float | None = None

    @property
    def values(self) -> int:
        """Rows with a value."""
        return sum(self.counts)

    @property
    def rows(self) -> int:
        """All rows."""
        return self.values + self.missing

    @property
    def std(self) -> float:
        """The standard deviation (n - 1); 0 for fewer than two values."""
        return math.sqrt(max(self.squares, 0.0) / (self.values - 1)) if self.values > 1 else 0.0

    def merged(self, other: Sketch) -> Self:
        """Both together (Chan, Golub and LeVeque 1979 for the moments).

        Raises:
            ValueError: the edges differ, so the sketches are of different baselines.
        """
        if not isinstance(other, Numbers) or self.edges != other.edges:
            raise ValueError("sketches of different baselines cannot be merged")
        total = self.values + other.values
        gap = other.mean - self.mean
        share = other.values / total if total else 0.0
        return self.model_copy(
            update={
                "counts": tuple(map(sum, zip(self.counts, other.counts, strict=True))),
                "missing": self.missing + other.missing,
                "mean": self.mean + gap * share,
                "squares": self.squares + other.squares + gap * gap * share * self.values,
                "low": min((low for low in (self.low, other.low) if low is not None), default=None),
                "high": max((high for high in (self.high, other.high) if high is not None), default=None),
            }
        )


class Categories(Frozen):
    """The values of a categorical column: counts of the categories that the baseline keeps apart."""

    kind: Literal["categorical"] = "categorical"
    counts: Mapping[str, int]
    other: int = 0
    """Rows of other categories: those that the baseline counts together, and unseen ones."""
    missing: int = 0
    unseen: tuple[str, ...] = ()
    """Other categories by name, the first ten in alphabetical order."""

    @property
    def values(self) -> int:
        """Rows with a value."""
        return sum(self.counts.values()) + self.other

    @property
    def rows(self) -> int:
        """All rows."""
        return self.values + self.missing

    def merged(self, other: Sketch) -> Self:
        """Both together.

        Raises:
            ValueError: the categories differ, so the sketches are of different baselines.
        """
        if not isinstance(other, Categories) or self.counts.keys() != other.counts.keys():
            raise ValueError("sketches of different baselines cannot be merged")
        return self.model_copy(
            update={
                "counts": {name: count + other.counts[name] for name, count in self.counts.items()},
                "other": self.other + other.other,
                "missing": self.missing + other.missing,
                "unseen": tuple(sorted({*self.unseen, *other.unseen})[:UNSEEN]),
            }
        )


Sketch = Numbers | Categories
Sketches = Mapping[str, Sketch]
"""Sketches of one window, by column."""


@dataclass(frozen=True)
class Baseline:
    """The training rows' distributions; only what training wrote into a bundle becomes one."""

    columns: Mapping[str, Sketch]

    @classmethod
    def read(cls, columns: Mapping[str, Any]) -> Baseline:
        """From `BundleInfo.baseline`.

        Raises:
            BundleError: the bundle was made before baselines had what drift needs.
        """
        return cls({name: _reference(name, column) for name, column in columns.items() if name != ERRORS})

    def column(self, name: str) -> Sketch:
        """The distribution of a column.

        Raises:
            NotFoundError: the baseline does not have it.
        """
        if name not in self.columns:
            raise NotFoundError(
                f"the training baseline has no column {name[:LONGEST]!r}{nearest(name, self.columns)}",
                fix=f"watch one of: {', '.join(list(self.columns)[:20])}",
            )
        return self.columns[name]


def _reference(name: str, column: Mapping[str, Any]) -> Sketch:
    if column["kind"] == "categorical":
        return Categories(counts=column["counts"], other=column["other"], missing=column["missing"])
    edges, counts = tuple(column["edges"]), tuple(column["counts"])
    if len(counts) != len(edges) + 1:
        raise BundleError(
            f"the bundle's baseline of {name} was made by an older Torneo: it has {len(counts)} bins for "
            f"{len(edges)} edges",
            fix="train again: torneo run PROJECT",
        )
    return Numbers(
        edges=edges,
        counts=counts,
        missing=column["missing"],
        mean=column["mean"] or 0.0,
        squares=(column["std"] or 0.0) ** 2 * max(0, sum(counts) - 1),
        low=column["min"],
        high=column["max"],
    )


def sketch(baseline: Baseline, frame: pl.DataFrame) -> Sketches:
    """Sketches of all columns of a frame, each of which the baseline must have; rows keep no order.

    Raises:
        NotFoundError: the baseline lacks a column of the frame.

    >>> import polars as pl
    >>> edges = {"edges": [0, 1.5, 3], "counts": [0, 1, 1, 0], "mean": 1.5, "std": 0.7, "min": 1.0, "max": 2.0}
    >>> of_training = Baseline.read({"a": {"kind": "numeric", "rows": 2, "missing": 0, **edges}})
    >>> sketch(of_training, pl.DataFrame({"a": [1.0, 2.0, 2.0, 9.0, None]}))["a"].counts
    (0, 1, 2, 1)
    """
    return {name: sketch_column(baseline.column(name), frame[name]) for name in frame.columns}


def sketch_column(reference: Sketch, series: pl.Series) -> Sketch:
    """The sketch of a column's values, over the cells of its reference."""
    if isinstance(reference, Numbers):
        return _numbers(reference, series)
    return _categories(reference, series)


def _numbers(reference: Numbers, series: pl.Series) -> Numbers:
    import numpy as np
    import polars as pl

    values = series.cast(pl.Float64).drop_nulls().to_numpy()
    finite = np.isfinite(values)
    if not finite.all():
        values = values[finite]
    counts = np.bincount(np.searchsorted(reference.edges, values, side="left"), minlength=len(reference.edges) + 1)
    mean = float(values.mean()) if len(values) else 0.0
    deviations = values - mean
    return Numbers(
        edges=reference.edges,
        counts=tuple(counts.tolist()),
        missing=len(series) - len(values),
        mean=mean,
        squares=float(deviations @ deviations),
        low=float(values.min()) if len(values) else None,
        high=float(values.max()) if len(values) else None,
    )


def _categories(reference: Categories, series: pl.Series) -> Categories:
    import polars as pl

    table = series.rename("value").value_counts(name="rows").cast({"value": pl.String})
    found: dict[str | None, int] = {}
    for value, rows in table.iter_rows():
        name = value or None
        found[name] = found.get(name, 0) + rows
    missing = found.pop(None, 0)
    names = [name for name in found if name is not None and name not in reference.counts]
    return Categories(
        counts={name: found.get(name, 0) for name in reference.counts},
        other=sum(found[name] for name in names),
        missing=missing,
        unseen=tuple(sorted({name[:LONGEST] for name in names})[:UNSEEN]),
    )


def empty(baseline: Baseline) -> Sketches:
    """The sketches of no rows: what a window starts with."""
    return {name: _emptied(reference) for name, reference in baseline.columns.items()}


def _emptied(reference: Sketch) -> Sketch:
    if isinstance(reference, Numbers):
        return Numbers(edges=reference.edges, counts=(0,) * len(reference.counts))
    return Categories(counts=dict.fromkeys(reference.counts, 0))


def merge(first: Sketches, second: Sketches) -> Sketches:
    """The sketches of the rows of both; a column of one of them alone stays as it is.

    Raises:
        ValueError: they are of different baselines.
    """
    both = {**first, **second}
    for name in first.keys() & second.keys():
        one, other = first[name], second[name]
        both[name] = one.merged(other)
    return both
