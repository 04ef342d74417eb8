"""Pictures of what a model reads and how it was found. Imported lazily: matplotlib loads at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize

from torneo.metrics import METRICS
from torneo.reports.style import BLUE, INK, LINE, MUTED, ORANGE, RED, Draw
from torneo.reports.text import number, short
from torneo.spec.records import Trial

Floats = npt.NDArray[np.float64]

SHOWN = 20
"""The most inputs in one picture."""
DOTS = 1000
"""The most rows of a beeswarm."""
SEED = 0
FAR = 3.0
"""How many times further from the best than the median a trial must be to be drawn at the edge."""
LATE = 0.9
STEPS = 60
"""How finely a beeswarm looks at where dots would overlap."""
LOW_TO_HIGH = LinearSegmentedColormap.from_list("low to high", ["#2166ac", "#8fb8d8", "#b9b4ac", "#ee9f63", "#c2410c"])
"""From the smallest to the largest value; visible on white throughout, and apart for the colour-blind."""


def importance_bars(importance: Mapping[str, float]) -> Draw:
    """Bars of the inputs' importance, the largest on top."""
    return partial(_importance_bars, importance=importance)


def _importance_bars(axes: Axes, *, importance: Mapping[str, float]) -> tuple[str, str]:
    order = sorted(importance, key=lambda name: -importance[name])
    names = order[:SHOWN]
    values = [importance[name] for name in names]
    places = np.arange(len(names))
    colours = [BLUE if value > 0 else LINE for value in values]
    axes.barh(places, values, height=0.68, color=colours)
    span = max(values) - min(0.0, *values) or 1.0
    for place, value in enumerate(values):
        axes.text(max(value, 0) + 0.01 * span, place, number(value), va="center", size=8, color=MUTED)
    axes.set_yticks(places, [short(name) for name in names])
    axes.set_ylim(max(len(names), 4) - 0.4, -0.6)
    axes.set_xlim(right=max(values) + 0.1 * span)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("importance")
    return _importance_finding(order, importance), f"{_of_all(len(names), len(order))}."


def _importance_finding(order: Sequence[str], importance: Mapping[str, float]) -> str:
    first = order[0]
    if importance[first] <= 0:
        return "No input matters"
    if len(order) > 1 and importance[order[1]] > 0:
        times = importance[first] / importance[order[1]]
        if times >= 1.2:
            return f"{short(first)} matters most, {number(times)} times as much as {short(order[1])}"
        return f"{short(first)} and {short(order[1])} matter most"
    return f"{short(first)} alone matters"


def beeswarm(names: Sequence[str], values: Floats, inputs: Floats) -> Draw:
    """SHAP values (rows, f) as dots coloured by the inputs (rows, f); grey where these are no numbers.

    Reference: Lundberg et al. (2020), From local explanations to global understanding, Nature Machine Intelligence 2.
    """
    return partial(_beeswarm, names=names, values=values, inputs=inputs)


def _beeswarm(axes: Axes, *, names: Sequence[str], values: Floats, inputs: Floats) -> tuple[str, str]:
    all_rows = len(values)
    if all_rows > DOTS:
        rows = np.sort(np.random.default_rng(SEED).choice(all_rows, DOTS, replace=False))
        values, inputs = values[rows], inputs[rows]
    values = np.nan_to_num(values)
    sizes = np.abs(values).mean(axis=0)
    order = np.argsort(-sizes, kind="stable")[:SHOWN]
    span = float(np.ptp(values[:, order])) or 1.0
    axes.axvline(0, color=MUTED, lw=1, zorder=1)
    for place, column in enumerate(order):
        heights = place + 0.4 * swarm(values[:, column], span)
        axes.scatter(values[:, column], heights, s=9, color=_colours(inputs[:, column]), linewidths=0, zorder=2)
    axes.set_yticks(np.arange(len(order)), [short(names[column]) for column in order])
    axes.set_ylim(max(len(order), 4) - 0.4, -0.6)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("SHAP value: how far this input moves the prediction of a row")
    bar = axes.figure.colorbar(ScalarMappable(Normalize(0, 1), LOW_TO_HIGH), ax=axes, ticks=[0, 1], aspect=40, pad=0.02)
    bar.set_ticklabels(["low", "high"])
    bar.outline.set_visible(False)
    first = order[0]
    title = f"{short(names[first])} moves predictions most, by {number(float(sizes[first]))} on average"
    if sizes[first] == 0:
        title = "No input moves the predictions"
    return (
        title,
        f"{len(values):,} rows, {_of_all(len(order), len(names))}. Colour: the input's value; grey: no number.",
    )


