"""What may happen to a column: one function each, from the values of some rows to what they would be instead.

`like` has the column's undisturbed values, by which a size is measured; `random` decides which rows are hit, so that
equal seeds give equal rows. Missing values stay missing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo.errors import ConflictError
from torneo.spec.frozen import shortened

Random = np.random.Generator
NEW = "never seen before"
"""The value of `new_category`."""


def shift(values: pl.Series, amount: float, like: pl.Series, random: Random) -> pl.Series:  # noqa: ARG001
    """Add `amount` standard deviations of `like`; whole numbers stay whole.

    >>> shift(pl.Series([1.0, None]), 2, pl.Series([1.0, 2.0, 3.0]), np.random.default_rng(0)).to_list()
    [3.0, None]
    """
    deviation = like.std()
    return _as_before(values + amount * (float(str(deviation)) if deviation is not None else 0.0), values)


def scale(values: pl.Series, amount: float, like: pl.Series, random: Random) -> pl.Series:  # noqa: ARG001
    """Multiply by `amount`, as another unit of measurement does; whole numbers stay whole.

    >>> scale(pl.Series([1, 4]), 2.5, pl.Series([0]), np.random.default_rng(0)).to_list()
    [2, 10]
    """
    return _as_before(values * amount, values)


def missing(values: pl.Series, amount: float, like: pl.Series, random: Random) -> pl.Series:  # noqa: ARG001
    """A share `amount` of the rows loses its value.

    >>> missing(pl.Series([1, 2]), 1, pl.Series([0]), np.random.default_rng(0)).to_list()
    [None, None]
    """
    return _replaced(values, _hit(len(values), amount, random), pl.Series([None], dtype=values.dtype))


def new_category(values: pl.Series, amount: float, like: pl.Series, random: Random) -> pl.Series:  # noqa: ARG001
    """A share `amount` of the rows gets a category that nobody has seen.

    >>> new_category(pl.Series(["a"]), 1, pl.Series(["a"]), np.random.default_rng(0)).to_list()
    ['never seen before']
    """
    return _replaced(values, _hit(len(values), amount, random) & values.is_not_null().to_numpy(), pl.Series([NEW]))


def swap(values: pl.Series, amount: float, like: pl.Series, random: Random) -> pl.Series:
    """A share `amount` of the rows with the commonest category of `like` gets its rarest one.

    >>> swap(pl.Series(["a", "b", None]), 1, pl.Series(["a", "a", "b"]), np.random.default_rng(0)).to_list()
    ['b', 'b', None]
    """
    ranked = _categories(like)
    if len(ranked) < 2:
        return values
    commonest = (values == ranked[0]).fill_null(value=False).to_numpy()
    return _replaced(values, _hit(len(values), amount, random) & commonest, ranked[-1:])


def flip(values: pl.Series, amount: float, like: pl.Series, random: Random) -> pl.Series:
    """A share `amount` of the rows gets another one of the values that `like` has, each with the same chance.

    >>> flip(pl.Series([True, None]), 1, pl.Series([True, False]), np.random.default_rng(0)).to_list()
    [False, None]
    """
    ranked = _categories(like)
    hit = _hit(len(values), amount, random) & values.is_in(ranked.implode()).fill_null(value=False).to_numpy()
    steps = random.integers(1, len(ranked), len(values)) if len(ranked) > 1 else np.zeros(len(values), dtype=np.int64)
    place = {value: number for number, value in enumerate(ranked)}
    others = [
        ranked[(place[value] + int(step)) % len(ranked)] if change else value
        for value, step, change in zip(values, steps, hit, strict=True)
    ]
    return pl.Series(values.name, others, dtype=values.dtype)


def prior(values: pl.Series, amount: float, like: pl.Series, random: Random) -> npt.NDArray[np.int64]:
    """Which rows to take, some of them twice, so that a share `amount` of them has the rarest value of `like`.

    The rows of each value are as they were: a shift of the label (Saerens, Latinne and Decaestecker 2002).

    >>> prior(pl.Series(["a", "a", "b", "a"]), 1, pl.Series(["a", "a", "b"]), np.random.default_rng(0)).tolist()
    [2, 2, 2, 2]
    """
    rarest = (values == _categories(like)[-1]).fill_null(value=False).to_numpy() if like.len() else np.zeros(0, bool)
    sides = np.flatnonzero(rarest), np.flatnonzero(~rarest)
    if not len(sides[0]) or not len(sides[1]):
        return np.arange(len(values))
    wanted = _hit(len(values), amount, random)
    taken = np.where(wanted, random.choice(sides[0], len(values)), random.choice(sides[1], len(values)))
    return np.asarray(taken, dtype=np.int64)


def _hit(rows: int, share: float, random: Random) -> npt.NDArray[np.bool_]:
    """Which rows are hit: the share, to the nearest row."""
    hit = np.zeros(rows, dtype=np.bool_)
    hit[random.permutation(rows)[: round(share * rows)]] = True
    return hit


def _categories(like: pl.Series) -> pl.Series:
    """The values, the commonest first; those that are equally common in their order."""
    counts = like.drop_nulls().alias("value").value_counts()
    return counts.sort(["count", "value"], descending=[True, False])["value"]


def _as_before(made: pl.Series, values: pl.Series) -> pl.Series:
    whole = made.round(0) if values.dtype.is_integer() and made.dtype.is_float() else made
    return whole.cast(values.dtype)


def _replaced(values: pl.Series, hit: npt.NDArray[np.bool_], by: pl.Series) -> pl.Series:
    name = values.name
    chosen = pl.when(pl.Series(hit)).then(pl.lit(by[0], dtype=values.dtype)).otherwise(pl.lit(values))
    return pl.select(chosen.alias(name)).to_series() if len(values) else values


Perturb = Callable[[pl.Series, float, pl.Series, Random], pl.Series]
VALUES: dict[str, Perturb] = {
    "shift": shift,
    "scale": scale,
    "missing": missing,
    "new_category": new_category,
    "swap": swap,
    "flip": flip,
}
"""What changes the values of a column; `prior` chooses rows."""
KINDS = (*VALUES, "prior")
NUMERIC, CATEGORICAL = ("shift", "scale"), ("swap", "flip", "prior")
SPREAD = ("shift", *CATEGORICAL)
"""What needs values that differ."""
NAMES = {"String": "a category", "Boolean": "a bool", "Date": "a date", "Datetime": "a datetime"}


def check_fits(kind: str, column: str, kind_of: pl.DataType) -> None:
    """Refuse what has no meaning for a column.

    Raises:
        ConflictError: it has none.
    """
    if not _fits(kind, kind_of):
        fitting = ", ".join(each for each in KINDS if _fits(each, kind_of))
        raise ConflictError(
            f"{kind} has no meaning for {column}, which is {_named(kind_of)}", fix=f"use one of {fitting}"
        )


def check_changes(kind: str, values: pl.Series) -> None:
    """Refuse a change of a column that changes nothing, because all its values are alike or missing.

    Raises:
        ConflictError: it would.
    """
    known = values.drop_nulls()
    if known.is_empty():
        raise ConflictError(f"{values.name} has no values in the rows that are played: {kind} changes nothing there")
    alike = known.n_unique() == 1
    if alike and (kind in SPREAD or (kind == "scale" and known[0] == 0)):
        raise ConflictError(
            f"{values.name} is {shortened(known[0])} in all rows that are played: {kind} changes nothing there",
            fix="change another column, or play rows in which it differs (--from)",
        )


def _fits(kind: str, kind_of: pl.DataType) -> bool:
    if kind in NUMERIC:
        return kind_of.is_numeric()
    if kind in CATEGORICAL:
        return not (kind_of.is_float() or kind_of.is_temporal())
    return kind != "new_category" or kind_of == pl.String()


def _named(kind_of: pl.DataType) -> str:
    """What a contract calls columns of a type."""
    if kind_of.is_numeric():
        return "a number"
    return NAMES.get(str(kind_of.base_type()), str(kind_of).lower())
