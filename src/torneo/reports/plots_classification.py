"""Pictures of a classifier's answers. Imported lazily: matplotlib loads at once.

Of two classes, index 1 is the positive one. With more, each class is drawn against the rest, the most frequent first.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import PercentFormatter

from torneo.reports.style import BLUE, INK, LINE, MUTED, PAPER, SERIES, Draw
from torneo.reports.text import number, share, short

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

CURVES = 6
"""The most classes drawn in one picture."""
POINTS = 400
"""The most points of one curve."""
BINS = 10
CELLS = 20
"""The most classes of a confusion matrix; rarer ones are put together."""


def pictures(actual: Codes, predicted: Floats, classes: tuple[str, ...]) -> list[tuple[str, Draw, float, float]]:
    """ROC, precision-recall, calibration and confusion matrix, as far as the rows allow."""
    if not len(actual):
        return []
    shown = shown_classes(actual, len(classes))
    found: list[tuple[str, Draw, float, float]] = []
    if shown:
        found = [
            ("roc", partial(roc, actual=actual, predicted=predicted, classes=classes, shown=shown), 5.2, 5.5),
            (
                "precision_recall",
                partial(precision_recall, actual=actual, predicted=predicted, classes=classes, shown=shown),
                5.2,
                5.5,
            ),
            (
                "calibration",
                partial(calibration, actual=actual, predicted=predicted, classes=classes, shown=shown),
                5.2,
                5.9,
            ),
        ]
    side = 3.2 + 0.42 * min(len(classes), CELLS)
    draw = partial(confusion, actual=actual, predicted=predicted, classes=classes)
    return [*found, ("confusion", draw, max(side, 5.0), max(side, 4.8))]


def shown_classes(actual: Codes, number_of: int) -> tuple[int, ...]:
    """The classes that can be drawn against the rest, the most frequent first; only the positive one of two."""
    counts = np.bincount(actual, minlength=number_of)
    possible = [int(c) for c in np.argsort(-counts, kind="stable") if 0 < counts[c] < len(actual)]
    if number_of == 2:
        return (1,) if possible else ()
    return tuple(possible[:CURVES])


def curve(positive: npt.NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """True and false positives above each distinct score, from none to all: two arrays (distinct scores + 1,).

    >>> curve(np.array([False, True, True]), np.array([0.1, 0.9, 0.1]))
    (array([0., 1., 2.]), array([0., 0., 1.]))
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    true = np.cumsum(positive[order])[ends].astype(np.float64)
    return np.append(0.0, true), np.append(0.0, ends + 1 - true)


def roc(
    axes: Axes, *, actual: Codes, predicted: Floats, classes: tuple[str, ...], shown: tuple[int, ...]
) -> tuple[str, str]:
    """True positives against false positives as the threshold falls (Fawcett 2006)."""
    areas = []
    axes.plot([0, 1], [0, 1], color=MUTED, lw=1, zorder=1)
    for index, colour in zip(shown, SERIES, strict=False):
        true, false = curve(actual == index, predicted[:, index])
        hits, alarms = true / true[-1], false / false[-1]
        areas.append(float(np.trapezoid(hits, alarms)))
        keep = thin(len(hits))
        axes.plot(alarms[keep], hits[keep], color=colour, lw=2, label=f"{short(classes[index], 18)}  {areas[-1]:.3f}")
    square(axes, "false positive rate", "true positive rate")
    if len(classes) == 2:
        title = f"A {short(classes[1])!r} row is ranked above another in {share(areas[0])} of pairs"
        return title, f"AUC {areas[0]:.3f}; {rows_of(actual, 1)} are {short(classes[1])!r}. The diagonal is chance."
    legend(axes, "class and AUC against the rest", "lower right")
    worst = int(np.argmin(areas))
    title = f"{short(classes[shown[worst]])!r} is hardest to tell from the rest: AUC {areas[worst]:.3f}"
    return title, f"{len(actual):,} rows{left_out(len(shown), len(classes))}. The diagonal is chance."


