"""The pictures of a tracked run. Imported lazily: matplotlib loads at once.

Figures that a title states are computed on all rows; of many rows only a sample is drawn, and the picture says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from torneo.reports import plots_classification, plots_model, plots_regression
from torneo.reports.style import HEIGHT, WIDTH, Draw, picture
from torneo.spec.project import Task
from torneo.spec.records import Trial

Floats = npt.NDArray[np.float64]
Picture = tuple[str, Draw, float, float]
"""The file's name, what draws it, its width and its height in inches."""


def write_plots(
    folder: Path,
    *,
    task: Task,
    classes: Sequence[str],
    actual: npt.NDArray[np.generic],
    predicted: Floats,
    importance: Mapping[str, float],
    shap: tuple[Floats, Floats] | None,
    trials: Sequence[Trial],
    unit: str,
    metric: str | None = None,
) -> list[Path]:
    """Write a run's pictures as PNG files into a folder, and give their paths.

    What cannot be drawn is left out: ROC, precision-recall and calibration where only one class occurs, the search
    where there was none, everything about rows where there are none.

    Args:
        folder: where the files go; it is made if it is not there.
        task: decides which pictures there are.
        classes: the classes by index; of two, the last is the positive one. Empty for regression.
        actual: float (n,) for regression, class index (n,) for classification.
        predicted: float (n,) for regression, probabilities (n, k) for classification.
        importance: input to its importance, in any unit.
        shap: SHAP values (m, f) and the inputs' values (m, f), NaN where they are no numbers; columns in the order of
            `importance`.
        trials: the candidates of the search, in their order.
        unit: the target's unit of measurement, or nothing.
        metric: what the trials' scores are; without it rmse, auc (two classes) or accuracy.

    Raises:
        ValueError: the shapes do not fit.
    """
    _check_shapes(task, classes, actual, predicted, importance, shap)
    finite = np.isfinite(predicted)
    known = np.isfinite(actual.astype(np.float64)) & (finite if finite.ndim == 1 else finite.all(axis=1))
    if not known.all():
        actual, predicted = actual[known], predicted[known]
    pictures = list(_about_the_model(importance, shap, trials, metric or _usual_metric(task, classes)))
    if task == "regression":
        pictures += plots_regression.pictures(actual.astype(np.float64), predicted.astype(np.float64), unit)
    else:
        pictures += plots_classification.pictures(actual.astype(np.int64), predicted, tuple(classes))
    return [picture(folder / f"{name}.png", draw, width=width, height=height) for name, draw, width, height in pictures]


def _check_shapes(
    task: Task,
    classes: Sequence[str],
    actual: npt.NDArray[np.generic],
    predicted: Floats,
    importance: Mapping[str, float],
    shap: tuple[Floats, Floats] | None,
) -> None:
    rows = len(actual)
    expected = (rows,) if task == "regression" else (rows, len(classes))
    if actual.ndim != 1 or predicted.shape != expected:
        raise ValueError(
            f"{task}: predicted must have the shape {expected} for actual {actual.shape}, not {predicted.shape}"
        )
    if shap is not None:
        values, inputs = shap
        if values.ndim != 2 or values.shape != inputs.shape or values.shape[1] != len(importance):
            raise ValueError(
                f"shap: values and inputs must both have the shape (rows, {len(importance)}), "
                f"not {values.shape} and {inputs.shape}"
            )


def _usual_metric(task: Task, classes: Sequence[str]) -> str:
    if task == "regression":
        return "rmse"
    return "auc" if len(classes) == 2 else "accuracy"


def _about_the_model(
    importance: Mapping[str, float], shap: tuple[Floats, Floats] | None, trials: Sequence[Trial], metric: str
) -> Iterator[Picture]:
    if importance:
        rows = min(len(importance), plots_model.SHOWN)
        yield "importance", plots_model.importance_bars(importance), WIDTH, 1.4 + 0.26 * max(rows, 4)
    if shap is not None and len(shap[0]) and importance:
        rows = min(len(importance), plots_model.SHOWN)
        yield "shap", plots_model.beeswarm(tuple(importance), *shap), WIDTH, 1.7 + 0.3 * max(rows, 4)
    scored = plots_model.scored(trials)
    if len(scored) > 1:
        yield "search", plots_model.search(scored, metric), WIDTH, HEIGHT
