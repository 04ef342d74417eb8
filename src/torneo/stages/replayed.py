"""The judge on logged traffic: two versions on the same answered rows, whose outcomes have been reported since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo.bundle.latency import latency_ms
from torneo.bundle.load import load
from torneo.judge.decide import decide
from torneo.judge.predictions import Predictions
from torneo.judge.rules import Rules
from torneo.learn.features import columns_of, outcomes
from torneo.metrics import UndefinedMetricError, score_all
from torneo.spec.project import Project
from torneo.spec.records import Decision
from torneo.stages.context import Context
from torneo.stages.scoring import Contender

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]


def on_traffic(
    context: Context, pair: Sequence[Contender], frame: pl.DataFrame, predicted: tuple[Floats, Floats], times: Times
) -> Decision:
    """The verdict on the first of two versions against the second, by the project's rules; nothing is promoted.

    Args:
        pair: challenger and champion.
        frame: n rows that none of them was trained on: the columns they read, those of the slices, and the target.
        predicted: what each answers, (n,) values or (n, k) probabilities in the order of the project's classes.
        times: when the rows were answered (n,), in microseconds.

    Raises:
        UndefinedMetricError: the metric, or a guardrail, has no value on these rows.
    """
    project, label = context.project, pair[0].label
    nothing = np.zeros(frame.height, dtype=np.int64)
    challenger = Predictions(
        actual=outcomes(project, frame[project.target]),
        predicted=predicted[0],
        repeat=nothing,
        fold=nothing,
        order=_order(project, frame, times),
    )
    slices = [name for name in project.judge.slices if name in frame.columns]
    return decide(
        {label: challenger},
        Rules.of(project, "holdout"),
        selection={label: 0.0},
        measured={label: _measured(context, pair[0], frame, challenger)},
        champion=replace(challenger, predicted=predicted[1]),
        label=pair[1].label,
        slices={name: frame[name].cast(pl.String).to_numpy() for name in slices},
    )


def _measured(context: Context, one: Contender, frame: pl.DataFrame, predictions: Predictions) -> dict[str, float]:
    """What the guardrails are about."""
    bars = context.project.judge.guardrails
    measured = score_all(predictions.actual, predictions.predicted, context.project.task)
    if "latency_ms" in bars:
        measured["latency_ms"] = latency_ms(load(one.bundle, one.digest), columns_of(context.project, frame[:100]))
    missing = [name for name in bars if name not in measured]
    if missing:
        raise UndefinedMetricError(f"the guardrail {missing[0]} has no value on them")
    return measured


def _order(project: Project, frame: pl.DataFrame, times: Times) -> Times | None:
    """What orders the rows where the project's rows are ordered in time: its own column, or when they were answered."""
    by_time = project.split.by_time
    if by_time is None:
        return None
    if by_time in frame.columns and not frame[by_time].null_count():
        return np.asarray(frame[by_time].to_physical().cast(pl.Int64).to_numpy(), dtype=np.int64)
    return times
