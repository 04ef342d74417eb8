"""Accepted rows to training and judging rows, described in data.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from torneo.errors import GateError
from torneo.learn.features import apply_hook, features_of
from torneo.learn.split import judged_rows
from torneo.learn.trim import trimmed
from torneo.spec.columns import TEMPORAL
from torneo.spec.frozen import Frozen
from torneo.spec.project import Project
from torneo.spec.records import LINE, Feature, GateReport, Prepared, Table, digest_of, file_digest
from torneo.stages.context import Context


def prepare(context: Context, results: Mapping[str, Frozen]) -> Prepared:
    """Run the project's feature hook, split the rows and trim the training ones; nothing is fitted here.

    Raises:
        HookError: features.py fails or is not a function of the single row.
        TrainError: the rows cannot be split as declared.
    """
    gate = results["validate"]
    assert isinstance(gate, GateReport)  # noqa: S101 - for the type checker
    project = context.project
    bar = context.progress.step("prepare")
    accepted = pl.read_parquet(context.objects.path(gate.accepted.key))
    mask = judged_rows(accepted.drop(LINE), project.split)
    frame = apply_hook(context.hooks, accepted, context.folder)
    features = features_of(project, frame.schema, context.hooks.features is not None)
    train, test = frame.filter(~mask), frame.filter(mask)
    _require_classes(project, train, test)
    before = train.height
    train = trimmed(train, project.prepare.trim)
    tables = {name: _write(context, part, name) for name, part in (("train", train), ("test", test))}
    description = _describe(project, features, tables, {"train": train, "test": test})
    digest = digest_of(description)
    key = f"{project.project}/prepared/{digest[:32]}/data.json"
    context.objects.put(key, json.dumps(description, indent=2, ensure_ascii=False, sort_keys=True).encode())
    bar.done(f"{train.height:,} rows to train, {test.height:,} to judge, {len(features)} features")
    return Prepared(
        train=tables["train"],
        test=tables["test"],
        features=features,
        trimmed=before - train.height,
        description=key,
        digest=digest,
        warnings=_warnings(project),
    )


def _write(context: Context, frame: pl.DataFrame, name: str) -> Table:
    file: Path = context.work / f"{name}.parquet"
    frame.write_parquet(file, compression="zstd", statistics=True)
    return context.keep(Table(key="", digest=file_digest(file), rows=frame.height), file, "prepared")


def _require_classes(project: Project, train: pl.DataFrame, test: pl.DataFrame) -> None:
    if project.task != "classification":
        return
    for name, part in (("training", train), ("judging", test)):
        missing = sorted(set(project.classes) - set(part[project.target].cast(pl.String).unique()))
        if missing:
            raise GateError(
                f"{project.project}: there is no {name} row of class {', '.join(missing)} of {project.target}",
                fix=f"set split.stratify: {project.target}, add data, or take the class out of the values",
            )


def _warnings(project: Project) -> tuple[str, ...]:
    times = [name for name, column in project.contract.columns.items() if column.type in TEMPORAL]
    if times and project.split.by_time is None:
        return (
            f"the split is random although there is a time column ({', '.join(times)}): if rows of one time tell of "
            f"another, the future leaks into training; set split.by_time: {times[0]}",
        )
    return ()


def _describe(
    project: Project, features: tuple[Feature, ...], tables: Mapping[str, Table], frames: Mapping[str, pl.DataFrame]
) -> dict[str, object]:
    return {
        "project": project.project,
        "target": project.target,
        "features": [feature.model_dump(mode="json") for feature in features],
        "split": project.split.model_dump(mode="json"),
        "tables": {
            name: {"key": tables[name].key, "digest": tables[name].digest, "rows": tables[name].rows} for name in tables
        },
        "columns": {
            name: {
                "type": str(frames["train"].schema[name]),
                **{part: _summary(frame[name]) for part, frame in frames.items()},
            }
            for name in frames["train"].columns
            if name != LINE
        },
    }


def _summary(series: pl.Series) -> dict[str, object]:
    summary: dict[str, object] = {"missing": series.null_count(), "distinct": series.n_unique()}
    if series.dtype.is_numeric():
        values = series.drop_nulls().to_numpy()
        if len(values):
            numbers = {"mean": values.mean(), "deviation": values.std(), "min": values.min(), "max": values.max()}
            summary |= {name: float(f"{np.float64(number):.12g}") for name, number in numbers.items()}
    elif series.dtype == pl.String:
        counts = series.drop_nulls().value_counts(sort=True).sort(["count", series.name], descending=[True, False])
        summary["categories"] = dict(counts.head(50).iter_rows())
    elif series.dtype.is_temporal():
        summary |= {"min": str(series.min()), "max": str(series.max())}
    return summary