def precision_recall(
    axes: Axes, *, actual: Codes, predicted: Floats, classes: tuple[str, ...], shown: tuple[int, ...]
) -> tuple[str, str]:
    """Precision against recall as the threshold falls, as steps (Davis and Goadrich 2006)."""
    averages, bases = [], []
    for index, colour in zip(shown, SERIES, strict=False):
        true, false = curve(actual == index, predicted[:, index])
        recall, precision = true[1:] / true[-1], true[1:] / (true[1:] + false[1:])
        averages.append(float(np.sum(np.diff(recall, prepend=0.0) * precision)))
        bases.append(float(true[-1] / len(actual)))
        keep = thin(len(recall))
        axes.plot(
            np.append(0.0, recall[keep]), np.append(precision[0], precision[keep]), drawstyle="steps-pre",
            color=colour, lw=2, label=f"{short(classes[index], 18)}  {averages[-1]:.3f}",
        )  # fmt: skip
    square(axes, "recall: share of the class that is found", "precision: share of finds that are right")
    if len(classes) == 2:
        axes.axhline(bases[0], color=MUTED, lw=1, zorder=1)
        axes.annotate("chance", (0.0, bases[0]), (2, 4), textcoords="offset points", color=MUTED, size=8.5)
        title = f"Average precision {averages[0]:.3f}, {number(averages[0] / bases[0])} times what chance gives"
        return title, f"{rows_of(actual, 1)} are {short(classes[1])!r} ({share(bases[0])})."
    legend(axes, "class and average precision", "lower left")
    worst = int(np.argmin(averages))
    title = f"{short(classes[shown[worst]])!r} is hardest to find cleanly: average precision {averages[worst]:.3f}"
    return title, f"{len(actual):,} rows{left_out(len(shown), len(classes))}."


def calibration(
    axes: Axes, *, actual: Codes, predicted: Floats, classes: tuple[str, ...], shown: tuple[int, ...]
) -> tuple[str, str]:
    """Share of rows that are of the class, by predicted probability, with the number of rows (reliability diagram)."""
    grid = axes.figure.add_gridspec(2, 1, height_ratios=[5, 1])
    axes.set_subplotspec(grid[0])
    below = axes.figure.add_subplot(grid[1])
    axes.plot([0, 1], [0, 1], color=MUTED, lw=1, zorder=1)
    errors, edges = [], np.linspace(0, 1, BINS + 1)
    for index, colour in zip(shown, SERIES, strict=False):
        counts, stated, found = reliability(actual == index, predicted[:, index])
        some = counts > 0
        errors.append(float(np.abs(stated - found)[some] @ counts[some] / counts.sum()))
        axes.plot(stated[some], found[some], color=colour, lw=1.2, label=short(classes[index], 18))
        axes.scatter(stated[some], found[some], s=8 + 60 * counts[some] / counts.max(), color=colour, linewidths=0)
        if len(shown) == 1:
            axes.vlines(stated[some], *wilson(found[some], counts[some]), color=colour, lw=1, alpha=0.6)
            below.bar(edges[:-1], counts, 1 / BINS, align="edge", color=colour, edgecolor="white", lw=0.6)
        else:
            below.stairs(counts, edges, color=colour, lw=1.4)
    square(axes, "", "share of rows that are of the class")
    axes.set_aspect("auto")
    below.set(xlim=axes.get_xlim(), xlabel="predicted probability", ylabel="rows", xticks=[])
    below.grid(visible=False)
    below.locator_params(axis="y", nbins=3)
    if len(shown) > 1:
        legend(axes, "", "upper left")
    title = f"Probabilities are off by {100 * float(np.mean(errors)):.1f} percentage points on average"
    ranges = ", each with its 95 % interval" if len(shown) == 1 else ""
    note = f"{len(actual):,} rows in {BINS} bins{ranges}{left_out(len(shown), len(classes))}"
    return title, f"{note}. On the diagonal, probabilities mean what they say."


def reliability(positive: npt.NDArray[np.bool_], probability: Floats) -> tuple[Floats, Floats, Floats]:
    """Per bin of equal width: rows, mean predicted probability, and share of positives (0 where there are no rows)."""
    bins = np.clip((probability * BINS).astype(np.int64), 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS).astype(np.float64)
    rows = np.maximum(counts, 1)
    stated = np.bincount(bins, weights=probability, minlength=BINS) / rows
    return counts, stated, np.bincount(bins, weights=positive, minlength=BINS) / rows


