"""The inputs of a model: the contract's columns, and what the project's feature hook adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl

from torneo.errors import HookError, TrainError
from torneo.hooks import Hooks, explained
from torneo.learn.folds import Rows
from torneo.learn.preparation import input_frame
from torneo.spec.project import Project
from torneo.spec.records import LINE, Feature

Outcomes = npt.NDArray[np.float64] | npt.NDArray[np.int64]

CHECKED_ROWS = 16
"""So many rows are given to the hook alone, to see that it looks at nothing else."""


def apply_hook(hooks: Hooks, frame: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """The frame with the columns that features.py adds.

    Raises:
        HookError: the hook fails, changes rows or contract columns, or its answer for a row depends on other rows.
    """
    hook, path = hooks.features, folder / "features.py"
    if hook is None:
        return frame
    made = _run(hook, frame, path)
    for position in np.linspace(0, frame.height - 1, min(CHECKED_ROWS, frame.height)).astype(int).tolist():
        alone = _run(hook, frame[position : position + 1], path)
        if not alone.equals(made[position : position + 1], null_equal=True):
            raise HookError(
                f"{path}: features() gives a row other values alone than among others (line {frame[LINE][position]}): "
                "it could not be served as it was trained",
                fix="compute each row from its own columns; means and ranks belong to the preparation",
            )
    return made


def _run(hook: Callable[[pl.DataFrame], pl.DataFrame], frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    with explained(path):
        made = hook(frame.drop(LINE))
    if not isinstance(made, pl.DataFrame) or made.height != frame.height:
        got = f"{made.height} rows for {frame.height}" if isinstance(made, pl.DataFrame) else type(made).__name__
        raise HookError(f"{path}: features() must give a polars DataFrame with a row for each row, not {got}")
    changed = [name for name in frame.columns if name != LINE and not _same(frame, made, name)]
    if changed:
        raise HookError(f"{path}: features() must keep the contract's columns; it lost or changed {', '.join(changed)}")
    return made.with_columns(frame[LINE])


def _same(frame: pl.DataFrame, made: pl.DataFrame, name: str) -> bool:
    """Whether a column is as it was, in the same order of rows."""
    return name in made and made[name].equals(frame[name], check_dtypes=True, null_equal=True)


def columns_read(
    project: Project, hooks: Hooks, frame: pl.DataFrame, features: Sequence[str], folder: Path
) -> tuple[str, ...]:
    """The contract's columns that these features are, or that features.py makes them from.

    Args:
        frame: some rows in the contract's types; without a column that is read, other features come of them, or none.

    Raises:
        HookError: the hook fails without the target, which no row to predict has.
    """
    hook, path = hooks.features, folder / "features.py"
    if hook is None:
        return tuple(features)
    names = [name for name in project.contract.columns if name != project.target and name in frame.columns]
    with explained(path):
        made = hook(frame.select(names)).select(features)

    def reads(name: str) -> bool:
        try:
            with explained(path):
                return not made.equals(hook(frame.select(names).drop(name)).select(features), null_equal=True)
        except HookError:
            return True

    return tuple(name for name in names if reads(name))


def features_of(project: Project, schema: pl.Schema, hooked: bool) -> tuple[Feature, ...]:
    """The model's inputs: declared columns first, then the hook's numeric and text columns.

    Raises:
        TrainError: there is none.
    """
    columns = project.contract.columns
    features = [
        Feature(name=name, kind="categorical", categories=columns[name].categories)
        if columns[name].type == "category"
        else Feature(name=name, kind="numeric")
        for name in project.features
    ]
    if hooked:
        for name, dtype in schema.items():
            if name in columns or name == LINE:
                continue
            if dtype == pl.String:
                features.append(Feature(name=name, kind="categorical"))
            elif dtype.is_numeric() or dtype == pl.Boolean:
                features.append(Feature(name=name, kind="numeric"))
    if not features:
        raise TrainError(f"{project.project} has no column that a model may read", fix="declare numbers or categories")
    return tuple(features)


def rows_of(project: Project, frame: pl.DataFrame, features: tuple[Feature, ...]) -> Rows:
    """Inputs and outcomes of a prepared table, with what folds must respect."""
    split = project.split
    return Rows(
        X=input_frame(frame, features),
        y=outcomes(project, frame[project.target]),
        task=project.task,
        classes=len(project.classes),
        times=None if split.by_time is None else frame[split.by_time].to_physical().cast(pl.Int64).to_numpy(),
        groups=None if split.group is None else pd.factorize(frame[split.group].to_numpy())[0].astype(np.int64),
    )


def outcomes(project: Project, series: pl.Series) -> Outcomes:
    """The target as numbers: values (n,) for regression, class indices (n,) for classification."""
    if project.task == "regression":
        return np.asarray(series.cast(pl.Float64).to_numpy(), dtype=np.float64)
    classes = list(project.classes)
    codes = series.cast(pl.String).replace_strict(classes, list(range(len(classes))), return_dtype=pl.Int64)
    return np.asarray(codes.to_numpy(), dtype=np.int64)


def columns_of(project: Project, frame: pl.DataFrame) -> dict[str, Any]:
    """The contract's columns of a table, as a client of a served model would send them."""
    names = [name for name in project.contract.columns if name in frame.columns]
    return {name: frame[name].to_numpy() if frame[name].dtype.is_numeric() else frame[name].to_list() for name in names}
