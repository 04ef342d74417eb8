"""A part of a snapshot with the gate's verdict on each of its rows, for reports."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl

from torneo.checks import DUPLICATE_KEY, REPEATED_ROW, check_headers
from torneo.engines import keys
from torneo.engines.gate import BATCH_ROWS
from torneo.engines.rows import Functions, Judged, Rules, batches, compile_rules, count, judge
from torneo.frames import copied
from torneo.ports import Progress
from torneo.reports.expectations import MOST_ROWS, passes
from torneo.spec.loading import AnyProject
from torneo.spec.records import LINE, REASONS
from torneo.spec.tables import Window


def sample(
    project: AnyProject,
    data: Path,
    functions: Functions,
    progress: Progress,
    most_rows: int = MOST_ROWS,
    *,
    window: Window | None = None,
) -> pl.DataFrame:
    """Each n-th row of a snapshot, evenly over all of it: typed columns, and `passes REASON` for each reason.

    Keys are compared over all rows. Rows that `where` leaves out, or outside the window, are not there.

    Raises:
        GateError: as the gate.
        HookError: as the gate.
    """
    schema = pl.Schema(pl.read_parquet_schema(data))
    schema.pop(REASONS, None)
    check_headers(project.contract, [name for name in schema if name != LINE])
    rules = compile_rules(project, schema, functions, window)
    rows = count(data)
    every, size = _every(rows, most_rows)
    step = progress.step("sample", rows * (2 if project.contract.key else 1))
    collisions = keys.collisions(rules, data, BATCH_ROWS, step, None) if project.contract.key else keys.NONE
    parts = []
    for number, batch in enumerate(batches(data, rules.headers, size)):
        found = collisions.within(number * size, batch.height)
        key_reasons = pl.repeat(None, batch.height, eager=True, dtype=pl.String) if found is None else found
        judged = judge(rules, batch.gather_every(every)).at_home()
        parts.append(_verdicts(rules, judged, key_reasons.gather_every(every).filter(judged.kept)))
        step.advance(batch.height)
    step.done(f"{sum(part.height for part in parts):,} of {rows:,} rows")
    empty = judge(rules, pl.DataFrame(schema=schema).select(rules.headers))
    return pl.concat([_verdicts(rules, empty, pl.Series(dtype=pl.String)), *parts])


def head(data: Path, most_rows: int = MOST_ROWS) -> pl.DataFrame:
    """Each n-th row of a snapshot as it came, evenly over all of it."""
    every, size = _every(count(data), most_rows)
    schema = pl.Schema(pl.read_parquet_schema(data))
    parts = [copied(batch.gather_every(every)) for batch in batches(data, list(schema), size)]
    return pl.concat([pl.DataFrame(schema=schema), *parts])


def _every(rows: int, most_rows: int) -> tuple[int, int]:
    """Each how many-th row is taken, and the size of batches that each begin with one."""
    every = max(1, math.ceil(rows / most_rows))
    return every, max(1, BATCH_ROWS // every) * every


def _verdicts(rules: Rules, judged: Judged, key_reasons: pl.Series) -> pl.DataFrame:
    frame = judged.typed.select(list(rules.contract.columns))
    verdicts: dict[str, pl.Series] = {}
    for index, check in enumerate(rules.checks):
        good = ~judged.broken[index] if index in judged.broken else pl.repeat(value=True, n=frame.height, eager=True)
        name = passes(check.name)
        verdicts[name] = verdicts[name] & good if name in verdicts else good
    if rules.contract.key:
        for reason in (REPEATED_ROW, DUPLICATE_KEY):
            verdicts[passes(reason)] = key_reasons.ne_missing(pl.repeat(reason, frame.height, eager=True))
    return frame.with_columns(**verdicts)
