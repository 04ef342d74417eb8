"""The rows that are played: drawn for each day from all of them, or those of one date after the other."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from torneo.errors import ConflictError
from torneo.simulation.past import Past
from torneo.simulation.plan import Plan, chosen
from torneo.spec.frozen import shortened


class Pool(NamedTuple):
    """The rows that are played."""

    frame: pl.DataFrame
    kind: str
    """What they are, for people."""
    dates: Sequence[tuple[datetime.date, pl.DataFrame]] = ()
    """The rows of each date, in order, where each date is a day."""

    def along(self, column: str) -> Pool:
        """The same rows by the dates of a column; rows without one are left out.

        Raises:
            ConflictError: it has no dates.
        """
        kind = self.frame.schema.get(column)
        if kind is None or not kind.is_temporal():
            dated = [name for name, kind in self.frame.schema.items() if kind.is_temporal()]
            fix = f"use {' or '.join(dated)}" if dated else "leave it out: these rows have no dates"
            raise ConflictError(f"{shortened(column)} is no column of dates", fix=fix)
        known = self.frame.drop_nulls(column).sort(column)
        parts = known.group_by(known[column].cast(pl.Date).alias("date"), maintain_order=True)
        return self._replace(frame=known, dates=[(date, part) for (date,), part in parts])

    def left(self, past: Past, days: int) -> int:
        """For how many of so many days there are dates that have not been played.

        Raises:
            ConflictError: none.
        """
        left = min(days, len(self.dates) - past.days)
        if left < 1:
            raise ConflictError(
                f"all {len(self.dates):,} dates of these rows have been played", fix="name another file with --from"
            )
        return left

    def of_day(self, past: Past, plan: Plan) -> tuple[datetime.date | None, pl.DataFrame]:
        """The rows of the next day, and their date if they are those of one."""
        if self.dates:
            return self.dates[past.days]
        return None, self.frame[chosen(self.frame.height, past.played, plan.per_day, plan.seed)]
