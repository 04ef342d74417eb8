"""A price for each coin and day: from the files of daily prices where they are, else from a seeded random walk."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo.errors import SourceError
from torneo.sources._shuffle import uniform
from torneo.spec.records import file_digest

COINS = ("BTC", "ETH", "USDC")
EARLIEST = datetime.date(2010, 1, 1)
"""The random walks begin here, so that a day's price does not depend on the range asked for."""
_STARTS = (20_000.0, 1_300.0, 1.0)
_DEVIATIONS = (0.01, 0.012, 0.0)
"""Standard deviation of a day's relative change; a dollar coin stays a dollar."""
Prices = npt.NDArray[np.float64]


def files(folders: Sequence[Path]) -> tuple[Path, ...]:
    """The files `crypto_{btc,eth,usdc}_daily.csv`, each from the first folder that has it; all three, or none."""
    found = []
    for coin in COINS:
        places = [folder / f"crypto_{coin.lower()}_daily.csv" for folder in folders]
        found += [place for place in places if place.is_file()][:1]
    return tuple(found) if len(found) == len(COINS) else ()


def digests(paths: Sequence[Path]) -> Mapping[str, str]:
    """The sha256 of each file's content by its name."""
    return {path.name: file_digest(path) for path in paths}


def prices(paths: Sequence[Path], seed: int, first: datetime.date, last: datetime.date) -> Prices:
    """Prices in US dollars (coins, days) from `first` to `last`; a day without a price has that of the nearest day.

    Raises:
        SourceError: a file cannot be read, lacks the columns Date and Close, or has no price above 0.
    """
    if not paths:
        return np.stack([_walk(coin, seed, first, last) for coin in range(len(COINS))])
    wanted = np.arange(first.toordinal(), last.toordinal() + 1)
    return np.stack([_nearest(path, wanted) for path in paths])


def _walk(coin: int, seed: int, first: datetime.date, last: datetime.date) -> Prices:
    """A geometric random walk, in operations that give the same bits on every machine."""
    days = (last - EARLIEST).days + 1
    draws = np.stack([uniform(np.arange(days), seed, 100 + 12 * coin + draw) for draw in range(12)])
    changes = 1 + _DEVIATIONS[coin] * (draws.sum(axis=0) - 6)
    walk: Prices = _STARTS[coin] * np.cumprod(changes)
    return walk[(first - EARLIEST).days :]


def _nearest(path: Path, wanted: npt.NDArray[np.int64]) -> Prices:
    try:
        frame = pl.read_csv(path, columns=["Date", "Close"], schema_overrides={"Date": pl.String, "Close": pl.Float64})
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(
            f"{path} is not a file of daily prices: {' '.join(str(error).split())[:200]}",
            fix="it needs the columns Date (2021-01-31) and Close; without it prices are a random walk",
        ) from None
    known = frame.select(pl.col("Date").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False), "Close")
    known = (
        known.drop_nulls().filter(pl.col("Close") > 0).unique("Date", keep="first", maintain_order=True).sort("Date")
    )
    if known.is_empty():
        raise SourceError(f"{path} has no price above 0 with a date such as 2021-01-31", fix="get the file again")
    days = known["Date"].to_physical().to_numpy().astype(np.int64) + datetime.date(1970, 1, 1).toordinal()
    after = np.clip(np.searchsorted(days, wanted), 1, len(days) - 1) if len(days) > 1 else np.zeros_like(wanted)
    before = np.maximum(after - 1, 0)
    return known["Close"].to_numpy()[np.where(wanted - days[before] <= days[after] - wanted, before, after)]
