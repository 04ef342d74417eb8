"""Which rows train and which judge, decided by the rows' content: neither order nor time of loading matters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo.errors import TrainError
from torneo.spec.project import Split

Mask = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]


def row_hashes(frame: pl.DataFrame, seed: int = 0) -> Hashes:
    """A 64-bit hash per row over all columns, the same on every machine and in every version.

    >>> frame = pl.DataFrame({"a": [1, 1, 2], "b": ["x", "x", None]})
    >>> hashes = row_hashes(frame)
    >>> bool(hashes[0] == hashes[1]), bool(hashes[0] == hashes[2])
    (True, False)
    """
    hashes = np.full(frame.height, (seed * 0x9E3779B97F4A7C15 + 0x243F6A8885A308D3) % 2**64, dtype=np.uint64)
    for name in frame.columns:
        hashes = _mix(hashes * np.uint64(1_000_003) ^ _column_hashes(frame[name]))
    return hashes


def _column_hashes(series: pl.Series) -> Hashes:
    from pandas.util import hash_array

    if series.dtype == pl.String:
        values = series.unique().drop_nulls().sort()
        hashed = hash_array(values.to_numpy().astype(object), categorize=False)
        mapped = series.replace_strict(values, pl.Series(hashed, dtype=pl.UInt64), default=0, return_dtype=pl.UInt64)
        return np.asarray(mapped.fill_null(0).to_numpy(), dtype=np.uint64)
    numbers = series.to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return np.asarray(hash_array(numbers + 0.0), dtype=np.uint64)


def _mix(hashes: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the input moves every bit."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(hashes ^ (hashes >> np.uint64(31)), dtype=np.uint64)


def judged_rows(frame: pl.DataFrame, split: Split) -> Mask:
    """True for the judge's rows.

    Random splits take the rows whose content hashes lowest, so that a row stays on its side when others come
    or go; equal rows stay together, so the share is exact but for the copies of one row at the border. By time, the
    latest rows judge, and rows of one moment stay together.

    Raises:
        TrainError: one side would be empty.
    """
    if split.by_time is not None:
        mask = _latest(frame[split.by_time], split.test)
    elif split.group is not None:
        mask = _lowest_groups(frame[split.group], split)
    else:
        mask = _lowest(frame, split)
    if not mask.any() or mask.all():
        raise TrainError(
            f"{frame.height} rows cannot be split into {1 - split.test:.0%} to train and {split.test:.0%} to judge",
            fix="add data, or change split",
        )
    return mask


def _latest(times: pl.Series, share: float) -> Mask:
    ordered = times.sort()
    first = ordered[min(len(ordered) - 1, round(len(ordered) * (1 - share)))]
    return np.asarray((times >= first).to_numpy(), dtype=np.bool_)


def _lowest_groups(groups: pl.Series, split: Split) -> Mask:
    counts = groups.to_frame("group").group_by("group").len().sort("group")
    order = np.argsort(row_hashes(counts.select("group"), split.seed), kind="stable")
    sizes = counts["len"].to_numpy()[order]
    taken = np.cumsum(sizes) - sizes < len(groups) * split.test
    chosen = counts["group"].gather(order[taken].tolist())
    return np.asarray(groups.is_in(chosen.implode(), nulls_equal=True).to_numpy(), dtype=np.bool_)


def _lowest(frame: pl.DataFrame, split: Split) -> Mask:
    hashes = row_hashes(frame, split.seed)
    if split.stratify is None:
        strata = np.zeros(frame.height, dtype=np.uint32)
    else:
        strata = frame[split.stratify].cast(pl.String).fill_null("").rank("dense").to_numpy()
    mask = np.zeros(frame.height, dtype=np.bool_)
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        mask[rows] = _lowest_share(hashes[rows], split.test)
    return mask


def _lowest_share(hashes: Hashes, share: float) -> Mask:
    """The lowest hashes; of equal ones at the border all or none, whichever comes nearer to the share."""
    count = round(len(hashes) * share)
    if count == 0:
        return np.zeros(len(hashes), dtype=np.bool_)
    border = np.partition(hashes, count - 1)[count - 1]
    without, with_all = int((hashes < border).sum()), int((hashes <= border).sum())
    return np.asarray(hashes < border if count - without < with_all - count else hashes <= border, dtype=np.bool_)
