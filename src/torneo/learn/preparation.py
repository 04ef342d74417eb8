"""From contract columns to the numbers that a model reads, as one scikit-learn pipeline that ONNX can express.

Imported lazily: scikit-learn, pandas and skl2onnx load at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaseEnsemble
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from threadpoolctl import ThreadpoolController

from torneo.errors import TrainError
from torneo.ports import Family
from torneo.spec.preparation import CategoricalStep, Prepare
from torneo.spec.project import Scalar, Task
from torneo.spec.records import LINE, Feature

MISSING = ""
"""What a missing category is to the pipeline and to the graph."""
MAX_LEARNED = 1000
"""A column whose categories the contract does not list may have so many indicators."""

_SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}


def input_frame(frame: pl.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """The model's inputs (rows, features): 32-bit floats with NaN, and text with "" for missing.

    >>> frame = pl.DataFrame({"a": [1, None], "b": [True, False], "c": ["x", None]})
    >>> kinds = {"a": "numeric", "b": "numeric", "c": "categorical"}
    >>> input_frame(frame, [Feature(name=name, kind=kind) for name, kind in kinds.items()]).to_dict("list")
    {'a': [1.0, nan], 'b': [1.0, 0.0], 'c': ['x', '']}

    Raises:
        TrainError: a number is infinite or too large for 32 bits; the message has its column and line.
    """
    columns: dict[str, Any] = {}
    for feature in features:
        series = frame[feature.name]
        if feature.kind == "categorical":
            columns[feature.name] = series.cast(pl.String).fill_null(MISSING).to_numpy().astype(object)
        else:
            columns[feature.name] = _numbers(series, frame)
    return pd.DataFrame(
        {name: pd.Series(values, dtype=values.dtype) for name, values in columns.items()},
        index=pd.RangeIndex(frame.height),
    )


def _numbers(series: pl.Series, frame: pl.DataFrame) -> npt.NDArray[np.float32]:
    wide = series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    with np.errstate(over="ignore"):
        narrow = wide.astype(np.float32)
    infinite = np.flatnonzero(np.isinf(narrow))
    if len(infinite):
        row = int(infinite[0])
        place = f"line {frame[LINE][row]}" if LINE in frame.columns else f"row {row + 1}"
        raise TrainError(
            f"column {series.name!r}, {place}: {wide[row]!r} is not a number that 32 bits can hold",
            fix=f"give {series.name!r} a max (and min) in the contract, so that the gate refuses such rows",
        )
    return narrow


def pipeline(
    prepare: Prepare,
    features: Sequence[Feature],
    family: Family,
    *,
    task: Task,
    classes: int,
    params: Mapping[str, Scalar],
    seed: int,
    jobs: int,
    nullable: Collection[str] = (),
) -> Pipeline:
    """The unfitted preparation and model; its steps are `prepare` and `model`.

    Raises:
        TrainError: as `preparation`.
    """
    first = preparation(prepare, features, family, classes=classes, seed=seed, nullable=nullable)
    return Pipeline([("prepare", first), ("model", family.build(task, params, seed=seed, jobs=jobs))])


class Prepared(NamedTuple):
    """Rows as a model reads them, and the fitted preparation."""

    preparation: ColumnTransformer
    Z: npt.NDArray[Any]
    """(rows, columns)"""


def prepared(unfitted: ColumnTransformer, X: pd.DataFrame, y: npt.NDArray[Any]) -> Prepared:
    """Fit the preparation on rows, with one thread of BLAS from now on.

    Raises:
        TrainError: a column has too many categories for indicators.
    """
    _check_categories(unfitted, X)
    _one_blas_thread()
    return Prepared(unfitted, unfitted.fit_transform(X, y))


def fit(
    unfitted: Pipeline, X: pd.DataFrame, y: npt.NDArray[Any], *, jobs: int, ready: Prepared | None = None
) -> Pipeline:
    """Fit with `jobs` threads of OpenMP and, from now on, one of BLAS; the model does not depend on `jobs`.

    Args:
        unfitted: what `pipeline` gives.
        X: rows as `input_frame` gives them.
        y: their outcomes.
        jobs: how many threads.
        ready: the same rows, prepared before; the model may write into them.

    Raises:
        TrainError: as `prepared`.
    """
    if ready is None:
        ready = prepared(unfitted.named_steps["prepare"], X, y)
    else:
        unfitted.steps[0] = ("prepare", ready.preparation)
    model = unfitted.named_steps["model"]
    with ThreadpoolController().select(user_api="openmp").limit(limits=jobs):
        model.fit(ready.Z, y)
    if isinstance(model, BaseEnsemble) and "n_jobs" in model.get_params():
        model.set_params(n_jobs=1)  # threads would add up the trees' answers in the order in which they finish
    return unfitted


def _check_categories(prepare: ColumnTransformer, X: pd.DataFrame) -> None:
    for name, part, places in prepare.transformers:
        if name != "learned" or not isinstance(_last(part), OneHotEncoder):
            continue
        for place in places:
            count = X.iloc[:, place].nunique()
            if count > MAX_LEARNED:
                raise TrainError(
                    f"column {X.columns[place]!r} has {count} categories, too many for an indicator each",
                    fix="encode: target or ordinal; or list the column's values, or give it feature: false",
                )


@cache
def _one_blas_thread() -> None:
    """One thread of BLAS for the rest of the process.

    How sums are divided among threads shows in their last bits. The limit is the whole process's, and fits run side by
    side in it: lifting it after each fit would lift it for the others as well.
    """
    ThreadpoolController().select(user_api="blas").limit(limits=1)


def preparation(
    prepare: Prepare,
    features: Sequence[Feature],
    family: Family,
    *,
    classes: int,
    seed: int,
    nullable: Collection[str] = (),
) -> ColumnTransformer:
    """The declared steps, unfitted. Columns are taken by position, in the order of `features`.

    Args:
        classes: how many classes there are; 0 for regression.
        nullable: the features that rows may lack, whether or not a training row does.

    Raises:
        TrainError: the family cannot take missing numbers, some may be missing, and nothing imputes them.
    """
    if not features:
        raise TrainError("there is no feature to learn from", fix="give the contract a column besides key and target")
    numeric = [place for place, feature in enumerate(features) if feature.kind == "numeric"]
    steps = _numeric_steps(prepare, family)
    imputes = any(isinstance(step, SimpleImputer) for step in steps)
    lacking = [features[place].name for place in numeric if features[place].name in nullable]
    if lacking and not imputes and not family.HANDLES_MISSING:
        shown = ", ".join(lacking[:5]) + (", …" if len(lacking) > 5 else "")
        raise TrainError(
            f"this family cannot take missing numbers, and {shown} may be missing",
            fix="add `impute: median` to prepare.numeric, or choose a family of boosted trees",
        )
    parts = [("numeric", _chain(steps), numeric)] if numeric else []
    parts += _categorical_parts(prepare.categorical, features, classes, seed)
    return ColumnTransformer(parts, sparse_threshold=0, verbose_feature_names_out=False)


def _numeric_steps(prepare: Prepare, family: Family) -> list[Any]:
    steps: list[Any] = []
    for step in prepare.numeric:
        if step.impute is not None:
            steps.append(SimpleImputer(strategy=step.impute, keep_empty_features=True))
        elif step.scale is not None and family.SCALES:
            steps.append(_SCALERS[step.scale]())
    return steps


def _last(part: Any) -> Any:
    return part.steps[-1][1] if isinstance(part, Pipeline) else part


def _chain(steps: list[Any]) -> Any:
    if not steps:
        return "passthrough"
    return steps[0] if len(steps) == 1 else Pipeline([(f"step{place}", step) for place, step in enumerate(steps)])


def _categorical_parts(
    steps: Sequence[CategoricalStep], features: Sequence[Feature], classes: int, seed: int
) -> list[tuple[str, Any, list[int]]]:
    """Columns with listed categories and those that learn theirs have encoders of their own."""
    places = [place for place, feature in enumerate(features) if feature.kind == "categorical"]
    encode = next((step.encode for step in reversed(steps) if step.encode is not None), "onehot")
    impute = next((step.impute for step in steps if step.impute is not None), None)
    before = [SimpleImputer(missing_values=MISSING, strategy="most_frequent")] if impute == "most_frequent" else []
    if encode == "target":
        if places and classes > 2:
            raise TrainError(
                f"encode: target cannot be exported for {classes} classes", fix="use encode: onehot or ordinal"
            )
        kind = "binary" if classes else "continuous"
        encoder = TargetEncoder(target_type=kind, cv=KFold(5, shuffle=True, random_state=seed))
        return [("categorical", _chain([*before, encoder]), places)] if places else []
    parts = []
    for name, chosen in (
        ("listed", [place for place in places if features[place].categories is not None]),
        ("learned", [place for place in places if features[place].categories is None]),
    ):
        if chosen:
            lists = [_levels(features[place], with_missing=impute == "missing") for place in chosen]
            encoder = _encoder(encode, lists if name == "listed" else None)
            parts.append((name, _chain([*before, encoder]), chosen))
    return parts


def _levels(feature: Feature, *, with_missing: bool) -> npt.NDArray[Any]:
    listed = list(feature.categories or ())
    return np.array([*listed, MISSING] if with_missing and MISSING not in listed else listed, dtype=object)


def _encoder(encode: str, lists: list[npt.NDArray[Any]] | None) -> Any:
    if encode == "ordinal":
        categories = "auto" if lists is None else lists
        return OrdinalEncoder(categories=categories, handle_unknown="use_encoded_value", unknown_value=-1)
    return OneHotEncoder(
        categories="auto" if lists is None else lists,
        handle_unknown="ignore",
        sparse_output=False,
        dtype=np.float32,
        feature_name_combiner=input_of,
    )


def input_of(feature: str, category: object) -> str:  # noqa: ARG001 - what scikit-learn calls it with
    """Name an indicator column by its input."""
    return feature
