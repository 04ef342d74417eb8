"""Why a bundle answers as it does: SHAP values from its graph and its background rows alone.

Nothing but the graph is asked, so that it works for every family of models, and no estimator is needed.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from torneo.bundle.explain_shapley import Bools, Design, Floats, Places, Values, design, shapley
from torneo.bundle.scorer import Scorer
from torneo.spec.frozen import Frozen

BUDGET = 4800
"""So many rows the graph is asked about, to explain one: some 20 ms for boosted trees on one core."""
ROUNDING = 1e-5
"""Two 32-bit answers may differ by this share of their size because of rounding alone."""

Answers = Callable[[Places], Floats]
"""Answers (n, width) for a table of places (n, inputs): from which row each input's value is taken."""


class UnexplainableError(ValueError):
    """An answer cannot be explained; the message says nothing of the row's values."""


class Explanation(Frozen):
    """One answer: `base` plus all `values` is `output`."""

    of: Literal["columns", "features"]
    """What `values` are of: what was sent, or what features.py made of it."""
    outcome: str | None
    """The class whose probability is explained; None for regression, where it is the prediction."""
    base: float
    """The mean answer for the background rows, in the unit of the outcome or as a probability."""
    values: Mapping[str, float]
    """By input: how much of the answer's distance from `base` is owed to its value, in the same unit."""
    output: float
    """The answer."""
    method: Literal["exact", "permutation"]
    """Whether all coalitions of inputs were asked about (or the model is additive), or random orders."""
    errors: Mapping[str, float]
    """By input: the standard error that comes from drawing orders; 0 if exact."""
    permutations: int
    """How many orders were walked per background row, each second one the reverse of the one before; 0 if exact."""
    background: int
    """How many training rows the answer is compared with."""
    evaluations: int
    """How many rows the graph was asked about at most."""


@dataclass(frozen=True, eq=False)
class _Game:
    """Rows in a form in which values of one can be put into another."""

    of: Literal["columns", "features"]
    names: tuple[str, ...]
    design: Design
    first: int
    """The place of the first row to explain: background rows come before."""
    codes: Places
    """Equal values of an input have equal codes: (places, inputs)."""
    answers: Answers
    start: Floats
    """The answers (b, width) for the background rows that take part."""

    @property
    def rows(self) -> int:
        """How many rows there are to explain."""
        return len(self.codes) - self.first


def explain(
    scorer: Scorer, columns: Mapping[str, Sequence[Any]], *, outcome: str | None = None, budget: int = BUDGET
) -> tuple[Explanation, ...]:
    """SHAP values of each row: what its answer owes to each of its columns, against a sample of training rows.

    Of two classes it is the probability of the positive one that is explained, of several that of the predicted one.
    Where features.py makes inputs, values are of the columns that it reads; if it fails on mixtures of rows, they are
    of what it makes. The same row and bundle give the same values, alone or among others.

    Args:
        columns: as `Scorer.score` takes them.
        outcome: another class to explain.
        budget: how many rows the graph may be asked about for each row. If that is enough for all coalitions of inputs
            (6 inputs by default), values are exact; if not, they are means over antithetic random orders of the inputs
            and have a standard error. 40 rows per input are the least.

    Raises:
        UnexplainableError: the answer is not a number, there is no such class, or the bundle has no background rows.
        ValueError: a column is absent or has a value that cannot be taken.

    References: Lundberg and Lee (2017), A Unified Approach to Interpreting Model Predictions, NeurIPS; what the
    sampling rests on is in `explain_shapley`.
    """
    classes = scorer.info["classes"]
    if outcome is not None and outcome not in classes:
        raise UnexplainableError(f"there is no class {outcome!r:.80} (there are: {', '.join(classes) or 'none'})"[:500])
    if scorer.info["uses_hook"]:
        return _through_hook(scorer, columns, outcome, budget)
    game = _of_inputs(scorer, columns, scorer.info["background"], "columns", budget)
    return tuple(_explained(scorer, game, row, outcome) for row in range(game.rows))


def _through_hook(
    scorer: Scorer, columns: Mapping[str, Sequence[Any]], outcome: str | None, budget: int
) -> tuple[Explanation, ...]:
    """Of the columns sent where that can be done, row by row, and of the features made of them where it cannot."""
    import polars as pl

    failures = (ArithmeticError, LookupError, TypeError, ValueError, pl.exceptions.PolarsError)
    found: dict[int, Explanation] = {}
    with contextlib.suppress(*failures):
        sent = _of_columns(scorer, columns, budget)
        for row in range(sent.rows):
            with contextlib.suppress(*failures):
                found[row] = _explained(scorer, sent, row, outcome)
        if len(found) == sent.rows:
            return tuple(found.values())
    known, background = scorer.made(scorer.typed(columns)), scorer.info["background"]
    if not set(scorer.graph.inputs) <= set(background):
        background = scorer.made(scorer.typed(_parsed(scorer, background)))
    made = _of_inputs(scorer, known, background, "features", budget)
    return tuple(found.get(row) or _explained(scorer, made, row, outcome) for row in range(made.rows))


