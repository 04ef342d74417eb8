"""What is played: how many days of how many rows, what changes from which day on, and when each row comes."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence

import numpy as np
import polars as pl
from pydantic import Field

from torneo.errors import ConflictError
from torneo.simulation.perturbations import KINDS, NUMERIC, VALUES, Random, check_changes, check_fits, prior
from torneo.spec.frozen import Frozen, nearest, parse_share, shortened

DAY = datetime.timedelta(days=1)


class Perturbation(Frozen):
    """One change of one column."""

    kind: str
    column: str
    amount: float
    """Standard deviations of a shift, factor of a scale, and of the others a share of the rows."""

    @property
    def nothing(self) -> float:
        """The amount that changes nothing."""
        return 1.0 if self.kind == "scale" else 0.0


def parse_perturbation(text: str) -> Perturbation:
    """Read `KIND:COLUMN=AMOUNT`.

    >>> parse_perturbation("missing:age=20%")
    Perturbation(kind='missing', column='age', amount=0.2)

    Raises:
        ValueError: it says none.
    """
    kind, colon, rest = text.partition(":")
    column, equals, written = rest.rpartition("=")
    if not colon or not equals or not column:
        raise ValueError(f"expected KIND:COLUMN=AMOUNT such as shift:age=1.5, not {shortened(text)}")
    if kind not in KINDS:
        raise ValueError(f"there is no change {shortened(kind)}{nearest(kind, KINDS)}; there are {', '.join(KINDS)}")
    try:
        amount = float(parse_share(written) if written.endswith("%") else written)
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount) or (kind not in NUMERIC and not 0 <= amount <= 1):
        wanted = "a number" if kind in NUMERIC else "a share such as 20% or 0.2"
        raise ValueError(f"{kind}:{column} needs {wanted}, not {shortened(written)}")
    return Perturbation(kind=kind, column=column, amount=amount)


class Plan(Frozen):
    """Days of traffic."""

    days: int = Field(default=5, ge=1, le=3660)
    per_day: int = Field(default=200, ge=1, le=1_000_000)
    """Rows of each day."""
    drift: tuple[Perturbation, ...] = ()
    """What changes; what is changed in the target is changed in the outcomes."""
    after: int = Field(default=0, ge=0)
    """So many days of it come before the change."""
    over: int = Field(default=0, ge=0)
    """In so many days the change comes to its full size, in equal steps; 0: at once."""
    outcomes: int | None = Field(default=0, ge=0)
    """After how many days an outcome is reported; None: never."""
    seed: int = Field(default=0, ge=0)

    def strength(self, day: int) -> float:
        """The part of the change that has come by a day, counted from 0.

        >>> plan = Plan(drift=(parse_perturbation("shift:age=1"),), after=1, over=2)
        >>> [plan.strength(day) for day in range(4)]
        [0.0, 0.5, 1.0, 1.0]
        """
        if not self.drift or day < self.after:
            return 0.0
        return 1.0 if not self.over else min(1.0, (day - self.after + 1) / self.over)

    def check(self, frame: pl.DataFrame) -> None:
        """Refuse a change of a column that is not there, that has no meaning for it, or that changes nothing.

        Args:
            frame: the rows that are played.

        Raises:
            ConflictError: there is one.
        """
        for each in self.drift:
            if each.column not in frame.columns:
                known = ", ".join(frame.columns[:20])
                hint = nearest(each.column, frame.columns)
                raise ConflictError(f"there is no column {shortened(each.column)}{hint}", fix=f"use one of {known}")
            check_fits(each.kind, each.column, frame.schema[each.column])
            check_changes(each.kind, frame[each.column])


def perturbed(
    frame: pl.DataFrame, drift: Sequence[Perturbation], strength: float, like: pl.DataFrame, random: Random
) -> pl.DataFrame:
    """Rows after changes of a part (0 to 1) of their size, one after the other; as many rows as there were.

    Args:
        like: undisturbed rows, by which sizes are measured.
    """
    for each in drift:
        column, reference = frame[each.column], like[each.column]
        if each.kind != "prior":
            amount = each.nothing + strength * (each.amount - each.nothing)
            frame = frame.with_columns(VALUES[each.kind](column, amount, reference, random).alias(each.column))
        elif strength > 0:
            rarest = reference.drop_nulls().value_counts()["count"].min()
            before = int(str(rarest or 0)) / max(len(reference), 1)
            frame = frame[prior(column, before + strength * (each.amount - before), reference, random)]
    return frame


def random_of(seed: int, day: datetime.date) -> Random:
    """What decides a day, whichever days are played together with it."""
    return np.random.default_rng([seed, day.toordinal()])


def moments(day: datetime.date, rows: int, random: Random) -> list[int]:
    """When the rows of a day come: milliseconds since 1970 in UTC, in order, anywhere within the day."""
    start = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
    milliseconds = int(start.timestamp() * 1000)
    return [milliseconds + int(each) for each in np.sort(random.integers(0, 86_400_000, rows))]


def chosen(rows: int, start: int, count: int, seed: int) -> list[int]:
    """The rows number `start` and following of an endless series that shuffles all rows anew each time round.

    >>> sorted(chosen(3, 0, 3, seed=1)), len(set(chosen(3, 2, 4, seed=1)))
    ([0, 1, 2], 3)
    """
    taken: list[int] = []
    while len(taken) < count:
        turn, place = divmod(start + len(taken), rows)
        order = np.random.default_rng([seed, turn, rows]).permutation(rows)
        taken += [int(each) for each in order[place : place + count - len(taken)]]
    return taken
