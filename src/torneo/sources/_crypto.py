"""Simulated crypto transactions, piece by piece; each row can be made alone, so that copies can be made of any."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from torneo.sources._crypto_prices import COINS, Prices
from torneo.sources._shuffle import Integers, Shuffle, uniform
from torneo.sources._table import ROW_GROUP
from torneo.spec.frozen import Frozen

KINDS = (
    "invalid_site_id",
    "missing_user_id",
    "invalid_purchase_date",
    "invalid_crypto_type",
    "negative_purchase_price",
    "non_positive_units",
    "mismatched_value",
    "three_reasons",
    "duplicate_key",
    "repeated_row",
)
"""How a row may be spoilt. `three_reasons`: site, date and units; `duplicate_key`: another row's key, at another price;
`repeated_row`: an exact copy of another row."""
COPIES = ("duplicate_key", "repeated_row")
SITES = ("ARGENTINA", "BRASIL", "MEXICO")
COLUMNS = ("site_id", "user_id", "purchase_date", "crypto_type", "purchase_price", "purchase_units")
PRICE_DIGITS, UNITS_DIGITS, VALUE_DIGITS = 4, 6, 8
SMALLEST_AMOUNT, LARGEST_AMOUNT = 10, 10_000
"""US dollars of one transaction."""
PURCHASES = 4
"""There are so many times more possible keys than rows."""


class Simulation(Frozen):
    """What to simulate."""

    rows: int
    first: datetime.date
    last: datetime.date
    seed: int
    bad: Mapping[str, int]
    """How many rows are spoilt in which way, in the order of `KINDS`; at most half of the rows."""
    value: bool
    """Whether there is a column purchase_value."""

    @property
    def days(self) -> int:
        """The days that transactions are spread over."""
        return (self.last - self.first).days + 1


def schema(wanted: Simulation) -> pa.Schema:
    """All columns are text, as in the raw table."""
    names = (*COLUMNS, "purchase_value") if wanted.value else COLUMNS
    return pa.schema([(name, pa.string()) for name in names])


def tables(wanted: Simulation, prices: Prices) -> Iterator[pa.Table]:
    """The rows in pieces. Prices are US dollars (coins, days)."""
    maker = _Maker(wanted, prices)
    for start in range(0, wanted.rows, ROW_GROUP):
        rows = maker.rows(np.arange(start, min(start + ROW_GROUP, wanted.rows)))
        yield rows.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema(wanted))


@dataclass(frozen=True)
class _Maker:
    wanted: Simulation
    prices: Prices

    @cached_property
    def users(self) -> int:
        """How many users there are, in all sites together."""
        needed = PURCHASES * self.wanted.rows // (len(COINS) * self.wanted.days) + 1
        return len(SITES) * max(100, -(-needed // len(SITES)))

    @cached_property
    def keys(self) -> Shuffle:
        """From the number of a row to its key, different for each row."""
        return Shuffle(self.users * self.wanted.days * len(COINS), self.wanted.seed)

    @cached_property
    def places(self) -> Shuffle:
        """From the position of a row to its rank; the lowest ranks are spoilt."""
        return Shuffle(self.wanted.rows, self.wanted.seed + 1)

    def rows(self, positions: Integers) -> pl.DataFrame:
        """The rows at these positions as text."""
        kinds, numbers = self._kinds(positions)
        frame = pl.DataFrame({**self._transactions(numbers), "kind": kinds, "position": positions})
        return frame.select(**_spoilt(self.wanted.value))

    def _kinds(self, positions: Integers) -> tuple[pl.Series, Integers]:
        """How each row is spoilt (null if it is not), and the number of the row whose content it has."""
        ranks = self.places.forward(positions)
        ends = np.cumsum([0, *self.wanted.bad.values()])
        places = pl.Series(np.searchsorted(ends, ranks, side="right") - 1)
        kinds = places.replace_strict(dict(enumerate(self.wanted.bad)), default=None, return_dtype=pl.String)
        copied = kinds.is_in(COPIES).fill_null(value=False).to_numpy()
        numbers = positions.copy()
        numbers[copied] = self.places.backward(ranks[copied] + ends[-1])
        return kinds, numbers

    def _transactions(self, numbers: Integers) -> Mapping[str, npt.NDArray[np.generic]]:
        """Good transactions: whole numbers of the last digit for amounts, and places in `SITES` and `COINS`."""
        seed, key = self.wanted.seed, self.keys.forward(numbers)
        coin, rest = key % len(COINS), key // len(COINS)
        day, user = rest % self.wanted.days, rest // self.wanted.days
        site = user % len(SITES)
        digits = max(5, len(str(self.users // len(SITES))))
        dollars = self.prices[coin, day] * (0.99 + 0.02 * uniform(numbers, seed, 20))
        step = np.where(coin == COINS.index("USDC"), 1, 100)
        price = np.maximum(np.rint(dollars * 10**PRICE_DIGITS / step), 1).astype(np.int64) * step
        amount = SMALLEST_AMOUNT + (LARGEST_AMOUNT - SMALLEST_AMOUNT) * uniform(numbers, seed, 21) ** 2
        step = np.where(coin == COINS.index("USDC"), 10_000, 1)  # so that price times units is exact in eight digits
        units = np.maximum(np.rint(amount / dollars * 10**UNITS_DIGITS / step), 1).astype(np.int64) * step
        ordinal = day + (self.wanted.first - datetime.date(1970, 1, 1)).days
        return {
            "site": site, "user": (site + 1) * 10**digits + user // len(SITES), "day": ordinal.astype(np.int32),
            "coin": coin, "price": price, "units": units,
        }  # fmt: skip


def _spoilt(with_value: bool) -> Mapping[str, pl.Expr]:
    """The columns as text, each spoilt where the kind says so."""
    turn = pl.col("position") % 3
    negative = pl.when(_is("negative_purchase_price")).then(-pl.col("price"))
    price = negative.when(_is("duplicate_key")).then(pl.col("price") + 100).otherwise("price")
    zero = pl.when(_is("non_positive_units") & (turn == 0)).then(0)
    units = zero.when(_is("non_positive_units", "three_reasons")).then(-pl.col("units")).otherwise("units")
    day = pl.col("day").cast(pl.Date)
    date = pl.format("{}/{}/{}", day.dt.day(), day.dt.month(), day.dt.year())
    columns = {
        "site_id": _either("invalid_site_id", turn, ("CHILE", "argentina", ""), _name(SITES, "site")),
        "user_id": pl.when(_is("missing_user_id")).then(pl.lit("")).otherwise(pl.col("user").cast(pl.String)),
        "purchase_date": _either("invalid_purchase_date", turn, ("31/2/2021", "1/13/2021", "yesterday"), date),
        "crypto_type": _either("invalid_crypto_type", turn, ("DOGE", "btc", ""), _name(COINS, "coin")),
        "purchase_price": _decimal(price, PRICE_DIGITS),
        "purchase_units": _decimal(units, UNITS_DIGITS),
    }
    if with_value:
        exact = price * units // 10 ** (PRICE_DIGITS + UNITS_DIGITS - VALUE_DIGITS)
        wrong = pl.when(_is("mismatched_value")).then(exact + 10 ** (VALUE_DIGITS - 2)).otherwise(exact)
        columns["purchase_value"] = _decimal(wrong, VALUE_DIGITS)
    return columns


def _is(*kinds: str) -> pl.Expr:
    return pl.col("kind").is_in(kinds).fill_null(value=False)


def _either(kind: str, turn: pl.Expr, wrong: tuple[str, ...], right: pl.Expr) -> pl.Expr:
    """The right text, or one of the wrong ones in turn; the first of them also in `three_reasons`."""
    if kind != "invalid_crypto_type":
        right = pl.when(_is("three_reasons")).then(pl.lit(wrong[0])).otherwise(right)
    return pl.when(_is(kind)).then(turn.replace_strict(dict(enumerate(wrong)))).otherwise(right)


def _name(names: tuple[str, ...], place: str) -> pl.Expr:
    return pl.col(place).replace_strict(dict(enumerate(names)), return_dtype=pl.String)


def _decimal(value: pl.Expr, digits: int) -> pl.Expr:
    """A whole number of the last digit as decimal text without idle zeros."""
    sign = pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole, rest = value.abs() // 10**digits, value.abs() % 10**digits
    fraction = (
        pl.format(".{}", rest.cast(pl.String).str.zfill(digits)).str.strip_chars_end("0").str.strip_chars_end(".")
    )
    return pl.concat_str(sign, whole.cast(pl.String), fraction)
