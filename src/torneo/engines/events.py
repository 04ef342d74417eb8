"""From events to rows: one row per entity and cut-off date.

Features see the events on or before the cut-off date, the label those in the horizon after it, so no event can be on
both sides. A label whose horizon reaches beyond the data is not known, and is refused instead of read as 0.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping

import polars as pl

from torneo.errors import SourceError
from torneo.spec.records import LINE
from torneo.spec.source import Aggregate, Events

_NUMBERS = ("sum", "mean", "min", "max")


def build_rows(events: pl.LazyFrame, spec: Events) -> pl.DataFrame:
    """Make one row per entity and cut-off date, for entities with an event on or before that date.

    A window without events has count, sum and nunique 0; its mean, min, max and days are null.

    Args:
        events: the accepted events, in the types of the contract of events.
        spec: the entity, the dates, the horizon, the features and the label.

    Returns:
        Columns: the entity, `spec.as_of` (Date), the features in their order (Int64 or Float64), the label (`"1"` if
        the entity has an event within the horizon, else `"0"`), `__line__` (the number of the row). Sorted by cut-off
        date and entity.

    Raises:
        SourceError: a cut-off's horizon ends after the last event, a cut-off precedes all events, two columns have
            one name, or a feature of numbers is of a column without numbers.

    >>> spec = Events.model_validate({
    ...     "contract": {"columns": {"who": {"type": "category"}, "day": {"type": "date"}}},
    ...     "entity": "who", "time": "day", "cutoffs": ["2026-01-10"], "horizon": "5d", "label": "back",
    ...     "features": {"visits": {"by": "count"}, "idle": {"by": "days_since_last"}},
    ... })
    >>> days = [datetime.date(2026, 1, day) for day in (3, 10, 11, 1, 20)]
    >>> events = pl.LazyFrame({"who": ["a", "a", "a", "b", "c"], "day": days})
    >>> build_rows(events, spec).drop("as_of").rows()
    [('a', 2, 0, '1', 1), ('b', 1, 9, '0', 2)]
    """
    schema = events.collect_schema()
    _check(schema, spec)
    _check_dates(events, spec)
    parts = [_rows_as_of(events, schema, spec, cutoff) for cutoff in sorted(set(spec.cutoffs))]
    rows = pl.concat(parts).sort(spec.as_of, spec.entity, maintain_order=True).collect(engine="streaming")
    return rows.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(LINE))


def _rows_as_of(events: pl.LazyFrame, schema: pl.Schema, spec: Events, cutoff: datetime.date) -> pl.LazyFrame:
    time = pl.col(spec.time)
    end = cutoff + datetime.timedelta(days=spec.horizon)
    known = events.filter(time <= cutoff, pl.col(spec.entity).is_not_null())
    features = [_feature(aggregate, schema, spec.time, cutoff).alias(n) for n, aggregate in spec.features.items()]
    later = events.filter(time > cutoff, time <= end).select(spec.entity).unique()
    return (
        known.group_by(spec.entity)
        .agg(features)
        .join(later.with_columns(pl.lit("1").alias(spec.label)), on=spec.entity, how="left")
        .select(
            spec.entity,
            pl.lit(cutoff).alias(spec.as_of),
            *spec.features,
            pl.col(spec.label).fill_null("0"),
        )
    )


def _feature(aggregate: Aggregate, schema: pl.Schema, time: str, cutoff: datetime.date) -> pl.Expr:
    """One feature of a group of events that all are on or before the cut-off date."""
    if aggregate.within is None:
        window = pl.lit(True)
    else:
        window = pl.col(time) > cutoff - datetime.timedelta(days=aggregate.within)
    if aggregate.of is None:
        return _DATES[aggregate.by](pl.col(time).filter(window), cutoff)
    kind = schema[aggregate.of]
    number = pl.Int64 if kind.is_integer() or kind == pl.Boolean else pl.Float64
    column = pl.col(aggregate.of)
    return _VALUES[aggregate.by]((column.cast(number) if aggregate.by in _NUMBERS else column).filter(window))


_DATES: Mapping[str, Callable[[pl.Expr, datetime.date], pl.Expr]] = {
    "count": lambda time, _: time.count().cast(pl.Int64),
    "days_since_first": lambda time, cutoff: (pl.lit(cutoff) - time.min()).dt.total_days(),
    "days_since_last": lambda time, cutoff: (pl.lit(cutoff) - time.max()).dt.total_days(),
}
_VALUES: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "sum": lambda values: values.sum(),
    "mean": lambda values: values.mean(),
    "min": lambda values: values.min(),
    "max": lambda values: values.max(),
    "nunique": lambda values: values.drop_nulls().n_unique().cast(pl.Int64),
}


def _check(schema: pl.Schema, spec: Events) -> None:
    names = [spec.entity, spec.as_of, *spec.features, spec.label]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise SourceError(f"source.events: the name {double[0]!r} is given to two columns", fix="rename one of them")
    for name, aggregate in spec.features.items():
        if aggregate.by in _NUMBERS and not (
            schema[str(aggregate.of)].is_numeric() or schema[str(aggregate.of)] == pl.Boolean
        ):
            raise SourceError(
                f"source.events.features.{name}: {aggregate.by} needs numbers; {aggregate.of!r} has none",
                fix="use nunique, or another column",
            )


def _check_dates(events: pl.LazyFrame, spec: Events) -> None:
    time = pl.col(spec.time)
    first, last = events.select(time.min().alias("first"), time.max().alias("last")).collect(engine="streaming").row(0)
    if first is None:
        raise SourceError("source.events: there are no events")
    latest = last - datetime.timedelta(days=spec.horizon)
    for cutoff in sorted(spec.cutoffs):
        end = cutoff + datetime.timedelta(days=spec.horizon)
        if end > last:
            raise SourceError(
                f"source.events: labels as of {cutoff} look until {end}, but the last event is of {last}: "
                "nobody knows yet who comes back",
                fix=f"use cut-offs not after {latest}, or a shorter horizon",
            )
        if cutoff < first:
            raise SourceError(
                f"source.events: no event is on or before the cut-off {cutoff}; the first is of {first}",
                fix="leave the cut-off out",
            )
