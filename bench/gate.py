"""The gate against Great Expectations and Pandera on the same rows in the same run, and 10 M rows in bounded memory.

    python bench/gate.py [--rows 1000000] [--large 10000000]

20 columns with one rule each (and a type, and "not missing"); about 1 % of the rows break one. What each tool gives:
Torneo every bad row with all its reasons; Pandera (lazy) a table of failure cases; Great Expectations (BASIC) counts,
for the 20 rules only. CPU-seconds are of the whole process, so threads win nothing; the best of three runs counts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from torneo.engines.gate import BATCH_ROWS, gate, split
from torneo.engines.rows import Rules, compile_rules, judge
from torneo.spec.project import Project
from torneo.spec.records import LINE
from torneo.testing import SilentProgress

COLOURS = ("red", "green", "blue", "yellow")
BAD = 0.0005
FLOATS, INTS, CATEGORIES, CODES = 9, 6, 4, 1


def project(key: tuple[str, ...] = ()) -> Project:
    """20 columns, a rule each."""
    columns: dict[str, Any] = {f"float{i}": {"type": "float", "min": 0} for i in range(FLOATS)}
    columns |= {f"int{i}": {"type": "int", "max": 1_000_000_000} for i in range(INTS)}
    columns |= {f"colour{i}": {"type": "category", "values": list(COLOURS)} for i in range(CATEGORIES)}
    columns |= {f"code{i}": {"type": "text", "pattern": "[A-Z][0-9]{3}"} for i in range(CODES)}
    contract = {"columns": columns, "key": list(key)}
    return Project.model_validate(
        {"project": "bench", "task": "regression", "target": "float0", "source": {"uri": "x"}, "contract": contract}
    )


def rows_of(rows: int, seed: int, first: int = 0) -> pl.DataFrame:
    """Random rows in their types; each cell is bad with a chance of 0.05 %. `int0` is the row's number."""
    random = np.random.default_rng(seed)

    def spoilt(values: Any, bad: Any) -> Any:
        return np.where(random.random(rows) < BAD, bad, values)

    columns: dict[str, Any] = {
        f"float{i}": spoilt(np.round(random.uniform(0, 1000, rows), 3), -1.5) for i in range(FLOATS)
    }
    columns |= {f"int{i}": spoilt(random.integers(0, 100_000, rows), 2_000_000_000) for i in range(INTS)}
    columns["int0"] = np.arange(first, first + rows)
    columns |= {f"colour{i}": spoilt(random.choice(COLOURS, rows), "grey") for i in range(CATEGORIES)}
    codes = np.array([f"{letter}{number:03}" for letter in "ABCDEFGH" for number in range(1000)])
    columns |= {f"code{i}": spoilt(random.choice(codes, rows), "x1") for i in range(CODES)}
    return pl.DataFrame(columns)


