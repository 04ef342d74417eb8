"""A contract compiled for batches of rows, and the verdict on one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl

from torneo.checks import DUPLICATE_KEY, REPEATED_ROW, Check, function_checks, plan, where_keeps
from torneo.engines.parse import parse
from torneo.errors import GateError, HookError
from torneo.spec.columns import Contract
from torneo.spec.loading import AnyProject, LoadProject
from torneo.spec.records import LINE
from torneo.spec.source import Source
from torneo.spec.tables import Window

Functions = Mapping[str, Callable[[Any], Any]]


@dataclass(frozen=True)
class Rules:
    """A contract and its source, compiled for batches."""

    contract: Contract
    source: Source
    keeps: nw.Expr | None
    """Whether a row takes part; None where all do."""
    checks: tuple[Check, ...]
    headers: list[str]
    """The source's columns that the contract reads, and `__line__`."""
    window: Window | None = None
    """The days of the run; None where there is no window."""
    loads: bool = False
    """Whether rows go into a database, whose texts have no NUL."""

    @property
    def by_day(self) -> bool:
        """Whether rows of other days can be left alone: there is a window, and equal keys are of the same day."""
        return self.window is not None and (not self.contract.key or self.window.column in self.contract.key)

    @property
    def reasons(self) -> tuple[str, ...]:
        """All reasons there may be, each once, in order."""
        return tuple(dict.fromkeys([*(check.name for check in self.checks), REPEATED_ROW, DUPLICATE_KEY]))


@dataclass(frozen=True)
class Judged:
    """A batch after the checks, in the source's order."""

    kept: pl.Series
    """Per row of the batch: whether it takes part."""
    typed: pl.DataFrame
    """The rows that take part: contract columns, `__line__` and flags."""
    broken: Mapping[int, pl.Series]
    """Index of a check to the rows of `typed` that break it; a check that no row breaks is not there."""
    left_out: int = 0
    """Rows for which `where` is not true."""
    outside: int = 0
    """Rows that would take part and are outside the window."""
    away: pl.Series | None = None
    """Which rows of `typed` are outside the window: only their keys count. None where there are none."""

    @property
    def good(self) -> pl.Series:
        """Which rows of `typed` break nothing."""
        good = _all_true(self.typed.height)
        for rows in self.broken.values():
            good = good & ~rows
        return good

    def at_home(self) -> Judged:
        """Without the rows that are outside the window."""
        if self.away is None:
            return self
        here = ~self.away
        kept = self.kept.scatter(self.kept.arg_true().filter(self.away), values=False)
        broken = {index: rows.filter(here) for index, rows in self.broken.items()}
        return replace(self, kept=kept, typed=self.typed.filter(here), broken=broken, away=None)


def compile_rules(project: AnyProject, schema: pl.Schema, functions: Functions, window: Window | None = None) -> Rules:
    """All checks, tried on no rows, so that a mistake in one is found before any row is read.

    Raises:
        GateError: a check of the contract cannot be computed on its columns.
        HookError: a function of checks.py fails, or its expression does.
    """
    contract, where = project.contract, project.source.where
    typed = parse(contract, project.source, pl.DataFrame(schema=schema))
    frame = nw.from_native(typed, eager_only=True)
    keeps = None if where is None else where_keeps(where, contract.columns)
    declared, own = plan(contract), function_checks(functions, frame)
    for check in declared:
        _try(check, frame, GateError)
    for check in own:
        _try(check, frame, HookError)
    read = (column.header or name for name, column in contract.columns.items())
    headers = [*dict.fromkeys(header for header in read if header in schema), LINE]
    loads = isinstance(project, LoadProject)
    return Rules(contract, project.source, keeps, (*declared, *own), headers, window, loads)


def _try(check: Check, frame: nw.DataFrame[Any], error: type[GateError | HookError]) -> None:
    try:
        result = frame.select(check.expression.alias("valid"))["valid"]
    except (pl.exceptions.PolarsError, nw.exceptions.NarwhalsError, TypeError, ValueError) as problem:
        raise error(f"{check.place}: cannot be computed: {str(problem)[:500]}") from None
    if result.dtype != nw.Boolean:
        raise error(f"{check.place}: gives {result.dtype}, not true or false")


def batches(data: Path, columns: list[str], rows: int) -> Iterator[pl.DataFrame]:
    """The rows of a Parquet file, so many at a time."""
    frame = pl.scan_parquet(data).select(columns)
    for start in range(0, count(data), rows):
        yield frame.slice(start, rows).collect()


def count(data: Path) -> int:
    """How many rows a Parquet file has."""
    return int(pl.scan_parquet(data).select(pl.len()).collect().item())


def judge(rules: Rules, batch: pl.DataFrame) -> Judged:
    """Parse a batch and compute its checks; rows outside the window take part where their keys may meet others."""
    typed = parse(rules.contract, rules.source, batch, loads=rules.loads)
    if rules.keeps is None and rules.window is None:
        return check(rules, typed)
    kept = _where(typed, rules.keeps)
    inside = _inside(typed, rules.window)
    outside, left_out = int((kept & ~inside).sum()), len(batch) - int(kept.sum())
    if rules.by_day or not outside:
        kept, away = kept & inside, None
    else:
        away = ~inside.filter(kept)
    return replace(check(rules, typed.filter(kept)), kept=kept, left_out=left_out, outside=outside, away=away)


def _where(typed: pl.DataFrame, condition: nw.Expr | None) -> pl.Series:
    if condition is None:
        return _all_true(typed.height)
    return nw.from_native(typed, eager_only=True).select(condition.alias("holds")).to_native()["holds"]


def _inside(typed: pl.DataFrame, window: Window | None) -> pl.Series:
    """Whether a row's day is in the window; a row without a readable day is, and is refused for that."""
    if window is None:
        return _all_true(typed.height)
    return typed[window.column].is_between(window.first, window.last).fill_null(value=True)


def check(rules: Rules, typed: pl.DataFrame) -> Judged:
    """Compute the checks on parsed rows, all of which take part."""
    expressions = [one.expression.alias(str(index)) for index, one in enumerate(rules.checks)]
    valid = nw.from_native(typed, eager_only=True).select(expressions).to_native()
    broken = {
        index: ~column.fill_null(value=True)
        for index, column in enumerate(valid.iter_columns())
        if not column.all(ignore_nulls=True)
    }
    return Judged(_all_true(typed.height), typed, broken)


def _all_true(rows: int) -> pl.Series:
    return pl.repeat(value=True, n=rows, eager=True, dtype=pl.Boolean)
