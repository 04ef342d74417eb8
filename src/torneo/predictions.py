"""Predictions for the rows of a file, by the way of served ones: contract, features.py, graph, what is made of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import polars as pl

from torneo import promotion
from torneo.engines.answers import answer_columns, answer_table, log_lines, score
from torneo.engines.batch import Asked, Sorted, asked_of, sort_rows
from torneo.engines.rows import batches
from torneo.engines.tables import Write, check_target, table_writer
from torneo.errors import ConflictError, NotFoundError
from torneo.ports import Progress
from torneo.promotion import Champion
from torneo.runtime import Runtime
from torneo.serving.endpoint import Call
from torneo.serving.follow import open_model
from torneo.serving.ids import new_ids
from torneo.serving.model import Model
from torneo.serving.privacy import Privacy
from torneo.sources import Reading, read
from torneo.spec.frozen import Frozen
from torneo.spec.project import Project
from torneo.spec.records import LINE
from torneo.spec.source import Source

READ_ROWS, SCORED_ROWS, LOGGED_ROWS = 250_000, 50_000, 5_000
"""How many rows are read, scored and logged at a time."""
REJECTED_LINE, REJECTED_REASONS = "rejected_line", "rejected_reasons"


class Predicted(Frozen):
    """What became of a file's rows: rows = predicted + rejected."""

    version: int
    rows: int
    predicted: int
    rejected: int
    reasons: Mapping[str, int]
    """How many rows carry each reason, those that were let pass with a warning included."""
    warned: int
    logged: int
    rejected_file: str | None
    """Where the refused rows are, if there are any."""


@dataclass
class _Tally:
    predicted: int = 0
    rejected: int = 0
    warned: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Batches:
    """A file before a model."""

    project: Project
    model: Model
    asked: Asked
    answers: pl.Schema
    """The columns that are added to the file's."""
    privacy: Privacy | None
    """How rows are logged; None if they are not."""
    request: str


def predict(
    runtime: Runtime,
    project: Project,
    folder: Path,
    file: str,
    out: Path | BinaryIO,
    rejected: Path,
    progress: Progress,
    *,
    version: int | None = None,
    log: bool = False,
) -> Predicted:
    """Answer the rows of a file with the champion, or with a version; memory is bounded whatever the file's size.

    What is written has the file's columns as they came and the answers beside. Refused rows go to a file of their own,
    with the line on which they stand and their reasons; it is not there if there are none.

    Args:
        file: a path or a URI of CSV, Parquet or JSON lines, with the rows as the contract has them: what `join` or
            `events` make of the source is in it. Text is read with the source's delimiter, encoding and decimal sign.
        out: a Parquet or CSV file, or a stream that gets CSV.
        rejected: a Parquet or CSV file.
        log: whether the answers are written to the log of predictions, which gives each an id.

    Raises:
        NotFoundError: there is no champion, or no such version.
        ConflictError: a file's name does not say its format; or the log is to have answers that are not the champion's.
        SourceError: the file cannot be found or read, or has no rows.
        GateError: it lacks a column that the model reads.
    """
    _check_targets(file, out, rejected)
    model = open_model(
        _chosen(runtime, project, version, log), runtime.objects, runtime.home / "serving", runtime.settings.jobs
    )
    with runtime.scratch(project.project) as work:
        data = work / "rows.parquet"
        reading = _read(project, file, [Path(), *runtime.folders(folder)], data, progress)
        schema = pl.Schema(pl.read_parquet_schema(data))
        asked = asked_of(project, model.contract, model.read, schema, reading.file)
        answers = answer_columns(model, ids=log, warnings=project.serve.out_of_range == "warn")
        _check_free(schema, answers, reading.file)
        privacy = Privacy.of(project.project, project.contract, runtime.secret) if log else None
        batches = _Batches(project, model, asked, answers, privacy, new_ids()[0])
        tally = _write(runtime, batches, data, reading.rows, schema, (out, rejected), progress)
    return _told(model.version, reading.rows, tally, rejected, log)


def _told(version: int, rows: int, tally: _Tally, rejected: Path, log: bool) -> Predicted:
    if not tally.rejected:
        rejected.unlink(missing_ok=True)
    return Predicted(
        version=version,
        rows=rows,
        predicted=tally.predicted,
        rejected=tally.rejected,
        reasons=dict(tally.reasons.most_common()),
        warned=tally.warned,
        logged=tally.predicted if log else 0,
        rejected_file=str(rejected) if tally.rejected else None,
    )


