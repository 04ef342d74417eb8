"""The gate on Polars: each row of a snapshot is accepted, refused with all its reasons, or left out.

One pass in batches of rows; a contract with a key has a pass before it (`torneo.engines.keys`). Reason lists are built
for refused rows only. Refused rows are cut out of the source's own columns, so they are kept as they came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from torneo.checks import check_headers
from torneo.engines import keys
from torneo.engines.rows import Functions, Judged, Rules, batches, compile_rules, count, judge
from torneo.engines.types import typed_schema
from torneo.errors import GateError
from torneo.ports import Progress
from torneo.spec.columns import Contract
from torneo.spec.loading import AnyProject, LoadProject
from torneo.spec.records import LINE, REASONS, GateReport, Table, file_digest
from torneo.spec.tables import Window

BATCH_ROWS = 250_000
ACCEPTED = "accepted.parquet"
REJECTED = "rejected.parquet"
WITHHELD = "withheld.parquet"


@dataclass
class Tally:
    """What the gate has seen so far."""

    reasons: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    outside: int = 0
    undated: int = 0

    def add(self, judged: Judged, refused: pl.Series, window: Window | None) -> None:
        """Count a batch, with the lists of reasons of the rows that are refused."""
        self.reasons.update(dict(refused.explode().value_counts().iter_rows()))
        self.left_out += judged.left_out
        self.outside += judged.outside
        self.undated += 0 if window is None else judged.typed[window.column].null_count()


@dataclass(frozen=True)
class Files:
    """Where rows go."""

    accepted: pq.ParquetWriter
    rejected: pq.ParquetWriter
    withheld: pq.ParquetWriter | None


def gate(
    project: AnyProject,
    data: Path,
    folder: Path,
    progress: Progress,
    functions: Functions,
    *,
    batch_rows: int = BATCH_ROWS,
    accepted_before: Path | None = None,
    window: Window | None = None,
) -> GateReport:
    """Split the rows of a snapshot's Parquet file into `accepted.parquet` and `rejected.parquet` in `folder`.

    A load has a third file, `withheld.parquet`: the keys of rows that the source has and that are not accepted.

    Memory is bounded by `batch_rows`, plus 16 bytes for each row where the contract has a key, plus the rows whose keys
    meet. Equal input gives equal files. With `accepted_before`, rows accepted earlier take part in the key's check.
    Rows whose day is outside the `window` are left out and counted; where the key does not tell the day, their keys
    are compared all the same, so that each window of a snapshot sees the same keys twice.

    Raises:
        GateError: a column is missing, or the contract asks for something that its columns cannot give.
        HookError: a function of checks.py fails.
    """
    rows, schema = count(data), pl.Schema(pl.read_parquet_schema(data))
    schema.pop(REASONS, None)
    unknown = _check_headers(project.contract, schema, data)
    rules = compile_rules(project, schema, functions, window)
    step = progress.step("gate", rows * (2 if project.contract.key else 1))
    collisions = keys.NONE
    if project.contract.key:
        collisions = keys.collisions(rules, data, batch_rows, step, accepted_before)
    load = isinstance(project, LoadProject)
    tally = _write_all(rules, data, folder, schema, collisions, batch_rows, step, withhold=load)
    tables = [_table(folder / ACCEPTED), _table(folder / REJECTED)]
    step.done(f"{tables[1].rows:,} of {rows:,} rows refused")
    return GateReport(
        rows=rows,
        accepted=tables[0],
        rejected=tables[1],
        withheld=_table(folder / WITHHELD) if load else None,
        left_out=tally.left_out,
        outside_window=tally.outside,
        undated=tally.undated,
        reasons={name: tally.reasons[name] for name in rules.reasons if tally.reasons[name]},
        unknown_columns=unknown,
    )


def _write_all(
    rules: Rules,
    data: Path,
    folder: Path,
    schema: pl.Schema,
    collisions: keys.Collisions,
    batch_rows: int,
    step: Progress,
    *,
    withhold: bool,
) -> Tally:
    """Write all files, and count."""
    tally, position, typed = Tally(), 0, typed_schema(rules.contract)
    key = {name: typed[name] for name in rules.contract.key}
    with (
        _writer(folder / ACCEPTED, typed) as accepted,
        _writer(folder / REJECTED, {**schema, REASONS: pl.List(pl.String)}) as rejected,
        _writer(folder / WITHHELD, key) if withhold else nullcontext() as withheld,
        ThreadPoolExecutor(1) as pool,
    ):
        files = Files(accepted, rejected, withheld)
        writing: Future[None] | None = None
        for batch in batches(data, list(schema), batch_rows):
            judged = judge(rules, batch)
            good, refused = split(rules, judged, collisions.within(position, len(batch)))
            if judged.away is not None:
                _withhold(files, rules, judged.typed.filter(judged.away))
                here = ~judged.away
                good, refused = good.filter(here), refused.filter(here.filter(~good))
                judged = judged.at_home()
            if not refused.is_empty():
                _withhold(files, rules, judged.typed.filter(~good))
                rows = batch[judged.kept.arg_true().filter(~good)]
                _write(files.rejected, rows.with_columns(refused.alias(REASONS)))
            if writing is not None:
                writing.result()
            writing = pool.submit(_write, files.accepted, judged.typed.select(list(typed)).filter(good))
            tally.add(judged, refused, rules.window)
            position += len(batch)
            step.advance(len(batch))
        if writing is not None:
            writing.result()
    return tally


def _withhold(files: Files, rules: Rules, rows: pl.DataFrame) -> None:
    """Keep the keys of rows that are not accepted; one with an empty part is nobody's."""
    if files.withheld is not None:
        _write(files.withheld, rows.select(rules.contract.key).drop_nulls().unique(maintain_order=True))


