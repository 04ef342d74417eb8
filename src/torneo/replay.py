"""A version scored on logged traffic, and the judge's verdict on it from the outcomes that were reported."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo import promotion
from torneo.engines.types import type_of
from torneo.errors import ConflictError, NotFoundError
from torneo.metrics import UndefinedMetricError
from torneo.ports import LogFilter, Progress
from torneo.promotion import Champion
from torneo.runtime import Runtime
from torneo.serving.model import Model
from torneo.serving.privacy import is_hidden
from torneo.spec.columns import Column, canonical_text
from torneo.spec.project import Project
from torneo.spec.records import Decision
from torneo.spec.replay_records import Replayed
from torneo.stages.context import Context
from torneo.stages.replayed import on_traffic
from torneo.stages.scoring import LEAST_ROWS, Contender, contender, seen

Floats = npt.NDArray[np.float64]
PIECE = 10_000
"""So many lines are scored at a time."""
PERSONAL = "personal data is not in the log"
STRANGE, REPEATED, TRAINED = "its outcome is no class", "the same row again", "a version was trained on it"
"""Why a line is left out."""


@dataclass
class _Collected:
    """What the judge needs, of the lines with an outcome."""

    lines: int = 0
    replayed: int = 0
    apart: float = 0.0
    labelled: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    not_judged: Counter[str] = field(default_factory=Counter)
    known: set[tuple[str, str]] = field(default_factory=set)
    actual: list[Any] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    columns: dict[str, list[Any]] = field(default_factory=dict)
    predicted: tuple[list[Floats], list[Floats]] = field(default_factory=lambda: ([], []))


@dataclass(frozen=True)
class _Versions:
    """The two versions that are compared, the challenger first."""

    project: Project
    models: tuple[Model, Model]

    @property
    def read(self) -> Sequence[str]:
        """The columns of the contract that their answers depend on."""
        names = {name for model in self.models for name in model.scorer.info["background"]}
        return [name for name in self.project.contract.columns if name in names]

    @property
    def marked(self) -> Mapping[str, Literal["hash", "drop"]]:
        """Those of them that are personal data, today or when a version was trained."""
        contracts: list[Mapping[str, Column]] = [self.project.contract.columns, *(one.contract for one in self.models)]
        columns = {name: column for contract in contracts for name, column in contract.items() if column.pii}
        return {name: column.pii for name, column in columns.items() if name in self.read and column.pii is not None}

    @property
    def kept(self) -> Sequence[str]:
        """The columns that the judge looks at."""
        also = [*self.project.judge.slices, self.project.split.by_time]
        known = self.models[0].contract
        return list(dict.fromkeys([*self.read, *(name for name in also if name is not None and name in known)]))


def replay(
    runtime: Runtime,
    project: Project,
    folder: Path,
    progress: Progress,
    version: int,
    against: int | None = None,
    lines: LogFilter | None = None,
) -> Replayed:
    """Score a version, and the champion (or another one), on the inputs of those logged lines that champions answered.

    Rows that one of them was trained on are not judged, nor is the same row of the same subject a second time.

    Raises:
        NotFoundError: there is no champion, no such version, or no such line.
        ConflictError: the versions are the same, or know other classes than the project.
    """
    pair = _pair(runtime, project, version, against)
    with runtime.context(project, folder, progress) as context:
        labels = [f"version {one.number}" for one in pair]
        found = [contender(context, label, one.bundle, one.digest) for label, one in zip(labels, pair, strict=True)]
        first, second = (
            Model.open(one, each.bundle, threads=context.jobs) for one, each in zip(pair, found, strict=True)
        )
        versions = _Versions(project, (first, second))
        _check_classes(versions)
        collected = _Collected(columns={name: [] for name in versions.kept})
        bar = progress.step("replay")
        for frame in runtime.predictions.scan(project.project, _answered(lines), rows=PIECE):
            _collect(versions, frame, collected)
            bar.advance(frame.height)
        bar.done()
        if not collected.lines:
            raise NotFoundError(
                f"the log of {project.project} has no such answer of a champion",
                fix="answers come from torneo serve, and from torneo predict --log",
            )
        return _told(pair, collected, *_judge(context, versions, found, collected))


def _answered(lines: LogFilter | None) -> LogFilter:
    return (lines or LogFilter()).model_copy(update={"role": "champion"})


def _told(
    pair: tuple[Champion, Champion],
    collected: _Collected,
    decision: Decision | None,
    judged: int,
    undecided: str | None,
) -> Replayed:
    return Replayed(
        version=pair[0].number,
        against=pair[1].number,
        lines=collected.lines,
        replayed=collected.replayed,
        left_out=dict(collected.left_out),
        difference=collected.apart / collected.replayed if collected.replayed else None,
        labelled=collected.labelled,
        not_judged=dict(collected.not_judged),
        judged=judged,
        decision=decision,
        undecided=undecided,
    )


def _pair(runtime: Runtime, project: Project, version: int, against: int | None) -> tuple[Champion, Champion]:
    name = project.project
    champion = promotion.champion(runtime.state, name)
    if against is None and champion is None:
        raise NotFoundError(f"{name} has no champion yet", fix=f"torneo run {name}, or --against VERSION")
    first = Champion.of(promotion.version(runtime.registry, name, version))
    second = champion if against is None else Champion.of(promotion.version(runtime.registry, name, against))
    assert second is not None  # noqa: S101 - for the type checker
    if first.digest == second.digest:
        raise ConflictError(f"version {version} of {name} cannot be compared with itself", fix="add --against VERSION")
    return first, second


def _check_classes(versions: _Versions) -> None:
    for model in versions.models:
        classes = list(model.scorer.info["classes"])
        if sorted(classes) != sorted(versions.project.classes):
            known = ", ".join(versions.project.classes)
            raise ConflictError(f"version {model.version} knows the classes {', '.join(classes)}, the project {known}")


def _collect(versions: _Versions, frame: pl.DataFrame, collected: _Collected) -> None:
    """Score the lines of a frame of the log with both versions."""
    collected.lines += frame.height
    rows = [json.loads(text) for text in frame["inputs"]]
    marked = versions.marked
    shown = [place for place, row in enumerate(rows) if not is_hidden(row, marked)]
    collected.left_out[PERSONAL] += len(rows) - len(shown)
    decoded: list[Mapping[str, Sequence[Any]]] = []
    unfit: set[int] = set()
    for model in versions.models:
        columns, bad = _decoded(versions.project, model, [rows[place] for place in shown])
        collected.left_out[f"version {model.version} cannot read it"] += len(bad - unfit)
        decoded.append(columns)
        unfit |= bad
    fit = [place for place in range(len(shown)) if place not in unfit]
    collected.left_out = +collected.left_out
    if not fit:
        return
    collected.replayed += len(fit)
    scores = [
        _scores(versions.project, model, {name: [values[place] for place in fit] for name, values in columns.items()})
        for model, columns in zip(versions.models, decoded, strict=True)
    ]
    collected.apart += _apart(scores[0], scores[1])
    _label(versions, frame[[shown[place] for place in fit]], fit, decoded, scores, collected)


def _decoded(
    project: Project, model: Model, rows: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Sequence[Any]], set[int]]:
    """The rows by column, and which of them a version would have refused."""
    known = model.contract
    inputs = model.decoder.decode([{name: row[name] for name in row if name in known} for row in rows])
    warn = project.serve.out_of_range == "warn"
    return inputs.columns, {finding.row for finding in inputs.findings if not (warn and finding.is_range)}


def _scores(project: Project, model: Model, columns: Mapping[str, Sequence[Any]]) -> Floats:
    """Predictions (n,), or probabilities (n, classes) in the order of the project's classes."""
    scores = np.asarray(model.scorer.score(columns), dtype=np.float64)
    if scores.ndim == 1:
        return scores
    classes = list(model.scorer.info["classes"])
    return scores[:, [classes.index(name) for name in project.classes]]


