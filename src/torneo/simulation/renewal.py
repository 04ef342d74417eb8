"""Rows that come again as others: a key of their own, and the moment at which they are played."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from torneo.spec.columns import TEMPORAL
from torneo.spec.project import Project


def renewed(
    project: Project, frame: pl.DataFrame, like: pl.DataFrame, played: int, times: Sequence[int]
) -> pl.DataFrame:
    """Rows with keys that no other row has, and in the column that orders the project's rows the moment of each.

    A key of numbers goes on above the largest one; of text, it gets a number at its end. Other keys stay as they are.

    Args:
        like: the rows that all are taken from.
        played: how many rows have been played before.
        times: milliseconds since 1970 in UTC.
    """
    number = pl.int_range(played, played + frame.height, dtype=pl.Int64, eager=True) + 1
    columns = {name: frame.schema[name] for name in project.contract.key}
    for name, kind in columns.items():
        if kind.is_integer():
            largest = int(str(like[name].max() or 0))
            return _dated(project, frame.with_columns((number + largest).alias(name)), times)
        if kind == pl.String():
            made = pl.col(name) + pl.lit("-") + pl.lit(number).cast(pl.String)
            return _dated(project, frame.with_columns(made.alias(name)), times)
    return _dated(project, frame, times)


def _dated(project: Project, frame: pl.DataFrame, times: Sequence[int]) -> pl.DataFrame:
    name = project.split.by_time
    if name is None or project.contract.columns[name].type not in TEMPORAL:
        return frame
    moment = pl.Series(name, times, dtype=pl.Int64).cast(pl.Datetime("ms")).cast(frame.schema[name])
    return frame.with_columns(moment)