def _check_headers(contract: Contract, schema: pl.Schema, data: Path) -> tuple[str, ...]:
    """The headers that the contract does not name."""
    if LINE not in list(schema):
        raise GateError(f"{data.name} is not a snapshot: it has no column {LINE}")
    return check_headers(contract, [name for name in list(schema) if name != LINE])


def split(rules: Rules, judged: Judged, key_reasons: pl.Series | None) -> tuple[pl.Series, pl.Series]:
    """Which rows that take part are good, and the list of reasons of each other one, in order."""
    good = judged.good
    marks = {str(index): rows for index, rows in judged.broken.items()}
    names = [rules.checks[index].name for index in judged.broken]
    texts = [pl.when(str(index)).then(pl.lit(rules.checks[index].name)).alias(str(index)) for index in judged.broken]
    if key_reasons is not None:
        marks["key"] = key_reasons.filter(judged.kept)
        good = good & marks["key"].is_null()
        texts.append(pl.col("key"))
    if good.all():
        return good, pl.Series(dtype=pl.List(pl.String))
    lists = pl.DataFrame(marks).filter(~good).select(reasons=pl.concat_list(texts).list.drop_nulls()).to_series()
    return good, lists.list.unique(maintain_order=True) if len(set(names)) < len(names) else lists


def _writer(path: Path, schema: Mapping[str, pl.DataType]) -> pq.ParquetWriter:
    texts = [name for name, dtype in schema.items() if dtype == pl.String]
    arrow = pl.DataFrame(schema=schema).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    return pq.ParquetWriter(path, arrow, compression="snappy", use_dictionary=texts)


def _write(writer: pq.ParquetWriter, rows: pl.DataFrame) -> None:
    if rows.height:
        writer.write_table(rows.to_arrow(compat_level=pl.CompatLevel.oldest()))


def _table(path: Path) -> Table:
    return Table(key=path.name, digest=file_digest(path), rows=pq.read_metadata(path).num_rows)
