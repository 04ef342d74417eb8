"""What each input contributes: SHAP values and permutation importance.

Imported lazily: scikit-learn and pandas load at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from torneo.ports import Family
from torneo.spec.project import Task

Matrix = npt.NDArray[np.float64]

WALKED = 300_000
"""So many rows are predicted, about, where SHAP values are sampled: their number never depends on the clock."""
SCORED = 2000
"""How many rows permutation importance scores at most."""


def shap_matrix(pipeline: Pipeline, X: pd.DataFrame, family: Family | None = None, *, seed: int = 0) -> Matrix:
    """SHAP values (rows, inputs): an input's encoded columns are added up.

    Units are the family's: of the outcome, of log-odds or of the probability of the last class of two. For three
    classes and more it is the mean size over classes, which has no sign.

    Args:
        pipeline: fitted; its steps are `prepare` and `model`.
        X: rows as `input_frame` gives them.
        family: knows the exact way for its models; without one, values are sampled by asking the pipeline.

    References: Lundberg and Lee (2017), A Unified Approach to Interpreting Model Predictions, NeurIPS; sampling:
    Štrumbelj and Kononenko (2014), Knowledge and Information Systems 41.
    """
    Z = pipeline.named_steps["prepare"].transform(X)
    values = None if family is None else family.contributions(pipeline.named_steps["model"], Z)
    if values is None:
        return sampled(_answers(pipeline), X, X, seed=seed)
    owners = input_of_columns(pipeline)
    summed = np.zeros((len(Z), X.shape[1], *values.shape[2:]))
    for column, owner in enumerate(owners):
        summed[:, owner] += values[:, column]
    return summed if summed.ndim == 2 else np.asarray(np.abs(summed).mean(axis=2))


def input_of_columns(pipeline: Pipeline) -> npt.NDArray[np.int64]:
    """The place of the input that each prepared column comes from."""
    prepare = pipeline.named_steps["prepare"]
    owners: list[int] = []
    for name, part, places in prepare.transformers_:
        width = prepare.output_indices_[name].stop - prepare.output_indices_[name].start
        last = part.steps[-1][1] if isinstance(part, Pipeline) else part
        if isinstance(last, OneHotEncoder):
            names = last.get_feature_names_out([f"x{place}" for place in range(len(places))])
            owners += [places[int(column[1:])] for column in names]
        elif width:
            owners += [place for place in places for _ in range(width // len(places))]
    return np.array(owners, dtype=np.int64)


def _answers(pipeline: Pipeline) -> Callable[[pd.DataFrame], Matrix]:
    """Answers (rows, k): the prediction, the last of two probabilities, or all of them."""
    if not hasattr(pipeline, "predict_proba"):
        return lambda frame: np.asarray(pipeline.predict(frame), dtype=np.float64).reshape(-1, 1)
    last = -1 if len(pipeline.classes_) == 2 else 0
    return lambda frame: np.asarray(pipeline.predict_proba(frame), dtype=np.float64)[:, last:]


def sampled(
    answers: Callable[[pd.DataFrame], Matrix], rows: pd.DataFrame, background: pd.DataFrame, *, seed: int
) -> Matrix:
    """SHAP values (rows, inputs) by walking from background rows to each row, an input at a time, in random orders.

    Each order is walked in both directions, which cancels much of the noise. There are 2 to 20 walks.
    """
    generator = np.random.default_rng(seed)
    rows = rows.reset_index(drop=True)
    pairs = int(np.clip(WALKED // (2 * len(rows) * (rows.shape[1] + 1)), 1, 10))
    total: Any = 0.0
    for _ in range(pairs):
        order = generator.permutation(rows.shape[1])
        start = background.iloc[generator.integers(0, len(background), len(rows))].reset_index(drop=True)
        total = total + _walk(answers, start, rows, order) + _walk(answers, start, rows, order[::-1])
    mean = np.asarray(total) / (2 * pairs)
    return np.asarray(mean[:, :, 0] if mean.shape[2] == 1 else np.abs(mean).mean(axis=2))


def _walk(
    answers: Callable[[pd.DataFrame], Matrix], start: pd.DataFrame, rows: pd.DataFrame, order: npt.NDArray[np.int64]
) -> Matrix:
    """The change of the answers (rows, inputs, k) as each input takes the row's value."""
    frames, now = [start], start
    for place in order:
        name = rows.columns[place]
        now = now.assign(**{name: rows[name]})
        frames.append(now)
    values = answers(pd.concat(frames, ignore_index=True)).reshape(len(frames), len(rows), -1)
    changes = np.empty((len(rows), len(order), values.shape[2]))
    changes[:, order] = np.diff(values, axis=0).transpose(1, 0, 2)
    return changes


def importance(
    pipeline: Pipeline, X: pd.DataFrame, y: npt.NDArray[Any], *, task: Task, seed: int
) -> Mapping[str, float]:
    """Permutation importance by input: how much rmse or log loss grows when its values are shuffled, of 5 shuffles.

    Reference: Breiman (2001), Random Forests, Machine Learning 45(1), section 10.
    """
    from sklearn.inspection import permutation_importance

    chosen = np.random.default_rng(seed).permutation(len(X))[:SCORED]
    scoring = "neg_root_mean_squared_error" if task == "regression" else "neg_log_loss"
    found = permutation_importance(
        pipeline, X.iloc[chosen], y[chosen], n_repeats=5, random_state=seed, scoring=scoring, n_jobs=1
    )
    return dict(zip(X.columns, found.importances_mean.tolist(), strict=True))
