"""Two sketches side by side: counts over the same cells, few enough and full enough for a test."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from torneo.watch.sketch import Categories, Numbers, Sketch

Floats = npt.NDArray[np.float64]
EXPECTED = 5
"""A cell is expected to hold at least so many rows of the smaller side (Cochran 1954)."""
BINS = 10
CATEGORIES = 20
OTHER = "other"
SHOWN = 5
"""So many cells are shown with a test."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Counts of the window and of the baseline over the same cells."""

    labels: tuple[str, ...]
    window: Floats
    base: Floats

    @cached_property
    def shares(self) -> tuple[Floats, Floats]:
        """The window's and the baseline's share of each cell."""
        return self.window / self.window.sum(), self.base / self.base.sum()

    @cached_property
    def noise(self) -> float:
        """1/n + 1/m: the variance of a difference of shares, apart from the shares."""
        return float(1 / self.window.sum() + 1 / self.base.sum())

    @property
    def degrees(self) -> int:
        """Degrees of freedom."""
        return len(self.labels) - 1

    def __len__(self) -> int:
        return len(self.labels)


def cells(base: Sketch, window: Sketch) -> Cells:
    """Neighbouring bins, or rare categories, counted together until each cell holds enough rows.

    Which are counted together is decided by the sums of both sides, which says nothing of their difference. Of numbers
    at most 10 cells remain, of categories at most 20; what the baseline knows no category for is among the rare ones.
    """
    if isinstance(base, Numbers) and isinstance(window, Numbers):
        return _of_numbers(base, window)
    assert isinstance(base, Categories)  # noqa: S101 - for the type checker
    assert isinstance(window, Categories)  # noqa: S101 - for the type checker
    return _of_categories(base, window)


def _wanted(base: Sketch, window: Sketch, most: int) -> float:
    """The rows of both sides that a cell has to hold."""
    total, smaller = base.values + window.values, min(base.values, window.values)
    return max(total / most, EXPECTED * total / smaller)


def _of_numbers(base: Numbers, window: Numbers) -> Cells:
    both = np.array([window.counts, base.counts], dtype=np.float64)
    wanted, filled, ends = _wanted(base, window, BINS) * (1 - 1e-9), 0.0, []
    rest = both.sum()
    for place, rows in enumerate(both.sum(axis=0)):
        filled, rest = filled + rows, rest - rows
        if filled >= wanted and rest >= wanted:
            ends.append(place + 1)
            filled = 0.0
    starts = np.array([0, *ends])
    counts = np.add.reduceat(both, starts, axis=1)
    bounds = ["", *(f"{base.edges[end - 1]:.4g}" for end in ends), ""]
    labels = [_range(low, high) for low, high in itertools.pairwise(bounds)]
    return Cells(tuple(labels), counts[0], counts[1])


def _range(low: str, high: str) -> str:
    if not low and not high:
        return "all"
    return f"{low} to {high}" if low and high else f"up to {high}" if high else f"above {low}"


def _of_categories(base: Categories, window: Categories) -> Cells:
    rows = {name: (window.counts[name], count) for name, count in base.counts.items()}
    by_size = sorted(rows, key=lambda name: sum(rows[name]), reverse=True)
    wanted = _wanted(base, window, 10**9)
    kept = [name for name in by_size if sum(rows[name]) >= wanted][: CATEGORIES - 1]
    rare = [rows[name] for name in by_size[len(kept) :]] + [(window.other, base.other)]
    together = tuple(map(sum, zip(*rare, strict=True)))
    while kept and 0 < sum(together) < wanted:
        last = rows[kept.pop()]
        together = (together[0] + last[0], together[1] + last[1])
    named: Sequence[tuple[str, tuple[int, ...]]] = [(name, rows[name]) for name in kept]
    if sum(together) > 0:
        named = [*named, (OTHER, together)]
    counts = np.array([pair for _, pair in named], dtype=np.float64).reshape(-1, 2)
    return Cells(tuple(name for name, _ in named), counts[:, 0], counts[:, 1])
