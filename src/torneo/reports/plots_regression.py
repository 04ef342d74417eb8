"""Pictures of a regression's errors. An error is predicted minus actual. Imported lazily: matplotlib loads at once."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from torneo.reports.style import BLUE, HEIGHT, MUTED, RED, WIDTH, Draw
from torneo.reports.text import measured, number, share

Floats = npt.NDArray[np.float64]

DRAWN = 4000
"""The most points of one picture."""
SEED = 0
DUST = 1e-9
"""A range this small, of its values, is rounding."""
GROUPS = 3
GROWTH = 1.5
"""By what factor errors must differ between low and high predictions for the title to say so."""


def pictures(actual: Floats, predicted: Floats, unit: str) -> list[tuple[str, Draw, float, float]]:
    """Predicted against actual, residuals against predicted, and the residuals' histogram; none for no rows."""
    if not len(actual):
        return []
    return [
        ("predicted_vs_actual", partial(predicted_vs_actual, actual=actual, predicted=predicted, unit=unit), 5.2, 5.4),
        ("residuals", partial(residuals, actual=actual, predicted=predicted, unit=unit), WIDTH, HEIGHT),
        ("residual_histogram", partial(histogram, actual=actual, predicted=predicted, unit=unit), WIDTH, HEIGHT),
    ]


def predicted_vs_actual(axes: Axes, *, actual: Floats, predicted: Floats, unit: str) -> tuple[str, str]:
    """Each row as a point, with the line of perfect predictions."""
    rows = sample(len(actual))
    low = min(actual.min(), predicted.min())
    high = max(actual.max(), predicted.max())
    room = 0.04 * (high - low) or 1.0
    limits = (low - room, high + room)
    axes.plot(limits, limits, color=MUTED, lw=1, zorder=1)
    scatter(axes, actual[rows], predicted[rows])
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set(xlabel=f"actual{measured(unit)}", ylabel=f"predicted{measured(unit)}")
    title = f"Predictions are typically {number(rmse(predicted - actual))} off{measured(unit)}"
    spread = float(np.square(actual - actual.mean()).sum())
    if spread > 0:
        r2 = 1 - float(np.square(predicted - actual).sum()) / spread
        title = (
            f"Predictions explain {share(r2)} of the variance"
            if r2 > 0
            else "Predictions are no better than the mean of all rows"
        )
        return title, f"R² {r2:.3f} on {drawn(len(actual))}. On the line, predicted equals actual."
    return title, f"{drawn(len(actual))}. On the line, predicted equals actual."


def residuals(axes: Axes, *, actual: Floats, predicted: Floats, unit: str) -> tuple[str, str]:
    """Errors over predictions, with the typical error of each tenth of the rows."""
    error = predicted - actual
    rows = sample(len(error))
    axes.axhline(0, color=MUTED, lw=1, zorder=1)
    scatter(axes, predicted[rows], error[rows])
    groups = np.array_split(np.argsort(predicted, kind="stable"), min(10, max(1, len(error) // 20)))
    if len(groups) > 1:
        centres = [float(np.median(predicted[group])) for group in groups]
        means = [float(error[group].mean()) for group in groups]
        axes.plot(centres, means, color=RED, lw=1.8, marker="o", ms=3.5, label="mean error of neighbouring rows")
        axes.legend(loc="best")
    axes.margins(y=0.08)
    axes.set(xlabel=f"predicted{measured(unit)}", ylabel=f"predicted \N{MINUS SIGN} actual{measured(unit)}")
    return residual_finding(error, predicted), f"{drawn(len(error))}. Above 0 the prediction is too high."


def residual_finding(error: Floats, predicted: Floats) -> str:
    """What the errors (n,) have to do with the predictions (n,), in a sentence.

    >>> residual_finding(np.tile([1.0, -1.0], 30), np.arange(60.0))
    'Errors are of about the same size for low and high predictions'
    """
    if len(error) < 10 * GROUPS:
        return f"Predictions are off by {number(rmse(error))} (root mean square)"
    groups = np.array_split(np.argsort(predicted, kind="stable"), GROUPS)
    low, high = rmse(error[groups[0]]), rmse(error[groups[-1]])
    if max(low, high) > GROWTH * min(low, high):
        more, less = ("high", "low") if high > low else ("low", "high")
        sizes = f"{number(max(low, high))}, for {less} ones {number(min(low, high))}"
        return f"Errors are larger for {more} predictions: {sizes}"
    return "Errors are of about the same size for low and high predictions"


def histogram(axes: Axes, *, actual: Floats, predicted: Floats, unit: str) -> tuple[str, str]:
    """How often errors of each size occur; the outer 0.5 % on each side are drawn into the last bars."""
    error = predicted - actual
    low, high = np.quantile(error, [0.005, 0.995])
    size = max(abs(low), abs(high))
    if high - low <= DUST * size:
        low, high = low - (size or 1.0), high + (size or 1.0)
    bars = int(np.clip(np.sqrt(len(error)) * 1.5, 10, 50))
    counts, edges = np.histogram(np.clip(error, low, high), bins=bars, range=(float(low), float(high)))
    axes.bar(edges[:-1], counts / len(error), np.diff(edges), align="edge", color=BLUE, edgecolor="white", lw=0.4)
    axes.axvline(0, color=MUTED, lw=1)
    mean = float(error.mean())
    axes.axvline(mean, color=RED, lw=1.5)
    top = axes.get_ylim()[1]
    axes.set_ylim(0, 1.1 * top)
    side = "left" if mean >= 0 else "right"
    axes.annotate(
        f"mean {number(mean)}", (mean, 1.06 * top), (4 if mean >= 0 else -4, 0), textcoords="offset points",
        ha=side, va="center", color=RED, size=8.5,
    )  # fmt: skip
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if top > 0.04 else 1, symbol=" %"))
    axes.grid(visible=False, axis="x")
    axes.set(xlabel=f"predicted \N{MINUS SIGN} actual{measured(unit)}", ylabel="share of rows")
    half, most = np.quantile(np.abs(error), [0.5, 0.9])
    title = f"Half of all predictions are within {number(half)}, nine in ten within {number(most)}{measured(unit)}"
    return title, f"{len(error):,} rows; the outermost 0.5 % on each side are counted in the last bars."


def rmse(error: Floats) -> float:
    """The root of the mean square of errors (n,)."""
    return float(np.sqrt(np.square(error).mean()))


def sample(rows: int) -> npt.NDArray[np.int64]:
    """The rows to draw: all, or so many of them, always the same, in their order."""
    if rows <= DRAWN:
        return np.arange(rows)
    return np.sort(np.random.default_rng(SEED).choice(rows, DRAWN, replace=False))


def drawn(rows: int) -> str:
    """How many rows there are, and how many of them are drawn.

    >>> drawn(10), drawn(1_000_000)
    ('10 rows', '1,000,000 rows, of which 4,000 are drawn')
    """
    return f"{rows:,} row{'s' if rows != 1 else ''}" + (f", of which {DRAWN:,} are drawn" if rows > DRAWN else "")


def scatter(axes: Axes, x: Floats, y: Floats) -> None:
    """Points that let others shine through where there are many."""
    dense = len(x) > 500
    axes.scatter(x, y, s=8 if dense else 18, alpha=0.35 if dense else 0.6, color=BLUE, linewidths=0, zorder=2)