def _of_inputs(
    scorer: Scorer,
    columns: Mapping[str, Any],
    background: Mapping[str, Any],
    of: Literal["columns", "features"],
    budget: int,
) -> _Game:
    """Mixtures are made of the graph's inputs."""
    graph = scorer.graph
    known, sent = graph.feeds(background), graph.feeds(columns)
    pool = {name: np.concatenate([known[name], sent[name]]) for name in graph.inputs}

    def answers(places: Places) -> Floats:
        chosen = {name: values[places[:, place]] for place, (name, values) in enumerate(pool.items())}
        return np.asarray(scorer.answers(chosen), dtype=np.float64)

    codes = [_codes(values[:, 0].tolist()) for values in pool.values()]
    return _game(scorer, of, tuple(pool), answers, codes, len(next(iter(known.values()))), budget)


def _of_columns(scorer: Scorer, columns: Mapping[str, Sequence[Any]], budget: int) -> _Game:
    """Mixtures are made of the contract's columns, in their types, and go through the project's hook."""
    import polars as pl

    known = scorer.typed(_parsed(scorer, scorer.info["background"]))
    pool = pl.concat([known, scorer.typed(columns).select(known.columns)])

    def answers(places: Places) -> Floats:
        series = [pool[name].gather(places[:, place]) for place, name in enumerate(pool.columns)]
        return np.asarray(scorer.answers(scorer.graph.feeds(scorer.made(pl.DataFrame(series)))), dtype=np.float64)

    codes = [_codes(pool[name].to_list()) for name in pool.columns]
    return _game(scorer, "columns", tuple(pool.columns), answers, codes, known.height, budget)


def _parsed(scorer: Scorer, background: Mapping[str, Any]) -> Mapping[str, Any]:
    """The background with dates as dates: a bundle keeps them in ISO 8601, whatever form they are sent in."""
    contract = scorer.info["contract"]
    dates = [name for name in background if contract.get(name, {}).get("type") in ("date", "datetime")]
    parse = datetime.datetime.fromisoformat
    return {**background, **{name: [value and parse(value) for value in background[name]] for name in dates}}


def _codes(values: Sequence[Any]) -> list[int]:
    seen: dict[Any, int] = {}
    return [seen.setdefault(value if value == value else None, len(seen)) for value in values]


def _game(
    scorer: Scorer,
    of: Literal["columns", "features"],
    names: tuple[str, ...],
    answers: Answers,
    codes: Sequence[Sequence[int]],
    background: int,
    budget: int,
) -> _Game:
    if background == 0:
        raise UnexplainableError("the bundle has no background rows to explain answers with")
    plan = design(len(names), background, budget=budget, seed=int(scorer.digest[:16], 16))
    start = answers(np.repeat(plan.background[:, None], len(names), axis=1))
    return _Game(of, names, plan, background, np.array(codes, dtype=np.int64).T, answers, start)


def _explained(scorer: Scorer, game: _Game, row: int, outcome: str | None) -> Explanation:
    """One row, which is asked about alone, so that its neighbours cannot show in its values."""
    place, plan = game.first + row, game.design
    answer = game.answers(np.full((1, len(game.names)), place))[0]
    classes = scorer.info["classes"]
    chosen = classes.index(outcome) if outcome is not None else _chosen(answer)

    def mixed(masks: Bools, background: Places) -> Floats:
        return game.answers(np.where(masks, place, background[:, None]))[:, chosen]

    differs = game.codes[plan.background] != game.codes[place]
    with np.errstate(invalid="ignore"):
        found = shapley(plan, mixed, differs, float(answer[chosen]), game.start[:, chosen])
    if not np.isfinite(found.values).all():
        raise UnexplainableError(f"row {row + 1}: the model gives no number, perhaps for lack of a value that it needs")
    return _record(scorer, game, found, chosen, float(answer[chosen]))


def _chosen(answer: Floats) -> int:
    """The prediction itself, the positive of two classes, or the most probable of several."""
    return len(answer) - 1 if len(answer) <= 2 else int(answer.argmax())


def _record(scorer: Scorer, game: _Game, found: Values, chosen: int, output: float) -> Explanation:
    classes, plan = scorer.info["classes"], game.design
    linear = scorer.info["family"] == "linear" and not classes
    straight = linear and (game.of == "features" or not scorer.info["uses_hook"])
    size = max(abs(output), float(np.abs(game.start[:, chosen]).max()))
    exact = plan.orders is None or (straight and found.spread <= ROUNDING * size)
    return Explanation(
        of=game.of,
        outcome=classes[chosen] if classes else None,
        base=float(game.start[:, chosen].mean()),
        values=dict(zip(game.names, found.values.tolist(), strict=True)),
        output=output,
        method="exact" if exact else "permutation",
        errors=dict(zip(game.names, (found.errors * (not exact)).tolist(), strict=True)),
        permutations=0 if exact or plan.orders is None else plan.orders.shape[1],
        background=len(plan.background),
        evaluations=plan.evaluations,
    )
