"""Rows of a file before a model: parsed as the gate does it, and asked of them what is asked of a request.

A column that the model reads must be in the file; the others of the contract may be absent, or have no value. The
target, keys that meet and checks over several columns are not looked at: they say nothing of whether a row can be
answered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import narwhals as nw
import polars as pl

from torneo.checks import Check, check_headers
from torneo.engines.gate import split
from torneo.engines.rows import Rules, compile_rules, judge
from torneo.errors import GateError
from torneo.serving.values import LARGEST
from torneo.spec.columns import Column, Contract
from torneo.spec.project import Project


@dataclass(frozen=True)
class Asked:
    """What is asked of each row."""

    rules: Rules
    tolerated: frozenset[int]
    """The checks that a row may break and still be answered, with a warning."""


@dataclass(frozen=True)
class Sorted:
    """The rows of a batch, by what becomes of them."""

    good: pl.Series
    """Per row: whether it can be answered."""
    typed: pl.DataFrame
    """The rows that can, in the contract's types."""
    warnings: pl.Series
    """The reasons that were let pass, for each of these rows: joined by `;`, null where there is none."""
    refused: pl.Series
    """The list of reasons of each other row."""


def asked_of(
    project: Project, columns: Mapping[str, Column], read: Collection[str], schema: pl.Schema, file: str
) -> Asked:
    """What a model asks of the rows of a file.

    Args:
        project: whose source says how texts are written, and whose `serve` says what is let pass.
        columns: those that the model's requests may have.
        read: those that it may read.
        schema: the file's columns.
        file: its name, for errors.

    Raises:
        GateError: the file lacks a column that the model reads.
    """
    headers = list(schema)
    named = {name: _as_named(column, headers) for name, column in columns.items()}
    try:
        check_headers(Contract(columns={name: named[name] for name in columns if name in read}), headers)
    except GateError as error:
        told = error.message.replace("the source lacks", f"{file} lacks", 1)
        raise GateError(
            told, fix="give the rows as the contract of the project has them, one column for each"
        ) from None
    present = {
        name: column if name in read else column.model_copy(update={"nullable": True})
        for name, column in named.items()
        if (column.header or name) in schema
    }
    source = project.source.model_copy(update={"where": None, "events": None, "join": ()})
    asked = project.model_copy(update={"contract": Contract(columns=present), "source": source})
    rules = compile_rules(asked, schema, {})
    rules = replace(rules, checks=(*rules.checks, *_fit_the_graph(present)))
    warn = project.serve.out_of_range == "warn"
    ranges = (number for number, check in enumerate(rules.checks) if not check.place.endswith((".type", ".nullable")))
    return Asked(rules, frozenset(ranges) if warn else frozenset())


def _as_named(column: Column, headers: Sequence[str]) -> Column:
    """A column as the file names it: as the source does, or as the contract does."""
    return column if column.header in headers else column.model_copy(update={"header": None})


def _fit_the_graph(columns: Mapping[str, Column]) -> Sequence[Check]:
    return [
        Check(column.reason("type", name), nw.col(name).abs() <= LARGEST, f"contract.columns.{name}.type")
        for name, column in columns.items()
        if column.type == "float"
    ]


def sort_rows(asked: Asked, batch: pl.DataFrame) -> Sorted:
    """Which rows of a batch can be answered; `batch` has the file's columns and `__line__`."""
    judged = judge(asked.rules, batch)
    fatal = {number: rows for number, rows in judged.broken.items() if number not in asked.tolerated}
    good, refused = split(asked.rules, replace(judged, broken=fatal), None)
    let_pass = {number: rows for number, rows in judged.broken.items() if number in asked.tolerated}
    fine, reasons = split(asked.rules, replace(judged, broken=let_pass), None)
    warnings = pl.repeat(None, batch.height, dtype=pl.String, eager=True)
    if not fine.all():
        warnings = warnings.scatter((~fine).arg_true(), reasons.list.join(";"))
    typed = judged.typed.select(list(asked.rules.contract.columns)).filter(good)
    return Sorted(good, typed, warnings.filter(good), refused)
