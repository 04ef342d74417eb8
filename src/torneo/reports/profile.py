"""A table described for people: each column, what it says about the target, and what looks odd.

Columns are read one at a time, so memory holds one of them and a sample; statistics of a column are those of all rows.
Relations between columns are computed on a sample of the rows where there are many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from torneo.errors import SourceError
from torneo.reports.profile_columns import number_statistics, text_statistics
from torneo.reports.profile_records import ColumnProfile, Profile, Relation, Role
from torneo.reports.profile_relations import correlations, relation
from torneo.reports.profile_types import Typed, typed
from torneo.reports.profile_warnings import column_warnings, table_warnings
from torneo.spec.columns import Column
from torneo.spec.loading import AnyProject
from torneo.spec.project import Project
from torneo.spec.records import LINE, REASONS
from torneo.spec.source import NULLS

RELATED = 50_000
"""The most rows on which relations are computed."""
SEED = 0


def profile(frame: pl.LazyFrame | Path | str, project: AnyProject | None = None) -> Profile:
    """Describe a table: a lazy frame, or the path of a Parquet file such as a snapshot.

    With a project, columns are read as its contract says; without, text columns of numbers or dates are recognised.

    Raises:
        SourceError: the file cannot be read as Parquet, or has no columns.

    >>> described = profile(pl.LazyFrame({"age": [31, None, 40]}))
    >>> described.rows, described.columns[0].missing, described.columns[0].warnings
    (3, 1, ('1 value missing (33 %)',))
    """
    lazy, schema, rows = _open(frame)
    names = [name for name in schema.names() if name not in (LINE, REASONS)]
    if not names:
        raise SourceError("there are no columns to describe")
    by_header = _contract(project)
    nulls, decimal = (project.source.nulls, project.source.decimal) if project else (NULLS, ".")
    kept = _sampled_rows(rows)
    sample: dict[str, Typed] = {}
    columns = []
    for header in names:
        name, column = by_header.get(header, (header, None))
        raw = lazy.select(pl.col(header)).collect(engine="streaming").to_series()
        values = typed(raw, column, nulls, decimal)
        columns.append(_describe(name, column, values, rows, _role(name, column, project)))
        sample[name] = values if kept is None else replace(values, values=_take(values.values, kept))
    return _related(lazy, names, columns, sample, project, rows)


def _open(frame: pl.LazyFrame | Path | str) -> tuple[pl.LazyFrame, pl.Schema, int]:
    try:
        lazy = frame if isinstance(frame, pl.LazyFrame) else pl.scan_parquet(frame, glob=False)
        return lazy, lazy.collect_schema(), int(lazy.select(pl.len()).collect(engine="streaming").item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(
            f"{frame if not isinstance(frame, pl.LazyFrame) else 'the frame'}: {str(error)[:300]}"
        ) from None


def _contract(project: AnyProject | None) -> dict[str, tuple[str, Column]]:
    """Header in the source to the contract's name and column."""
    if project is None:
        return {}
    return {column.header or name: (name, column) for name, column in project.contract.columns.items()}


def _role(name: str, column: Column | None, project: AnyProject | None) -> Role:
    if project is None:
        return "other"
    if column is None:
        return "not in the contract"
    if isinstance(project, Project) and name == project.target:
        return "target"
    if name in project.contract.key:
        return "key"
    return "feature" if isinstance(project, Project) and name in project.features else "other"


def _sampled_rows(rows: int) -> np.ndarray | None:
    """Which rows relations are computed on, in order; None for all."""
    if rows <= RELATED:
        return None
    return np.sort(np.random.default_rng(SEED).choice(rows, RELATED, replace=False))


def _take(values: pl.Series, rows: np.ndarray) -> pl.Series:
    return values.gather(rows) if len(values) else values


def _describe(name: str, column: Column | None, values: Typed, rows: int, role: Role) -> ColumnProfile:
    numbers, bars, distinct, exact = None, None, 0, True
    top: tuple[tuple[str, int], ...] = ()
    known = values.values.drop_nulls()
    if len(known) and values.kind in ("number", "time"):
        numbers, bars, distinct, top = number_statistics(known.to_numpy(), values.kind)
    elif len(known) and values.kind in ("category", "text"):
        distinct, exact, top = text_statistics(values)
    return ColumnProfile(
        name=name,
        kind=values.kind,
        type=column.type if column else "",
        role=role,
        unit=(column.unit or "") if column else "",
        help=(column.help or "") if column else "",
        rows=rows,
        missing=values.missing,
        unreadable=values.unreadable,
        unreadable_examples=values.examples,
        distinct=distinct,
        distinct_is_exact=exact,
        top=top,
        numbers=numbers,
        histogram=bars,
    )


def _related(
    lazy: pl.LazyFrame,
    headers: list[str],
    columns: list[ColumnProfile],
    sample: Mapping[str, Typed],
    project: AnyProject | None,
    rows: int,
) -> Profile:
    """Put the columns together with what they have to do with each other."""
    learned = project if isinstance(project, Project) else None
    if learned is not None and learned.target in sample:
        columns = [
            each
            if each.name == learned.target
            else replace(each, relation=_to_target(sample[each.name], sample[learned.target], learned))
            for each in columns
        ]
    columns = [replace(each, warnings=column_warnings(each)) for each in columns]
    found = correlations(sample)
    task = learned.task if learned else None
    repeated = _repeated(lazy, headers, rows)
    keys = _repeated_keys(lazy, headers, project, rows)
    return Profile(
        project=project.project if project else "",
        task=task,
        target=learned.target if learned else None,
        rows=rows,
        columns=tuple(columns),
        repeated=repeated,
        repeated_keys=keys,
        related_rows=min(rows, RELATED),
        correlations=found,
        warnings=table_warnings(columns, repeated, keys, found, task),
    )


def _to_target(values: Typed, target: Typed, project: Project) -> Relation | None:
    positive = project.classes[-1] if len(project.classes) == 2 else None
    return relation(values, target, project.task, project.target, positive)


def _repeated(lazy: pl.LazyFrame, headers: Iterable[str], rows: int) -> int:
    """Rows whose values all occur in a row before them; rows are compared by a 64-bit hash."""
    whole = pl.struct([pl.col(header) for header in headers]).hash()
    return rows - int(lazy.select(whole.n_unique()).collect(engine="streaming").item()) if rows else 0


def _repeated_keys(lazy: pl.LazyFrame, headers: list[str], project: AnyProject | None, rows: int) -> int | None:
    if project is None or not project.contract.key:
        return None
    keys = [project.contract.columns[name].header or name for name in project.contract.key]
    return _repeated(lazy, keys, rows) if set(keys) <= set(headers) else None