def wilson(found: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Both ends of the 95 % interval of shares found in so many rows (Wilson 1927)."""
    z2 = 1.96**2
    middle = (found + z2 / (2 * rows)) / (1 + z2 / rows)
    half = np.sqrt(z2 * (found * (1 - found) / rows + z2 / (4 * rows**2))) / (1 + z2 / rows)
    return middle - half, middle + half


def confusion(axes: Axes, *, actual: Codes, predicted: Floats, classes: tuple[str, ...]) -> tuple[str, str]:
    """How many rows of each class get each label; colour is the share of the class."""
    labels = predicted.argmax(axis=1)
    names, matrix = table(actual, labels, classes)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    shade = LinearSegmentedColormap.from_list("shade", [PAPER, BLUE])
    axes.pcolormesh(shares, cmap=shade, vmin=0, vmax=1.1, edgecolors=LINE, linewidth=0.8)
    size = 10 if len(names) <= 6 else 8 if len(names) <= 12 else 6.5
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            colour = "white" if shares[row, column] > 0.55 else INK
            text = f"{count:,}" + (f"\n{share(shares[row, column])}" if len(names) <= 6 else "")
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", size=size, color=colour)
    places = np.arange(len(names)) + 0.5
    long = len(names) * max(map(len, names)) > 40
    axes.set_xticks(places, names, rotation=40 if long else 0, ha="right" if long else "center")
    axes.set_yticks(places, names)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.invert_yaxis()
    axes.set(xlabel="predicted", ylabel="actual", aspect="equal")
    right = float((labels == actual).mean())
    return f"{share(right)} of rows get the right label{worst_mistake(names, matrix)}", (
        f"{len(actual):,} rows. Shares and colour are of all rows of the actual class."
    )


def table(actual: Codes, labels: Codes, classes: tuple[str, ...]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Names and counts (k, k), actual by predicted; the rarest of many classes are put together as `others`."""
    if len(classes) > CELLS:
        common = np.sort(np.argsort(-np.bincount(actual, minlength=len(classes)), kind="stable")[: CELLS - 1])
        place = np.full(len(classes), CELLS - 1)
        place[common] = np.arange(CELLS - 1)
        actual, labels = place[actual], place[labels]
        classes = (*(classes[index] for index in common), "others")
    size = len(classes)
    matrix = np.bincount(actual * size + labels, minlength=size * size).reshape(size, size)
    return [short(name, 16) for name in classes], matrix.astype(np.int64)


def worst_mistake(names: list[str], matrix: npt.NDArray[np.int64]) -> str:
    """The most frequent mistake in words; nothing where there is none."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return ""
    row, column = np.unravel_index(wrong.argmax(), wrong.shape)
    return f"; most often {names[row]!r} is taken for {names[column]!r} ({wrong[row, column]:,})"


def thin(length: int) -> npt.NDArray[np.int64]:
    """Places on a curve, evenly spread, with both ends."""
    return np.unique(np.linspace(0, length - 1, min(length, POINTS)).astype(np.int64))


def square(axes: Axes, x: str, y: str) -> None:
    """Both axes are shares from 0 to 1."""
    axes.set(xlim=(-0.015, 1.015), ylim=(-0.015, 1.015), aspect="equal", xlabel=x, ylabel=y)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, symbol=" %"))


def legend(axes: Axes, title: str, place: Literal["lower right", "lower left", "upper left"]) -> None:
    """Name the curves, quietly."""
    axes.legend(loc=place, title=title, alignment="left", title_fontproperties={"size": 8.5})


def rows_of(actual: Codes, index: int) -> str:
    """How many rows are of a class, of how many."""
    return f"{int((actual == index).sum()):,} of {len(actual):,} rows"


def left_out(shown: int, number_of: int) -> str:
    """Says that not all of three or more classes are drawn."""
    return f"; the {shown} most frequent of {number_of} classes" if 2 < number_of > shown else ""
