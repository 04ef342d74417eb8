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
Indices = npt.NDArray[np.int64]

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
    Z, owners = pipeline.named_steps["prepare"].transform(X), input_of_columns(pipeline)
    model = pipeline.named_steps["model"]
    values = None if family is None else family.contributions(model, Z)
    if values is None:
        return sampled(_answers(model), Z, Z, owners, X.shape[1], seed=seed)
    summed = np.zeros((len(Z), X.shape[1], *values.shape[2:]))
    for column, owner in enumerate(owners):
        summed[:, owner] += values[:, column]
    return summed if summed.ndim == 2 else np.asarray(np.abs(summed).mean(axis=2))


def input_of_columns(pipeline: Pipeline) -> Indices:
    """The place of the input that each prepared column comes from."""
    prepare = pipeline.named_steps["prepare"]
    owners: list[int] = []
    for name, part, places in prepare.transformers_:
        width = prepare.output_indices_[name].stop - prepare.output_indices_[name].start
        last = part.steps[-1][1] if isinstance(part, Pipeline) else part
        if isinstance(last, OneHotEncoder):
            owners += [place for place, levels in zip(places, last.categories_, strict=True) for _ in levels]
        elif width:
            owners += [place for place in places for _ in range(width // len(places))]
    return np.array(owners, dtype=np.int64)


def _mixed(Z: Matrix, owners: Indices, places: Indices) -> Matrix:
    """Prepared rows (rows, columns) whose input i is that of the row `places[:, i]` of Z.

    An input's columns depend on no other input, so this is what preparing the mixed inputs would give, sooner.
    """
    return np.take_along_axis(Z, places[:, owners], axis=0)


def _answers(model: Any) -> Callable[[Matrix], Matrix]:
    """Answers (rows, k): the prediction, the last of two probabilities, or all of them."""
    if not hasattr(model, "predict_proba"):
        return lambda Z: np.asarray(model.predict(Z), dtype=np.float64).reshape(-1, 1)
    last = -1 if len(model.classes_) == 2 else 0
    return lambda Z: np.asarray(model.predict_proba(Z), dtype=np.float64)[:, last:]


def sampled(
    answers: Callable[[Matrix], Matrix], rows: Matrix, background: Matrix, owners: Indices, inputs: int, *, seed: int
) -> Matrix:
    """SHAP values (rows, inputs) by walking from background rows to each row, an input at a time, in random orders.

    Each order is walked in both directions, which cancels much of the noise. There are 2 to 20 walks.

    Args:
        answers: the model's (rows, k) to prepared rows.
        rows: prepared (rows, columns).
        background: prepared, too.
        owners: the input of each column.
        inputs: how many there are.
    """
    generator = np.random.default_rng(seed)
    pairs = int(np.clip(WALKED // (2 * len(rows) * (inputs + 1)), 1, 10))
    pool = np.concatenate([rows, background])
    total: Any = 0.0
    for _ in range(pairs):
        order = generator.permutation(inputs)
        start = len(rows) + generator.integers(0, len(background), len(rows))
        for way in (order, order[::-1]):
            total = total + _walk(lambda places: answers(_mixed(pool, owners, places)), start, way)
    mean = np.asarray(total) / (2 * pairs)
    return np.asarray(mean[:, :, 0] if mean.shape[2] == 1 else np.abs(mean).mean(axis=2))


def _walk(answers: Callable[[Indices], Matrix], start: Indices, order: Indices) -> Matrix:
    """The change of the answers (rows, inputs, k) as each input takes the row's value."""
    rows, inputs = len(start), len(order)
    steps = np.empty((inputs + 1, rows, inputs), dtype=np.int64)
    steps[:] = start[:, None]
    for step, place in enumerate(order, 1):
        steps[step:, :, place] = np.arange(rows)
    values = answers(steps.reshape(-1, inputs)).reshape(inputs + 1, rows, -1)
    changes = np.empty((rows, inputs, values.shape[2]))
    changes[:, order] = np.diff(values, axis=0).transpose(1, 0, 2)
    return changes


def importance(
    pipeline: Pipeline, X: pd.DataFrame, y: npt.NDArray[Any], *, task: Task, seed: int
) -> Mapping[str, float]:
    """Permutation importance by input: how much rmse or log loss grows when its values are shuffled, of 5 shuffles.

    Reference: Breiman (2001), Random Forests, Machine Learning 45(1), section 10.
    """
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import get_scorer

    chosen = np.random.default_rng(seed).permutation(len(X))[:SCORED]
    scorer = get_scorer("neg_root_mean_squared_error" if task == "regression" else "neg_log_loss")
    Z, owners = pipeline.named_steps["prepare"].transform(X.iloc[chosen]), input_of_columns(pipeline)

    def score(model: Any, places: Indices, actual: npt.NDArray[Any]) -> float:
        return float(scorer(model, _mixed(Z, owners, places), actual))

    places = np.repeat(np.arange(len(Z))[:, None], X.shape[1], axis=1)
    model = pipeline.named_steps["model"]
    found = permutation_importance(model, places, y[chosen], n_repeats=5, random_state=seed, scoring=score, n_jobs=1)
    return dict(zip(X.columns, found.importances_mean.tolist(), strict=True))
