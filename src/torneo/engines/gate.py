"""The gate on Polars: each row of a snapshot is accepted, refused with all its reasons, or left out.

One pass in batches of rows; a contract with a key has a pass before it (`torneo.engines.keys`). Reason lists are built
for refused rows only. Refused rows are cut out of the source's own columns, so they are kept as they came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
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
from torneo.spec.loading import AnyProject
from torneo.spec.records import LINE, REASONS, GateReport, Table, file_digest
from torneo.spec.tables import Window

BATCH_ROWS = 250_000
ACCEPTED = "accepted.parquet"
REJECTED = "rejected.parquet"


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

    Memory is bounded by `batch_rows`, plus 16 bytes for each row where the contract has a key, plus the rows whose keys
    meet. Equal input gives equal files. With `accepted_before`, rows accepted earlier take part in the key's check.
    Rows whose day is outside the `window` are left out and counted.

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
    reasons, left_out, outside = _write_all(rules, data, folder, schema, collisions, batch_rows, step)
    tables = [_table(folder / ACCEPTED), _table(folder / REJECTED)]
    step.done(f"{tables[1].rows:,} of {rows:,} rows refused")
    return GateReport(
        rows=rows,
        accepted=tables[0],
        rejected=tables[1],
        left_out=left_out,
        outside_window=outside,
        reasons={name: reasons[name] for name in rules.reasons if reasons[name]},
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
) -> tuple[Counter[str], int, int]:
    """Write both files; how many rows carry each reason, were left out, and are outside the window."""
    reasons: Counter[str] = Counter()
    left_out = outside = position = 0
    typed = typed_schema(rules.contract)
    quarantine = {**schema, REASONS: pl.List(pl.String)}
    with (
        _writer(folder / ACCEPTED, typed) as good_rows,
        _writer(folder / REJECTED, quarantine) as bad_rows,
        ThreadPoolExecutor(1) as pool,
    ):
        writing: Future[None] | None = None
        for batch in batches(data, list(schema), batch_rows):
            judged = judge(rules, batch)
            good, refused = split(rules, judged, collisions.within(position, len(batch)))
            if not refused.is_empty():
                _write(bad_rows, batch[judged.kept.arg_true().filter(~good)].with_columns(refused.alias(REASONS)))
            if writing is not None:
                writing.result()
            writing = pool.submit(_write, good_rows, judged.typed.select(list(typed)).filter(good))
            reasons.update(dict(refused.explode().value_counts().iter_rows()))
            outside += judged.outside
            left_out += len(batch) - judged.typed.height - judged.outside
            position += len(batch)
            step.advance(len(batch))
        if writing is not None:
            writing.result()
    return reasons, left_out, outside


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
