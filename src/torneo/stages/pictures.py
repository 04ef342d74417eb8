"""The pictures that a tracked run carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from torneo.learn.features import Outcomes
from torneo.learn.folds import Rows
from torneo.learn.importance import importance, shap_matrix
from torneo.learn.recipe import Fitted
from torneo.ports import Family
from torneo.reports.plots import write_plots
from torneo.spec.project import Project
from torneo.spec.records import Trained

Floats = npt.NDArray[np.float64]
SHAP_ROWS = 200
IMPORTANCE_ROWS = 1000


def pictures(
    folder: Path,
    project: Project,
    family: Family,
    fitted: Fitted,
    test: Rows,
    actual: Outcomes,
    predicted: Floats,
    trained: Trained,
) -> None:
    """Draw residuals or curves, calibration, importance and SHAP values from the judge's rows."""
    names = [feature.name for feature in fitted.features]
    some = test.select(names).take(np.arange(min(SHAP_ROWS, len(test))))
    many = test.select(names).take(np.arange(min(IMPORTANCE_ROWS, len(test))))
    numeric = [place for place, feature in enumerate(fitted.features) if feature.kind == "numeric"]
    values = np.full((len(some), len(names)), np.nan)
    for place in numeric:
        values[:, place] = some.X.iloc[:, place].to_numpy(dtype=np.float64)
    write_plots(
        folder,
        task=project.task,
        classes=project.classes,
        actual=actual,
        predicted=np.asarray(predicted, dtype=np.float64),
        importance=importance(fitted.pipeline, many.X, many.y, task=project.task, seed=project.split.seed),
        shap=_with_values(shap_matrix(fitted.pipeline, some.X, family), values),
        trials=trained.trials,
        metric=project.metric,
        unit=project.contract.columns[project.target].unit or "",
    )


def _with_values(matrix: Floats, values: Floats) -> tuple[Floats, Floats]:
    """SHAP values with the inputs' values; a family without an exact way explains fewer rows."""
    return matrix, values[: len(matrix)]
