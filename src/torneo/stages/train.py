"""One challenger: search, fit, export, proof, measures, tracking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo import metrics
from torneo.bundle.baseline import answers_baseline, background, baseline, errors_baseline
from torneo.bundle.calibration import calibration
from torneo.bundle.export import export
from torneo.bundle.interval import half_width
from torneo.bundle.latency import latency_ms
from torneo.bundle.load import load
from torneo.bundle.parity import prove
from torneo.bundle.scorer import calibrated
from torneo.bundle.write import bundle_digest, write
from torneo.learn.auto import challengers_of
from torneo.learn.families import check_challenger, family_of
from torneo.learn.features import columns_of, columns_read, outcomes, rows_of
from torneo.learn.folds import Fold, Rows, folds
from torneo.learn.material import declared, recipe_of
from torneo.learn.outside import Outside, out_of_fold
from torneo.learn.preparation import input_frame
from torneo.learn.recipe import Fitted, Recipe, fit
from torneo.learn.search import Bench, Found, search
from torneo.ports import TrackedRun
from torneo.spec.frozen import Frozen
from torneo.spec.project import Challenger, Project
from torneo.spec.records import (
    ANSWERS,
    ERRORS,
    BundleInfo,
    BundleRef,
    Lineage,
    Prepared,
    Snapshot,
    Trained,
    Trial,
    digest_of,
)
from torneo.stages.context import Context
from torneo.stages.pictures import pictures

Floats = npt.NDArray[np.float64]
FOLDS = 5
"""Folds for challengers without a search."""
MANY_ROWS = 500_000
"""Above so many rows one fold says it: its error is then below a hundredth of what folds of 500 rows have."""


@dataclass(frozen=True, eq=False)
class Work:
    """What the parts of training share."""

    context: Context
    name: str
    challenger: Challenger
    prepared: Prepared
    recipe: Recipe
    rows: Rows
    train: pl.DataFrame
    test: pl.DataFrame
    key: str
    """The digest of all that decides the result."""


@dataclass(frozen=True, eq=False)
class Learned:
    """A fitted model and what its search and its folds said."""

    fitted: Fitted
    found: Found
    pairs: Sequence[Fold]
    outside: Outside


def train(context: Context, results: Mapping[str, Frozen], *, name: str) -> Trained:
    """Train a challenger on the training rows and prove its bundle on the judge's rows.

    Raises:
        TrainError: nothing could be fitted.
        ExportError: the bundle does not give the estimator's answers.
    """
    prepared, snapshot = results["prepare"], results["ingest"]
    assert isinstance(prepared, Prepared)  # noqa: S101 - for the type checker
    assert isinstance(snapshot, Snapshot)  # noqa: S101 - for the type checker
    work = _work(context, prepared, name)
    learned = _learn(work)
    folder = context.work / "bundles" / name
    predicted = _write_bundle(work, learned, snapshot, folder)
    measured = {"latency_ms": latency_ms(load(folder), columns_of(context.project, work.test[:100]))}
    ref = _store_bundle(work, folder)
    trained = Trained(
        name=name,
        family=work.challenger.model,
        params={**work.challenger.params, **learned.found.params},
        features=tuple(feature.name for feature in learned.fitted.features),
        cv=_fold_scores(work, learned),
        trials=learned.found.trials,
        stopped=learned.found.stopped,
        bundle=ref,
        metrics=_scores(work, predicted),
        measured=measured,
        complete=learned.found.complete,
    )
    return trained.model_copy(update={"run_id": _track(work, learned, trained, predicted)})


def _work(context: Context, prepared: Prepared, name: str) -> Work:
    project = context.project
    challenger = challengers_of(project.challengers, prepared.train.rows)[name]
    check_challenger(name, challenger, family_of(challenger, context.hooks), project.task)
    train = pl.read_parquet(context.objects.path(prepared.train.key))
    recipe = recipe_of(project, challenger, project.prepare, prepared.features, context.hooks, context.jobs)
    parts = [
        prepared.digest,
        declared(project, challenger),
        project.metric,
        context.hooks.digest("models"),
        context.code,
    ]
    return Work(
        context=context,
        name=name,
        challenger=challenger,
        prepared=prepared,
        recipe=recipe,
        rows=rows_of(project, train, prepared.features),
        train=train,
        test=pl.read_parquet(context.objects.path(prepared.test.key)),
        key=digest_of(parts),
    )


def _learn(work: Work) -> Learned:
    context, recipe = work.context, work.recipe
    settings = work.challenger.search
    pairs = folds(work.rows, FOLDS if settings is None else settings.folds, seed=recipe.seed)
    if len(work.rows) > MANY_ROWS and settings is None:
        pairs = pairs[-1:]
    metric = metrics.metric(context.project.metric, context.project.task)
    bench = Bench(recipe, work.rows, pairs, metric, context.engine)
    journal = f"journal/{work.name}"
    kept = context.state.get(context.project.project, journal) or {}
    known = [Trial.model_validate(trial) for trial in kept["trials"]] if kept.get("key") == work.key else []

    def save(trials: Sequence[Trial]) -> None:
        body = {"key": work.key, "trials": [trial.model_dump(mode="json") for trial in trials]}
        context.state.put(context.project.project, journal, body)

    space = recipe.family.space(recipe.task, len(work.rows), len(recipe.features))
    found = Found({}, (), "no search")
    if settings is not None:
        found = search(bench, settings, space, known=known, save=save, progress=context.progress)
    bar = context.progress.step(f"fit {work.name}")
    outside = out_of_fold(recipe, work.rows, found.params, pairs, context.engine)
    fitted = fit(recipe, work.rows, found.params)
    bar.done()
    if found.complete:
        context.state.put(context.project.project, journal, None)
    return Learned(fitted, found, pairs, outside)


def _write_bundle(work: Work, learned: Learned, snapshot: Snapshot, folder: Path) -> Floats:
    """Write the proven bundle; gives its answers to the judge's rows."""
    project, context, fitted = work.context.project, work.context, learned.fitted
    graph = export(fitted.pipeline, fitted.features, task=project.task, classes=len(project.classes))
    inputs = input_frame(work.test, fitted.features)
    parity = prove(graph, fitted.pipeline, inputs, work.test, nullable=work.recipe.nullable)
    correction = _calibration(work, learned)
    predicted = np.asarray(calibrated(parity.predicted, correction), dtype=np.float64)
    info = BundleInfo(
        project=project.project,
        task=project.task,
        target=project.target,
        classes=project.classes,
        challenger=work.name,
        family=work.challenger.model,
        recipe=declared(project, work.challenger),
        contract=_declared_columns(project),
        features=fitted.features,
        uses_hook=context.hooks.features is not None,
        metrics=_scores(work, predicted),
        interval=_interval(work, learned),
        calibration=correction,
        baseline=_baseline(work, learned, predicted),
        background=background(
            work.train, _columns_read(work, fitted), seed=project.split.seed, personal=project.contract.personal
        ),
        lineage=Lineage(
            snapshot=snapshot.table.digest, prepared=work.prepared.digest, recipe=work.key, code=context.code
        ),
    )
    write(folder, graph, info, features_source=context.hooks.sources.get("features"))
    return predicted


