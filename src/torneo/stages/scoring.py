"""Predictions for the judge: all models on the same rows, which none of them has trained on or been tuned on."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo import metrics
from torneo.bundle.load import load
from torneo.errors import ConflictError, NotFoundError
from torneo.hooks import load_hooks
from torneo.judge.predictions import Predictions
from torneo.learn.features import apply_hook, columns_of, features_of, outcomes, rows_of
from torneo.learn.material import recipe_of
from torneo.learn.outside import Outside, nested
from torneo.learn.split import row_hashes
from torneo.learn.trim import kept_rows
from torneo.spec.preparation import Prepare
from torneo.spec.project import Challenger, Project
from torneo.spec.records import LINE, Prepared, Protocol, digest_of
from torneo.stages.context import Context

FEW_ROWS = 500
"""Below so many rows for the judge, `auto` compares recipes by nested cross-validation."""
LEAST_ROWS = 20
"""Fewer rows than this prove nothing."""


@dataclass(frozen=True)
class Contender:
    """A model before the judge."""

    label: str
    bundle: Path
    digest: str
    recipe: Mapping[str, Any]
    lineage: Mapping[str, Any]

    @property
    def recipe_digest(self) -> str:
        """The digest of what it was made by, whatever rows it was made from."""
        hook = self.bundle / "features.py"
        return digest_of([self.recipe, hook.read_text(encoding="utf-8") if hook.is_file() else None])


def contender(context: Context, label: str, key: str, digest: str) -> Contender:
    """Fetch a bundle from the object store and verify it.

    Raises:
        BundleError: it is damaged.
        NotFoundError: it is not there.
    """
    folder = context.work / "contenders" / digest[:32]
    if not folder.exists():
        names = context.objects.list(f"{key}/")
        if not names:
            raise NotFoundError(f"{label}: its bundle {key} is not in the object store")
        folder.mkdir(parents=True)
        for name in names:
            (folder / name.rsplit("/", 1)[1]).write_bytes(context.objects.get(name))
    info = load(folder, digest).info
    return Contender(label, folder, digest, info["recipe"], info["lineage"])


def choose_protocol(
    project: Project, prepared: Prepared, champion: Contender | None, challengers: list[Contender]
) -> Protocol:
    """Fitted models on held-out rows, or recipes by nested cross-validation.

    `auto` takes nested cross-validation where the judge has few rows, unless a challenger is the champion's recipe
    on newer rows: then what differs is the fitted models, and these are compared.
    """
    declared = project.judge.protocol
    if declared != "auto":
        return declared
    refreshed = champion is not None and any(one.recipe_digest == champion.recipe_digest for one in challengers)
    return "nested_cv" if champion is not None and prepared.test.rows < FEW_ROWS and not refreshed else "holdout"


@dataclass(frozen=True, eq=False)
class Judged:
    """Predictions of all contenders for the same rows."""

    predictions: Mapping[str, Predictions]
    frame: pl.DataFrame
    """The judged rows, in the predictions' order."""


def on_held_out_rows(context: Context, prepared: Prepared, contenders: list[Contender]) -> Judged:
    """Fitted models on the judge's rows, without rows that one of them was trained on.

    Raises:
        ConflictError: too few rows are left.
    """
    project = context.project
    frame = pl.read_parquet(context.objects.path(prepared.test.key))
    frame = frame.filter(~seen(context, frame, contenders))
    if frame.height < LEAST_ROWS:
        raise ConflictError(
            f"{project.project}: only {frame.height} judging rows are new to both models; that proves nothing",
            fix="add data, or set judge.protocol: nested_cv to compare the recipes instead",
        )
    nothing = np.zeros(frame.height, dtype=np.int64)
    base = Predictions(
        actual=outcomes(project, frame[project.target]),
        predicted=np.zeros(frame.height),
        repeat=nothing,
        fold=nothing,
        order=_order(project, frame),
        line=frame[LINE].to_numpy(),
    )
    predictions = {}
    for one in contenders:
        predicted = load(one.bundle, one.digest, threads=context.jobs).score(columns_of(project, frame))
        predictions[one.label] = replace(base, predicted=np.asarray(predicted, dtype=np.float64))
    return Judged(predictions, frame)


