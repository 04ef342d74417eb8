"""The log of predictions, for people who keep it: copies, retention, and outcomes from a file."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl
from pydantic_core import to_json

from torneo.engines.batch import Asked, asked_of, sort_rows
from torneo.engines.rows import batches
from torneo.engines.tables import check_target, table_writer
from torneo.errors import ConflictError, GateError
from torneo.ports import LogFilter, Outcome, PredictionLog, Progress
from torneo.runtime import Runtime
from torneo.serving.privacy import Privacy
from torneo.sources import read
from torneo.spec.frozen import Frozen, nearest
from torneo.spec.project import Project
from torneo.spec.records import LINE
from torneo.spec.source import Source

ID, VALUE = "prediction_id", "value"
ROWS = 50_000
SHOWN = 5
TEXT, MOMENT = pl.String(), pl.Datetime("us", "UTC")
SCHEMA = pl.Schema(
    {
        "id": TEXT, "time": MOMENT, "request": TEXT, "key": TEXT, "version": pl.Int64(), "role": TEXT, "inputs": TEXT,
        "output": TEXT, "latency_ms": pl.Float64(), "of": TEXT, "entity": TEXT, "outcome": TEXT, "outcome_time": MOMENT,
    }
)  # fmt: skip
"""What a copy of the log has; `inputs`, `output` and `outcome` are JSON."""


class Reported(Frozen):
    """What became of the outcomes of a file: rows = recorded + empty + unknown + refused."""

    rows: int
    recorded: int
    empty: int
    """Rows without an outcome: it is not known yet."""
    unknown: int
    """Rows about predictions that the log does not have."""
    refused: int
    """Rows whose outcome breaks the contract of the target."""
    examples: tuple[str, ...] = ()
    """The first rows that were not recorded, and why."""


def export(log: PredictionLog, project: str, wanted: LogFilter, target: Path, progress: Progress) -> int:
    """Write the wanted lines with their last outcomes to a Parquet or CSV file, oldest first; gives how many.

    Raises:
        ConflictError: the file's name does not say its format.
    """
    check_target(target)
    bar, rows = progress.step("export"), 0
    with table_writer(target, SCHEMA) as write:
        for frame in log.scan(project, wanted):
            write(frame.select(list(SCHEMA)))
            rows += frame.height
            bar.advance(frame.height)
    bar.done()
    return rows


def count_before(log: PredictionLog, project: str, before: datetime.datetime) -> int:
    """How many lines are older."""
    return sum(frame.height for frame in log.scan(project, LogFilter(until=before)))


def entity_of(project: Project, secret: bytes, key: Mapping[str, str]) -> str:
    """The digest by which the log knows a subject.

    Raises:
        ConflictError: the contract has no key, or another one.
    """
    wanted = project.contract.key
    if not wanted:
        raise ConflictError(
            f"the contract of {project.project} has no key: its log cannot say whose a line is",
            fix="give the contract a key; lines that are logged from then on can be found by it",
        )
    if set(key) != set(wanted):
        stray = next((name for name in key if name not in wanted), None)
        hint = "" if stray is None else f", and {stray!r} is none of it{nearest(stray, wanted)}"
        raise ConflictError(
            f"the key of {project.project} is {', '.join(wanted)}{hint}",
            fix=" ".join(f"--key {name}=…" for name in wanted),
        )
    return Privacy.of(project.project, project.contract, secret).entity(key)


def report_outcomes(runtime: Runtime, project: Project, folder: Path, file: str, progress: Progress) -> Reported:
    """Write what really happened, from a file with `prediction_id` and `value` (or the target's column), into the log.

    A later outcome of the same prediction corrects the earlier one. Rows without a value are passed over.

    Raises:
        SourceError: the file cannot be found or read, or has no rows.
        GateError: it lacks one of the columns.
    """
    with runtime.scratch(project.project) as work:
        data = work / "outcomes.parquet"
        like = project.source
        source = Source(uri=file, delimiter=like.delimiter, encoding=like.encoding, decimal=like.decimal)
        reading = read(source, [Path(), *runtime.folders(folder)], data)
        bar = progress.step("outcomes", reading.rows)
        schema = pl.Schema(pl.read_parquet_schema(data))
        asked = _asked_of_outcomes(project, schema, reading.file)
        total = Reported(rows=0, recorded=0, empty=0, unknown=0, refused=0)
        for batch in batches(data, list(schema), ROWS):
            total = _together(total, _report(runtime.predictions, project, asked, batch))
            bar.advance(batch.height)
        bar.done()
    return total


def _asked_of_outcomes(project: Project, schema: pl.Schema, file: str) -> Asked:
    """What is asked of outcomes: what the contract asks of the target."""
    target = project.contract.columns[project.target]
    header = next((name for name in (VALUE, target.header or project.target, project.target) if name in schema), None)
    if ID not in schema or header is None:
        raise GateError(
            f"{file} needs the columns {ID} and {VALUE} (or {project.target}); it has {', '.join(list(schema)[:20])}",
            fix="answers of the server, and what `torneo predict --log` writes, have prediction_id",
        )
    if project.task == "classification":  # another class is no outcome, whatever is let pass of inputs
        project = project.model_copy(update={"serve": project.serve.model_copy(update={"out_of_range": "refuse"})})
    column = target.model_copy(update={"header": header, "nullable": True})
    return asked_of(project, {project.target: column}, {project.target}, schema, file)


def _report(log: PredictionLog, project: Project, asked: Asked, batch: pl.DataFrame) -> Reported:
    rows = sort_rows(asked, batch)
    ids = batch[ID].cast(pl.String).str.strip_chars().fill_null("")
    values = rows.typed[project.target]
    good = pl.DataFrame({ID: ids.filter(rows.good), LINE: batch[LINE].filter(rows.good), VALUE: values})
    given = good.drop_nulls(VALUE)
    at = time.time_ns() // 1000
    unknown = set(log.add_outcomes(list(_outcomes(project, given, at))))
    strange = given.filter(pl.col(ID).is_in(list(unknown)))
    refused = batch.filter(~rows.good)
    examples = [
        *(f"line {line}: there is no prediction {id_[:40]!r}" for id_, line, _ in strange.head(SHOWN).iter_rows()),
        *(f"line {line}: {', '.join(why)}" for line, why in zip(refused[LINE][:SHOWN], rows.refused, strict=False)),
    ]
    return Reported(
        rows=batch.height,
        recorded=given.height - strange.height,
        empty=good.height - given.height,
        unknown=strange.height,
        refused=refused.height,
        examples=tuple(examples),
    )


def _outcomes(project: Project, given: pl.DataFrame, at: int) -> Iterator[Outcome]:
    """As the log has them: numbers, and classes as text."""
    values = given[VALUE] if project.task == "regression" else given[VALUE].cast(pl.String)
    for id_, value in zip(given[ID], values, strict=True):
        yield Outcome(project.project, id_, to_json(value).decode(), at)


def _together(one: Reported, other: Reported) -> Reported:
    counts: Sequence[str] = ("rows", "recorded", "empty", "unknown", "refused")
    return Reported(
        **{name: getattr(one, name) + getattr(other, name) for name in counts},
        examples=(one.examples + other.examples)[:SHOWN],
    )