def cpu_seconds(work: Callable[[], Any], repeats: int = 3) -> float:
    """The least CPU time of some repetitions."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def torneo_run(frame: pl.DataFrame) -> Callable[[], Any]:
    rules = compile_rules(project(), frame.schema, {})
    parts = [frame.slice(start, BATCH_ROWS) for start in range(0, frame.height, BATCH_ROWS)]
    return lambda: [split(rules, judge(rules, part), None) for part in parts]


def torneo_checks_run(frame: pl.DataFrame) -> Callable[[], Any]:
    """The checks and the reasons alone, on rows that are parsed already."""
    from torneo.engines import rows

    rules: Rules = compile_rules(project(), frame.schema, {})
    parts = [judge(rules, frame.slice(start, BATCH_ROWS)).typed for start in range(0, frame.height, BATCH_ROWS)]
    return lambda: [split(rules, rows.check(rules, part), None) for part in parts]


def pandera_run(frame: pl.DataFrame, *, coerce: bool) -> Callable[[], Any]:
    import pandera.polars as pa

    kinds = {"float": pl.Float64, "int": pl.Int64, "category": pl.String, "text": pl.String}
    columns = {}
    for name, column in project().contract.columns.items():
        rules = {"min": column.min, "max": column.max, "values": column.values, "pattern": column.pattern}
        make = {"min": pa.Check.ge, "max": pa.Check.le, "values": pa.Check.isin}
        check = next(
            make[rule](value) if rule in make else pa.Check.str_matches(rf"^(?:{value})$")
            for rule, value in rules.items()
            if value is not None
        )
        columns[name] = pa.Column(kinds[column.type], check, nullable=False, coerce=coerce)
    schema = pa.DataFrameSchema(columns)

    def run() -> int:
        try:
            schema.validate(frame, lazy=True)
        except pa.errors.SchemaErrors as errors:
            return int(errors.failure_cases.height)
        raise AssertionError("Pandera found nothing")

    return run


def expectations_run(frame: pl.DataFrame) -> Callable[[], Any]:
    import great_expectations as gx

    from torneo.reports.expectations import _column_rules

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    rules = [
        getattr(gx.expectations, kind)(column=name, **arguments)
        for name, column in project().contract.columns.items()
        for _, kind, arguments in _column_rules(name, column)
        if kind != "ExpectColumnValuesToNotBeNull"
    ]
    suite = context.suites.add(gx.ExpectationSuite(name="bench", expectations=rules))
    asset = context.data_sources.add_pandas("bench").add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame.drop(LINE).to_pandas()})

    def run() -> None:
        assert not batch.validate(suite, result_format="BASIC").success

    return run


def comparison(rows: int) -> Iterator[tuple[str, str, float]]:
    """Input, tool, CPU-seconds."""
    typed = rows_of(rows, 0).with_columns(pl.int_range(2, rows + 2).alias(LINE))
    text = typed.with_columns(pl.exclude(LINE).cast(pl.String))
    yield "typed", "Torneo, checks and reasons alone", cpu_seconds(torneo_checks_run(typed))
    yield "typed", "Torneo, with parsing", cpu_seconds(torneo_run(typed))
    yield "typed", "Pandera (lazy)", cpu_seconds(pandera_run(typed, coerce=False))
    yield "typed", "Great Expectations (BASIC, rules only)", cpu_seconds(expectations_run(typed))
    yield "text", "Torneo, with parsing", cpu_seconds(torneo_run(text))
    yield "text", "Pandera (lazy, coerce)", cpu_seconds(pandera_run(text, coerce=True))


def write_large(path: Path, rows: int) -> None:
    """A snapshot in pieces, so that making it needs little memory; each millionth row is a copy of another."""
    import pyarrow.parquet as pq

    piece, writer = 500_000, None
    for seed, start in enumerate(range(0, rows, piece)):
        size = min(piece, rows - start)
        frame = rows_of(size, seed, start).with_columns(pl.int_range(start + 2, start + size + 2).alias(LINE))
        if start:
            frame = pl.concat([frame.head(size - 1), frame[size - 2 : size - 1]])
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def whole_gate(data: Path, key: tuple[str, ...]) -> dict[str, float]:
    """Gate a file in this process; seconds, CPU-seconds, peak memory and the rows refused."""
    start, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        report = gate(project(key), data, Path(folder), SilentProgress(), {})
    return {
        "rows": report.rows,
        "refused": report.rejected.rows,
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - cpu,
        "mebibytes": peak_memory(),
    }


def peak_memory() -> float:
    """The most memory this process has had, in MiB (getrusage would count its parent's before exec, too)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def large(rows: int) -> Iterator[tuple[str, dict[str, float]]]:
    """The whole gate, file to files, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "snapshot.parquet"
        write_large(data, rows)
        for key in ("", "int0"):
            command = [sys.executable, __file__, "--child", str(data), "--key", key]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            yield f"key: {key or 'none'}", json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=10_000_000)
    parser.add_argument("--child", type=Path)
    parser.add_argument("--key", default="")
    arguments = parser.parse_args()
    if arguments.child:
        sys.stdout.write(json.dumps(whole_gate(arguments.child, (arguments.key,) if arguments.key else ())))
        return
    console = Console()
    table = Table("input", "tool", "CPU-seconds", "rows per CPU-second", title=f"{arguments.rows:,} rows, 20 rules")
    for source, tool, seconds in comparison(arguments.rows):
        table.add_row(source, tool, f"{seconds:.2f}", f"{arguments.rows / seconds:,.0f}")
    console.print(table)
    if arguments.large:
        title = f"the whole gate, Parquet to Parquet, {arguments.large:,} rows"
        table = Table(
            "contract", "refused", "seconds", "CPU-seconds", "rows per CPU-second", "peak memory", title=title
        )
        for name, found in large(arguments.large):
            speed, memory = f"{found['rows'] / found['cpu']:,.0f}", f"{found['mebibytes']:,.0f} MiB"
            refused = f"{found['refused']:,.0f}"
            table.add_row(name, refused, f"{found['seconds']:.1f}", f"{found['cpu']:.1f}", speed, memory)
        console.print(table)


if __name__ == "__main__":
    main()