def _order(project: Project, frame: pl.DataFrame) -> npt.NDArray[np.int64] | None:
    by_time = project.split.by_time
    return None if by_time is None else frame[by_time].to_physical().cast(pl.Int64).to_numpy()


def seen(context: Context, frame: pl.DataFrame, contenders: list[Contender]) -> npt.NDArray[np.bool_]:
    """Which rows stand, by content of the columns that both have, in a training table of one of the models."""
    seen = np.zeros(frame.height, dtype=np.bool_)
    for prepared in {one.lineage["prepared"] for one in contenders}:
        key = f"{context.project.project}/prepared/{prepared[:32]}/data.json"
        description = json.loads(context.objects.get(key))
        train = pl.read_parquet(context.objects.path(description["tables"]["train"]["key"]))
        names = [name for name in context.project.contract.columns if name in frame.columns and name in train.columns]
        same = train.select(pl.col(name).cast(frame.schema[name], strict=False) for name in names)
        seen |= np.isin(row_hashes(frame.select(names)), row_hashes(same))
    return seen


def by_nested_folds(context: Context, accepted: pl.DataFrame, contenders: list[Contender]) -> Judged:
    """Recipes by repeated nested cross-validation over all accepted rows."""
    project = context.project
    found = {one.label: _nested(context, accepted, one) for one in contenders}
    some = next(iter(found.values()))
    frame = accepted[some.row]
    base = Predictions(
        actual=outcomes(project, frame[project.target]),
        predicted=np.zeros(frame.height),
        repeat=some.repeat,
        fold=some.fold,
        order=_order(project, frame),
        line=frame[LINE].to_numpy(),
    )
    return Judged({label: replace(base, predicted=one.predicted) for label, one in found.items()}, frame)


def _nested(context: Context, accepted: pl.DataFrame, one: Contender) -> Outside:
    """The nested predictions of one recipe; it takes long, so they are kept in the object store."""
    project = context.project
    rows = hashlib.sha256(row_hashes(accepted).tobytes()).hexdigest()
    parts = [one.recipe_digest, rows, project.model_dump(mode="json"), context.code]
    key = f"{project.project}/nested/{digest_of(parts)[:32]}.npz"
    if context.objects.exists(key):
        with np.load(io.BytesIO(context.objects.get(key)), allow_pickle=False) as stored:
            return Outside(stored["row"], stored["predicted"], stored["repeat"], stored["fold"])
    found = _run_nested(context, accepted, one)
    buffer = io.BytesIO()
    np.savez(buffer, row=found.row, predicted=found.predicted, repeat=found.repeat, fold=found.fold)
    context.objects.put(key, buffer.getvalue())
    return found


def _run_nested(context: Context, accepted: pl.DataFrame, one: Contender) -> Outside:
    project = context.project
    hooks = load_hooks(one.bundle)
    made = apply_hook(hooks, accepted, one.bundle)
    challenger = Challenger.model_validate(one.recipe["challenger"])
    prepare = Prepare.model_validate(one.recipe["prepare"])
    features = features_of(project, made.schema, hooks.features is not None)
    recipe = recipe_of(project, challenger, prepare, features, context.hooks, context.jobs)
    rows = rows_of(project, made, features)
    return nested(
        recipe,
        rows,
        seed=project.split.seed,
        repeats=project.judge.repeats,
        metric=metrics.metric(project.metric, project.task),
        space=recipe.family.space(project.task, len(rows), len(features)),
        engine=context.engine,
        progress=context.progress,
        trim=lambda some: kept_rows(made, some, project.prepare.trim),
    )