def swarm(values: Floats, span: float) -> Floats:
    """Where dots (n,) go so that few overlap: heights -1 … 1, fanned out from the middle where they are dense.

    >>> swarm(np.array([0.0, 0.0, 0.0, 5.0]), 5.0).tolist()
    [0.0, 0.125, -0.125, 0.0]
    """
    bins = np.floor(values / span * STEPS).astype(np.int64)
    order = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.diff(bins[order], prepend=bins[order[0]] - 1))
    sizes = np.diff(np.append(starts, len(order)))
    nth = np.arange(len(order)) - np.repeat(starts, sizes)
    heights = np.empty(len(order))
    heights[order] = np.where(nth % 2, 1, -1) * ((nth + 1) // 2)
    widest = max(float(np.abs(heights).max()), 8.0)
    return heights / widest + 0.0


def _colours(inputs: Floats) -> list[object] | npt.NDArray[np.float64]:
    """A colour per value, from the 5th to the 95th percentile; grey where it is no number or all are the same."""
    grey = np.array([0.62, 0.65, 0.69, 1.0])
    known = np.isfinite(inputs)
    colours = np.tile(grey, (len(inputs), 1))
    if known.any():
        low, high = np.quantile(inputs[known], [0.05, 0.95])
        if low == high:
            low, high = inputs[known].min(), inputs[known].max()
        if high > low:
            colours[known] = LOW_TO_HIGH(np.clip((inputs[known] - low) / (high - low), 0, 1))
    return colours


def scored(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """The trials that have a score."""
    return tuple(trial for trial in trials if trial.scores and np.isfinite(trial.scores).all())


def search(trials: Sequence[Trial], metric: str) -> Draw:
    """The mean score of each trial in turn, and the best so far; pruned trials stand apart."""
    return partial(_search, trials=trials, metric=metric)


def _search(axes: Axes, *, trials: Sequence[Trial], metric: str) -> tuple[str, str]:
    sign = METRICS[metric].sign if metric in METRICS else -1
    scores = np.array([float(np.mean(trial.scores)) for trial in trials])
    pruned = np.array([trial.pruned for trial in trials])
    numbers = np.arange(1, len(trials) + 1)
    counted = np.where(pruned, -np.inf, sign * scores)
    best = np.maximum.accumulate(counted)
    some = np.isfinite(best)
    axes.scatter(numbers[~pruned], scores[~pruned], s=16, color=BLUE, alpha=0.55, linewidths=0, label="trial", zorder=2)
    if pruned.any():
        axes.scatter(
            numbers[pruned], scores[pruned], s=16, facecolors="none", edgecolors=ORANGE, label="stopped early", zorder=2
        )
    axes.plot(
        numbers[some], sign * best[some], color=RED, lw=1.8, drawstyle="steps-post", label="best so far", zorder=3
    )
    outside = _zoom(axes, numbers, scores, sign)
    axes.legend(loc="best", ncols=1)
    axes.grid(visible=False, axis="x")
    axes.set(xlabel="trial", ylabel=f"{metric}, mean of the folds")
    if not some.any():
        return "Every trial was stopped early", f"{len(trials)} trials."
    found = int(np.argmax(counted))
    title = f"The best {metric} is {number(scores[found])}, found in trial {found + 1} of {len(trials)}"
    notes = [f"Cross-validated on the training rows; {'higher' if sign > 0 else 'lower'} is better."]
    if found >= LATE * len(trials):
        notes.append("Found late: more trials may find a better one.")
    if outside:
        notes.append(f"Triangles: {outside} worse trials beyond the edge.")
    return title, " ".join(notes)


def _zoom(axes: Axes, numbers: npt.NDArray[np.int64], scores: Floats, sign: int) -> int:
    """Move far-off bad trials to the edge, so that the good ones can be told apart; gives how many."""
    gains = sign * scores
    best, middle = float(gains.max()), float(np.median(gains))
    bound = best - FAR * (best - middle)
    far = gains < bound
    if not far.any() or best == middle:
        return 0
    room = 0.06 * (best - bound)
    edges = sorted((sign * (bound - room), sign * (best + room)))
    axes.set_ylim(*edges)
    marker = "v" if sign > 0 else "^"
    axes.scatter(numbers[far], np.full(int(far.sum()), sign * (bound - 0.5 * room)), s=18, marker=marker, color=MUTED)
    return int(far.sum())


def _of_all(shown: int, number_of: int) -> str:
    return f"the {shown} largest of {number_of} inputs" if shown < number_of else f"{number_of} inputs"
