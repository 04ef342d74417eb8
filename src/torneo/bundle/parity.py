"""Proof that the exported graph answers as the estimator does, row by row.

Imported lazily, by whoever has a fitted estimator: pandas loads at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl

from torneo.bundle.scorer import Graph
from torneo.errors import ExportError
from torneo.spec.records import LINE

PROBABILITY_TOLERANCE = 1e-5
RELATIVE_TOLERANCE = 1e-4
UNSEEN = "\u2047 unseen"
PROBED = 100
"""How many rows are tried again with values missing and categories unseen."""

Answers = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Parity:
    """How far the two answers are apart."""

    rows: int
    """How many rows were compared, probes included."""
    worst: float
    """The largest difference: of a probability, or of a prediction relative to its size."""
    predicted: Answers
    """What the graph answers for the rows: (n,) predictions or (n, classes) probabilities."""


def prove(
    model: bytes, pipeline: Any, X: pd.DataFrame, frame: pl.DataFrame, *, nullable: Collection[str] = ()
) -> Parity:
    """Compare on all rows, and on probes: rows whose nullable inputs are missing, or whose categories are unseen.

    Args:
        model: the exported graph, which is given the frame's columns as serving does.
        pipeline: the fitted pipeline, which is given X.
        X: the inputs (n, features) as `learn.preparation.input_frame` makes them for training.
        frame: the same n rows in the contract's types, with the features and `__line__`.
        nullable: the inputs that may be missing.

    Raises:
        ExportError: a label differs, a probability by more than 1e-5, or a prediction by more than 1e-4 of its size
            (or of the mean size, if that is larger); the message has the worst row.
    """
    graph = Graph(model)
    ask = pipeline.predict_proba if hasattr(pipeline, "predict_proba") else pipeline.predict
    lines = frame[LINE].to_list()
    answered = graph.run({name: frame[name] for name in graph.inputs})
    answered = answered if hasattr(pipeline, "predict_proba") else answered[:, 0]
    worst, rows = compare(ask(X), answered, X, lines), len(X)
    for what, probe in _probes(X, graph, nullable).items():
        again = graph.run({name: probe[name] for name in graph.inputs})
        worst = max(worst, compare(ask(probe), again, probe, lines, what=what))
        rows += len(probe)
    return Parity(rows, worst, answered)


def compare(
    expected: Answers, answered: Answers, inputs: pd.DataFrame, lines: Sequence[int], *, what: str = ""
) -> float:
    """The largest difference of two answers to the same rows: probabilities (n, classes), or predictions (n,).

    Raises:
        ExportError: it is too large, or an answer is not a number.
    """
    if len(inputs) == 0:
        raise ExportError("there is no row to compare the exported model on")
    if expected.ndim == 2:
        differences = np.abs(expected - answered).max(axis=1)
        wrong = (differences > PROBABILITY_TOLERANCE) | _labels_differ(expected, answered)
    else:
        answered = answered.reshape(-1)
        size = np.maximum(np.abs(expected), np.abs(expected).mean())
        differences = np.abs(expected - answered) / np.where(size > 0, size, 1)
        wrong = differences > RELATIVE_TOLERANCE
    wrong |= ~np.isfinite(differences)
    if wrong.any():
        row = int(np.argmax(np.where(wrong, np.nan_to_num(differences, nan=np.inf), -1)))
        shown = ", ".join(f"{name}={inputs[name].iloc[row]}" for name in list(inputs.columns)[:20])
        raise ExportError(
            f"the exported model differs from the estimator in {int(wrong.sum())} of {len(wrong)} rows{what}; worst, "
            f"line {lines[row]}: the estimator says {_short(expected[row])}, the export {_short(answered[row])}, "
            f"for {shown[:600]}",
            fix="choose other parameters or another family for this challenger",
        )
    return float(differences.max())


def _labels_differ(expected: Answers, answered: Answers) -> npt.NDArray[np.bool_]:
    """Labels that differ, but for ties that 32 bits cannot break."""
    ordered = np.sort(expected, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > PROBABILITY_TOLERANCE
    return np.asarray((expected.argmax(axis=1) != answered.argmax(axis=1)) & clear)


def _short(answer: Any) -> str:
    return np.array2string(np.asarray(answer, dtype=np.float64), precision=8, threshold=10)


def _probes(X: pd.DataFrame, graph: Graph, nullable: Collection[str]) -> Mapping[str, pd.DataFrame]:
    head = X.iloc[:PROBED]
    probes: dict[str, pd.DataFrame] = {}
    for name, is_text in graph.inputs.items():
        if name in nullable:
            probes[f" with {name} missing"] = head.assign(**{name: _filled(head, is_text, "")})
        if is_text:
            probes[f" with {name} unseen"] = head.assign(**{name: _filled(head, is_text, UNSEEN)})
    together = [name for name in graph.inputs if name in nullable]
    if len(together) > 1:
        columns = {name: _filled(head, graph.inputs[name], "") for name in together}
        probes[" with all that may be missing"] = head.assign(**columns)
    return probes


def _filled(head: pd.DataFrame, is_text: bool, text: str) -> pd.Series:
    if is_text:
        return pd.Series([text] * len(head), index=head.index, dtype=object)
    return pd.Series(np.full(len(head), np.nan, dtype=np.float32), index=head.index)