def _check_targets(file: str, out: Path | BinaryIO, rejected: Path) -> None:
    paths = [out, rejected] if isinstance(out, Path) else [rejected]
    for path in paths:
        check_target(path)
        if path.absolute() == Path(file).absolute():
            raise ConflictError(f"{path} is what is read: it would be replaced", fix="write to another file")
    if len(paths) == 2 and out == rejected:
        raise ConflictError(f"answers and refused rows cannot both go to {rejected}")


def _chosen(runtime: Runtime, project: Project, version: int | None, log: bool) -> Champion:
    champion, name = promotion.champion(runtime.state, project.project), project.project
    if version is None or (champion is not None and champion.number == version):
        if champion is None:
            raise NotFoundError(f"{name} has no champion yet", fix=f"torneo run {name}")
        return champion
    chosen = Champion.of(promotion.version(runtime.registry, name, version))
    if log:
        raise ConflictError(
            f"version {version} of {name} is not champion: only the champion's answers are logged",
            fix="leave out --log",
        )
    return chosen


def _read(project: Project, file: str, folders: Sequence[Path], target: Path, progress: Progress) -> Reading:
    like = project.source
    source = Source(uri=file, delimiter=like.delimiter, encoding=like.encoding, decimal=like.decimal)
    bar = progress.step("read")
    reading = read(source, folders, target)
    bar.done(f"{reading.rows:,} rows, {len(reading.columns)} columns from {reading.file}")
    return reading


def _check_free(schema: pl.Schema, answers: pl.Schema, file: str) -> None:
    taken = [name for name in answers if name in schema]
    if taken:
        raise ConflictError(
            f"{file} has a column {taken[0]!r} already, where the answers would go",
            fix="rename the column, or leave it out of the file",
        )


def _write(
    runtime: Runtime,
    batches_: _Batches,
    data: Path,
    rows: int,
    schema: pl.Schema,
    targets: tuple[Path | BinaryIO, Path],
    progress: Progress,
) -> _Tally:
    like, tally = batches_.project.source, _Tally()
    columns = {name: kind for name, kind in schema.items() if name not in (LINE, REJECTED_LINE, REJECTED_REASONS)}
    refused = {REJECTED_LINE: pl.Int64(), REJECTED_REASONS: pl.String(), **columns}
    marked = like.encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "ascii")
    bar = progress.step("predict", rows)
    with (
        table_writer(targets[0], pl.Schema({**columns, **batches_.answers}), separator=like.delimiter) as good_rows,
        table_writer(targets[1], pl.Schema(refused), separator=like.delimiter, marked=marked) as bad_rows,
    ):
        for batch in _slices(data, [*columns, LINE]):
            started = time.perf_counter_ns()
            rows_by_fate = sort_rows(batches_.asked, batch)
            _write_good(runtime, batches_, batch, rows_by_fate, started, good_rows)
            _write_bad(batch, rows_by_fate, list(refused), bad_rows)
            tally.predicted += rows_by_fate.typed.height
            tally.rejected += len(rows_by_fate.refused)
            tally.warned += len(rows_by_fate.warnings) - rows_by_fate.warnings.null_count()
            for reasons in (rows_by_fate.refused, rows_by_fate.warnings.drop_nulls().str.split(";")):
                tally.reasons.update(dict(reasons.explode().drop_nulls().value_counts().iter_rows()))
            bar.advance(batch.height)
    bar.done()
    return tally


def _slices(data: Path, columns: list[str]) -> Iterator[pl.DataFrame]:
    for batch in batches(data, columns, READ_ROWS):
        yield from batch.iter_slices(SCORED_ROWS)


def _write_good(
    runtime: Runtime, batches_: _Batches, batch: pl.DataFrame, rows: Sorted, started: int, write: Write
) -> None:
    typed, privacy = rows.typed, batches_.privacy
    if typed.is_empty():
        return
    scores = score(batches_.model, typed)
    at = time.time_ns() // 1000
    ids = new_ids(typed.height, at // 1000) if privacy is not None else ()
    if privacy is not None:
        call = Call(batches_.request, "", started)
        for start in range(0, typed.height, LOGGED_ROWS):
            part = slice(start, start + LOGGED_ROWS)
            made, told = ids[part], rows.warnings[part]
            runtime.predictions.append(
                log_lines(batches_.model, privacy, call, typed[part], scores[part], made, [at] * len(made), told)
            )
    answers = answer_table(batches_.model, batches_.answers, scores, ids, rows.warnings)
    write(batch.drop(LINE).filter(rows.good).with_columns(answers.get_columns()))


def _write_bad(batch: pl.DataFrame, rows: Sorted, columns: list[str], write: Write) -> None:
    if len(rows.refused):
        told = rows.refused.list.join(";").alias(REJECTED_REASONS)
        write(batch.filter(~rows.good).rename({LINE: REJECTED_LINE}).with_columns(told).select(columns))
