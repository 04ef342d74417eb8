"""Shapley values of a function of several inputs, against background rows: exact, or from random orders.

An input that is left out takes its value from a background row; the mean is over background rows (interventional SHAP).

References: Shapley (1953), A Value for n-Person Games; Štrumbelj and Kononenko (2014), Explaining prediction models and
individual predictions with feature contributions, Knowledge and Information Systems 41; Lundberg and Lee (2017), A
Unified Approach to Interpreting Model Predictions, NeurIPS; antithetic orders: Mitchell, Cooper, Frank and Holmes
(2022), Sampling Permutations for Shapley Value Estimation, JMLR 23.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Answer = Callable[[Bools, Places], Floats]
"""Answers (n,) for n mixtures: which inputs (n, inputs) are the row's, and whose background row (n,) the others are."""

FEW = 50
"""All coalitions are asked if they can be for so many background rows."""
FEWEST = 10
"""So many background rows take part however many inputs there are."""
CELLS = 500_000
"""So many values (rows times inputs) are asked about at once, which bounds the memory."""


@dataclass(frozen=True, eq=False)
class Design:
    """Which rows are asked about: the same for every explained row."""

    inputs: int
    background: Places
    """The background rows (b,) that take part."""
    orders: Places | None
    """Orders of the inputs (b, walks, inputs), each followed by its reverse; None asks for all coalitions."""

    @property
    def evaluations(self) -> int:
        """How many rows are asked about at most, besides the row itself and the background."""
        walks = 2**self.inputs - 2 if self.orders is None else self.orders.shape[1] * (self.inputs - 1)
        return int(len(self.background) * walks)


@dataclass(frozen=True, eq=False)
class Values:
    """Shapley values (inputs,) and their standard errors, which are estimates, too; 0 if the values are exact."""

    values: Floats
    errors: Floats
    spread: float
    """The largest difference between two orders in what an input changes: about 0 for a function that is additive."""


def design(inputs: int, background: int, *, budget: int, seed: int) -> Design:
    """All coalitions of the inputs if `budget` allows, otherwise at least two random orders per background row.

    With more inputs than budget / 40 the budget is exceeded, by 40 rows per input.

    >>> design(6, 100, budget=4800, seed=0).orders is None
    True
    >>> made = design(13, 100, budget=4800, seed=0)
    >>> len(made.background), made.orders.shape, made.evaluations
    (100, (100, 4, 13), 4800)
    """
    generator = np.random.default_rng(seed)
    rows = generator.permutation(background)
    inner = 2**inputs - 2
    if min(FEW, background) * inner <= budget:
        return Design(inputs, np.sort(rows[: budget // inner if inner else background]), None)
    pair = 2 * (inputs - 1)
    rows = np.sort(rows[: max(FEWEST, budget // (2 * pair))])
    pairs = max(2, budget // (pair * len(rows)))
    drawn = generator.permuted(np.broadcast_to(np.arange(inputs), (len(rows), pairs, inputs)), axis=2)
    orders = np.stack([drawn, drawn[:, :, ::-1]], axis=2).reshape(len(rows), 2 * pairs, inputs)
    return Design(inputs, rows, orders)


def shapley(design: Design, answer: Answer, differs: Bools, output: float, start: Floats) -> Values:
    """Shapley values; their sum is `output` less the mean of `start`.

    Args:
        answer: asked about rows in parts of 500,000 values.
        differs: which inputs (b, inputs) of the row differ from the background row's.
        output: the answer for the row.
        start: the answers (b,) for the background rows.
    """
    if design.orders is None:
        return _all_coalitions(design, answer, output, start)
    changes = _walked(design, design.orders, answer, differs, output, start)
    pairs = changes.reshape(len(start), -1, 2, design.inputs).mean(axis=2)
    variance = pairs.var(axis=1, ddof=1).sum(axis=0) / (pairs.shape[1] * len(start) ** 2)
    return Values(changes.mean(axis=(0, 1)), np.sqrt(variance), float(np.ptp(changes, axis=1).max()))


def _walked(design: Design, orders: Places, answer: Answer, differs: Bools, output: float, start: Floats) -> Floats:
    """What each input changes (b, walks, inputs) as the inputs take the row's values in these orders.

    A step to an equal value is not asked about, nor is the end of a walk, which is the row itself.
    """
    rows, walks, inputs = orders.shape
    ranks = np.argsort(orders, axis=2)
    changed = np.take_along_axis(np.broadcast_to(differs[:, None], orders.shape), orders, axis=2)
    done = np.cumsum(changed, axis=2)
    asked = changed & (done < done[:, :, -1:])
    row, walk, step = np.nonzero(asked)
    heights = np.empty((rows, walks, inputs + 1))
    heights[:, :, 0] = start[:, None]

    def masks(part: slice) -> Bools:
        return np.asarray(ranks[row[part], walk[part]] <= step[part, None])

    heights[:, :, 1:][asked] = _in_parts(answer, masks, design.background[row], inputs)
    ended = changed & (done == done[:, :, -1:])
    heights[:, :, 1:][ended] = output
    steps = np.where(changed, np.arange(1, inputs + 1), 0)
    last = np.concatenate([np.zeros((rows, walks, 1), dtype=np.int64), np.maximum.accumulate(steps, axis=2)], axis=2)
    along = np.take_along_axis(heights, last, axis=2)
    return np.take_along_axis(np.diff(along, axis=2), ranks, axis=2)


def _all_coalitions(design: Design, answer: Answer, output: float, start: Floats) -> Values:
    inputs, rows = design.inputs, len(design.background)
    sets = np.arange(2**inputs)
    members = (sets[:, None] >> np.arange(inputs) & 1).astype(np.bool_)
    means = np.empty(len(sets))
    means[0], means[-1] = start.mean(), output
    if inputs > 1:
        background = np.tile(design.background, len(sets) - 2)

        def masks(part: slice) -> Bools:
            return members[1 + np.arange(len(background))[part] // rows]

        means[1:-1] = _in_parts(answer, masks, background, inputs).reshape(-1, rows).mean(axis=1)
    sizes = members.sum(axis=1)
    weights = np.array([1 / (inputs * math.comb(inputs - 1, size)) for size in range(inputs)])
    values = np.empty(inputs)
    for place in range(inputs):
        without = sets[~members[:, place]]
        values[place] = weights[sizes[without]] @ (means[without | 1 << place] - means[without])
    return Values(values, np.zeros(inputs), 0.0)


def _in_parts(answer: Answer, masks: Callable[[slice], Bools], background: Places, inputs: int) -> Floats:
    size = max(1, CELLS // inputs)
    parts = [slice(start, start + size) for start in range(0, len(background), size)]
    return np.concatenate([np.empty(0), *(answer(masks(part), background[part]) for part in parts)])