def _apart(one: Floats, other: Floats) -> float:
    """How far answers are apart, added up over the rows."""
    if one.ndim == 1:
        return float(np.abs(one - other).sum())
    return float((one.argmax(axis=1) != other.argmax(axis=1)).sum())


def _label(
    versions: _Versions,
    frame: pl.DataFrame,
    fit: Sequence[int],
    decoded: Sequence[Mapping[str, Sequence[Any]]],
    scores: Sequence[Floats],
    collected: _Collected,
) -> None:
    """Keep what the judge needs of the lines that have an outcome."""
    project, kept = versions.project, []
    lines = zip(frame["outcome"], frame["entity"], frame["inputs"], frame["time"].dt.epoch("us"), strict=True)
    for place, (text, entity, inputs, time) in enumerate(lines):
        if text is None:
            continue
        collected.labelled += 1
        actual = json.loads(text)
        if project.task == "classification" and canonical_text(actual) not in project.classes:
            collected.not_judged[STRANGE] += 1
        elif entity is not None and (entity, inputs) in collected.known:
            collected.not_judged[REPEATED] += 1
        else:
            if entity is not None:
                collected.known.add((entity, inputs))
            collected.actual.append(actual)
            collected.times.append(time)
            kept.append(place)
    both = {**decoded[1], **decoded[0]}
    for name, values in collected.columns.items():
        values += [both[name][fit[place]] for place in kept]
    for scored, parts in zip(scores, collected.predicted, strict=True):
        parts.append(scored[kept])


def _judge(
    context: Context, versions: _Versions, found: list[Contender], collected: _Collected
) -> tuple[Decision | None, int, str | None]:
    """The decision, on how many rows it rests, and why there is none."""
    frame = _typed(versions, collected)
    new = np.zeros(0, np.bool_)
    if frame.height:
        new = ~seen(context, frame.select(*versions.read, versions.project.target), found)
    count, trained = int(new.sum()), int((~new).sum())
    if trained:
        collected.not_judged[TRAINED] = trained
    if count < LEAST_ROWS:
        told = f"{count:,} of {collected.replayed:,} replayed lines have an outcome that can be judged"
        return None, count, f"only {told}; the judge needs {LEAST_ROWS} or more"
    predicted = [np.concatenate(parts)[new] for parts in collected.predicted]
    times = np.array(collected.times, dtype=np.int64)[new]
    try:
        decision = on_traffic(context, found, frame.filter(new), (predicted[0], predicted[1]), times)
    except UndefinedMetricError as error:
        return None, count, f"{versions.project.metric} cannot be tested on these {count:,} rows: {error}"
    return decision, count, None


def _typed(versions: _Versions, collected: _Collected) -> pl.DataFrame:
    contract, target = versions.project.contract.columns, versions.project.target
    values = {**collected.columns, target: collected.actual}
    if contract[target].type in ("category", "text"):
        values[target] = [canonical_text(value) for value in collected.actual]
    elif contract[target].type == "bool":
        values[target] = [canonical_text(value) == "true" for value in collected.actual]
    return pl.DataFrame([pl.Series(name, values[name], dtype=type_of(contract[name]), strict=False) for name in values])