def _declared_columns(project: Project) -> dict[str, Any]:
    columns = project.contract.columns
    return {name: column.model_dump(mode="json", exclude_unset=True) for name, column in columns.items()}


def _columns_read(work: Work, fitted: Fitted) -> tuple[str, ...]:
    names = [feature.name for feature in fitted.features]
    return columns_read(work.context.project, work.context.hooks, work.train.head(1000), names, work.context.folder)


def _interval(work: Work, learned: Learned) -> dict[str, float]:
    project, outside = work.context.project, learned.outside
    if project.task != "regression":
        return {}
    residuals = np.abs(work.rows.y[outside.row] - outside.predicted)
    return {"share": project.serve.interval, "half_width": half_width(residuals, project.serve.interval)}


def _baseline(work: Work, learned: Learned, predicted: Floats) -> dict[str, Any]:
    """Features and target as in the training rows, answers to the judge's rows, errors out of fold."""
    project, outside = work.context.project, learned.outside
    made = baseline(work.train, work.prepared.features, project.target)
    made[ANSWERS] = answers_baseline(predicted, project.classes)
    if project.task == "regression":
        made[ERRORS] = errors_baseline(work.rows.y[outside.row].astype(np.float64), outside.predicted)
    return made


def _calibration(work: Work, learned: Learned) -> dict[str, Any]:
    outside = learned.outside
    return (
        calibration(outside.predicted, work.rows.y[outside.row].astype(np.int64))
        if work.context.project.classes
        else {}
    )


def _store_bundle(work: Work, folder: Path) -> BundleRef:
    digest = bundle_digest(folder)
    key = f"{work.context.project.project}/bundles/{digest[:32]}"
    for file in sorted(path for path in folder.iterdir() if path.name != "digests.json"):
        work.context.objects.put(f"{key}/{file.name}", file)
    work.context.objects.put(f"{key}/digests.json", folder / "digests.json")
    return BundleRef(key=key, digest=digest)


def _scores(work: Work, predicted: Floats) -> dict[str, float]:
    project = work.context.project
    actual = outcomes(project, work.test[project.target])
    scores = metrics.score_all(actual, predicted, project.task)
    return {name: float(f"{score:.10g}") for name, score in scores.items()}


def _fold_scores(work: Work, learned: Learned) -> dict[str, tuple[float, ...]]:
    outside, project = learned.outside, work.context.project
    scores: dict[str, list[float]] = {}
    for fold in range(len(learned.pairs)):
        inside = outside.fold == fold
        actual = work.rows.y[outside.row[inside]]
        for name, score in metrics.score_all(actual, outside.predicted[inside], project.task).items():
            scores.setdefault(name, []).append(float(f"{score:.10g}"))
    return {name: tuple(values) for name, values in scores.items() if len(values) == len(learned.pairs)}


def _track(work: Work, learned: Learned, trained: Trained, predicted: Floats) -> str:
    context, project = work.context, work.context.project
    bar = context.progress.step(f"track {work.name}")
    folder = context.work / "pictures" / work.name
    actual = outcomes(project, work.test[project.target])
    test = rows_of(project, work.test, work.prepared.features)
    pictures(folder, project, work.recipe.family, learned.fitted, test, actual, predicted, trained)
    series = {f"cv_{name}": scores for name, scores in trained.cv.items()}
    series["search"] = tuple(float(np.mean(trial.scores)) for trial in trained.trials if trial.scores)
    run = TrackedRun(
        project=project.project,
        name=work.name,
        key=f"{work.key}/{trained.bundle.digest}",
        params={"model": trained.family, "features": ",".join(trained.features), **trained.params},
        metrics={**trained.metrics, **trained.measured},
        series={name: values for name, values in series.items() if values},
        tags={"bundle": trained.bundle.digest, "stopped": trained.stopped, **context.tags},
        dataset_digest=work.prepared.digest,
    )
    run_id = context.registry.track(run, folder)
    bar.done()
    return run_id
