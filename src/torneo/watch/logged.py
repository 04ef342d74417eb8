"""Lines of the log as watching reads them: cut into windows, answers as numbers, outcomes beside them."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from torneo.errors import ConflictError, UnavailableError
from torneo.spec.watchdog import WindowSize
from torneo.watch.windows import CountWindow, TimeWindow, by_count, by_time

if TYPE_CHECKING:
    import polars as pl

Item = TypeVar("Item")
MOST_WINDOWS = 1000
MOMENT = "__moment__"
ACTUAL = "__actual__"
PLACE = "__place__"
KEPT = 200_000
"""So many rows are kept for scores; a metric is no surer with more."""


@dataclass(frozen=True)
class Cut:
    """Windows of a log, and where what is read stands."""

    since: datetime.datetime
    until: datetime.datetime
    rows: int = 0


def asked_for(made: pl.DataFrame, own: pl.Series) -> Iterator[pl.DataFrame]:
    """A version's features of logged rows, in two parts: of its own rows, and of those that others have answered.

    A column without any value in the second part is left out there: the others did not ask for it.

    Args:
        own: whether the version has answered each row.
    """
    yield made.filter(own)
    others = made.filter(~own)
    yield others.select(column for column in others if column.null_count() < others.height)


def parts(frames: Iterable[pl.DataFrame], size: WindowSize) -> Iterator[tuple[TimeWindow | CountWindow, pl.DataFrame]]:
    """Frames of the log cut at windows, in order; every row is in one part.

    Args:
        frames: lines in the order of their ids; the moment in an id is what counts.

    Raises:
        ConflictError: there are more than 1,000 windows.
    """
    before, found, last = 0, 0, None
    for frame in frames:
        cut: Sequence[tuple[TimeWindow | CountWindow, pl.DataFrame]]
        if size.rows is not None:
            cut = by_count(frame, size.rows, before=before)
        else:
            assert size.seconds is not None  # noqa: S101 - one of the two
            moments = frame.with_columns(moments_of(frame["id"]).alias(MOMENT))
            every = datetime.timedelta(seconds=size.seconds)
            cut = [(window, part.drop(MOMENT)) for window, part in by_time(moments, every, column=MOMENT).parts]
        before += frame.height
        for window, part in cut:
            found += window != last
            last = window
            if found > MOST_WINDOWS:
                raise ConflictError(
                    f"the predictions make more than {MOST_WINDOWS:,} windows",
                    fix="ask for longer windows, or for a shorter time",
                )
            yield window, part


def in_time(items: Iterable[Item], seconds: float | None) -> Iterator[Item]:
    """The same frames or windows, as long as there is time; what is done with each counts, too.

    Raises:
        UnavailableError: there is none any more.
    """
    started = time.monotonic()
    for item in items:
        yield item
        if seconds is not None and time.monotonic() - started > seconds:
            raise UnavailableError(
                f"looking at the log took longer than {seconds:g} s",
                fix="ask for a shorter time with since and until, or for longer windows",
            )


def moments_of(ids: pl.Series) -> pl.Series:
    """The moments in UUIDv7s, in UTC, to the millisecond.

    >>> import polars as pl
    >>> moments_of(pl.Series(["017f22e2-79b0-7cc3-98c4-dc0c0c07398f"]))[0].isoformat()
    '2022-02-22T19:22:22+00:00'
    """
    import polars as pl

    digits = ids.str.slice(0, 8) + ids.str.slice(9, 4)
    return (digits.str.to_integer(base=16) * 1000).cast(pl.Datetime("us", "UTC"))


def answers(outputs: pl.Series, classes: Sequence[str]) -> pl.DataFrame:
    """Logged answers (JSON): the column `prediction`, or a column of probabilities for each class.

    >>> import polars as pl
    >>> answers(pl.Series(['{"prediction": 2.5}']), ())["prediction"].to_list()
    [2.5]
    """
    import polars as pl

    if not classes:
        return outputs.str.json_decode(pl.Struct({"prediction": pl.Float64()})).struct.unnest()
    shape = pl.Struct({"probabilities": pl.Struct(dict.fromkeys(classes, pl.Float64()))})
    return outputs.str.json_decode(shape).struct.field("probabilities").struct.unnest()


def watched_answer(answered: pl.DataFrame) -> pl.Series:
    """What of answers is compared with training: values, the positive of two classes, or the most probable class."""
    import polars as pl

    names = answered.columns
    if len(names) <= 2:
        return answered.to_series(len(names) - 1)
    best = answered.select(pl.concat_list(names).list.arg_max()).to_series()
    return best.replace_strict(dict(enumerate(names)), default=None, return_dtype=pl.String())


def outcomes(values: pl.Series, classes: Sequence[str]) -> pl.Series:
    """Logged outcomes (JSON) as values, or as indices of classes; null where none is known.

    >>> import polars as pl
    >>> outcomes(pl.Series(['"yes"', None]), ("no", "yes")).to_list()
    [1.0, None]
    """
    import polars as pl

    if not classes:
        return values.cast(pl.Float64)
    places = {name: float(place) for place, name in enumerate(classes)}
    return values.str.json_decode(pl.String()).replace_strict(places, default=None, return_dtype=pl.Float64())


def with_shadows(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of a window, a shadow's with the outcome of the answer that was returned in its place.

    Args:
        rows: with `id`, `of` and `__actual__`.
    """
    import polars as pl

    if not rows["of"].is_not_null().any():
        return rows
    known = rows.filter(pl.col("of").is_null()).select(of="id", known=ACTUAL)
    joined = rows.join(known, on="of", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce(ACTUAL, "known").alias(ACTUAL)).drop("known")


def place(ids: pl.Expr) -> pl.Expr:
    """Where rows with these ids stand among those that may be drawn: a number takes less than the id itself."""
    return ids.hash(seed=0).alias(PLACE)


def drawn(rows: pl.DataFrame, most: int = KEPT) -> pl.DataFrame:
    """At most so many rows: those with the smallest places, so that parts can be drawn one by one."""
    return rows if rows.height <= most else rows.bottom_k(most, by=PLACE)


def widened(cut: Cut | None, frame: pl.DataFrame) -> Cut:
    """From the first to the last moment of what was read, and its rows."""
    moments = moments_of(frame["id"])
    first, last = moments[0], moments[-1]
    if cut is None:
        return Cut(first, last, frame.height)
    return replace(cut, until=last, rows=cut.rows + frame.height)
