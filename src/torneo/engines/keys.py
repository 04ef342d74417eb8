"""The key's check, exact and in little memory.

All keys are hashed first (16 bytes for each row while they are sorted). Only rows whose hashes meet are read again, and
those are compared by value: a hash that two keys share by chance refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo.checks import DUPLICATE_KEY, REPEATED_ROW
from torneo.engines.parse import parse
from torneo.engines.rows import Rules, batches, judge
from torneo.engines.types import typed_schema
from torneo.errors import GateError
from torneo.frames import copied
from torneo.ports import Progress
from torneo.spec.records import LINE

POSITION = "__position__"
Hashes = npt.NDArray[np.uint64]
NO_KEY = np.uint64(0)
"""The hash of rows that take no part: refused for another reason, or with an empty part in the key."""


@dataclass(frozen=True)
class Collisions:
    """Rows that the key's check refuses."""

    positions: npt.NDArray[np.int64]
    """Rows of the snapshot, counted from 0, in order."""
    reasons: pl.Series
    """The reason of each."""

    def within(self, start: int, rows: int) -> pl.Series | None:
        """The reasons of the rows from `start` on, null for rows without one; None where none has one."""
        first, last = np.searchsorted(self.positions, [start, start + rows])
        if first == last:
            return None
        nothing = pl.repeat(None, rows, eager=True, dtype=pl.String)
        return nothing.scatter(self.positions[first:last] - start, self.reasons[first:last])


NONE = Collisions(np.empty(0, np.int64), pl.Series(dtype=pl.String))


def collisions(rules: Rules, data: Path, batch_rows: int, step: Progress, before: Path | None) -> Collisions:
    """Find the rows whose keys meet, among those that break no other check.

    `before` has rows that were accepted earlier; they come first, and are not themselves refused.
    """
    key = list(rules.contract.key)
    hashes = []
    for batch in batches(data, rules.headers, batch_rows):
        judged = judge(rules, batch)
        all_rows = np.zeros(len(batch), np.uint64)
        all_rows[judged.kept.arg_true()] = np.where(judged.good, _hashes(judged.typed, key), NO_KEY)
        hashes.append(all_rows)
        step.advance(len(batch))
    earlier = [] if before is None else [_hashes(batch, key) for batch in _earlier(rules, before, batch_rows)]
    meeting = _meeting([*hashes, *earlier])
    if not len(meeting):
        return NONE
    met, start = [], 0
    for batch, batch_hashes in zip(batches(data, rules.headers, batch_rows), hashes, strict=True):
        chosen = _is_in(batch_hashes, meeting)
        if chosen.any():
            frame = parse(rules.contract, rules.source, batch.filter(chosen), loads=rules.loads)
            met.append(_numbered(frame, np.flatnonzero(chosen) + start, rules))
        start += len(batch)
    for batch, batch_hashes in zip(_earlier(rules, before, batch_rows), earlier, strict=True):
        frame = batch.filter(_is_in(batch_hashes, meeting))
        met.append(_numbered(frame, np.full(frame.height, -1), rules))
    return resolve(pl.concat(met), key)


def resolve(rows: pl.DataFrame, key: list[str]) -> Collisions:
    """The verdict on rows with their `__position__`; those with a negative one were accepted earlier.

    >>> rows = pl.DataFrame({"id": [1, 2, 2, 3, 3], "x": [0, 1, 1, 1, 2], POSITION: [0, 1, 2, 3, 4]})
    >>> found = resolve(rows, ["id"])
    >>> [(int(position), reason) for position, reason in zip(found.positions, found.reasons)]
    [(2, 'repeated_row'), (3, 'duplicate_key'), (4, 'duplicate_key')]
    """
    values = pl.struct(pl.exclude(POSITION))
    judged = rows.sort(POSITION, maintain_order=True).select(
        POSITION,
        copies=values.n_unique().over(key) == 1,
        first=pl.int_range(pl.len()).over(key) == 0,
    )
    refused = judged.filter(pl.col(POSITION) >= 0, ~(pl.col("copies") & pl.col("first")))
    reasons = refused.select(pl.when("copies").then(pl.lit(REPEATED_ROW)).otherwise(pl.lit(DUPLICATE_KEY)))
    return Collisions(refused[POSITION].to_numpy(), reasons.to_series())


def _hashes(frame: pl.DataFrame, key: list[str]) -> Hashes:
    keys = frame.select(key)
    hashes = keys.hash_rows().to_numpy()
    complete = keys.select(pl.all_horizontal(pl.all().is_not_null())).to_series().to_numpy()
    return np.where(complete, np.maximum(hashes, np.uint64(1)), NO_KEY)


def _meeting(hashes: list[Hashes]) -> Hashes:
    """The hashes that occur more than once, sorted."""
    together = np.concatenate([*hashes, np.empty(0, np.uint64)])
    together.sort()
    again = together[1:][(together[1:] == together[:-1]) & (together[1:] != NO_KEY)]
    return np.unique(again)


def _is_in(hashes: Hashes, ordered: Hashes) -> npt.NDArray[np.bool_]:
    places = np.minimum(np.searchsorted(ordered, hashes), len(ordered) - 1)
    found: npt.NDArray[np.bool_] = ordered[places] == hashes
    return found


def _numbered(frame: pl.DataFrame, positions: npt.NDArray[Any], rules: Rules) -> pl.DataFrame:
    numbered = frame.select(list(rules.contract.columns)).with_columns(pl.Series(POSITION, positions, dtype=pl.Int64))
    return copied(numbered)


def _earlier(rules: Rules, before: Path | None, batch_rows: int) -> Iterator[pl.DataFrame]:
    if before is None:
        return iter(())
    schema = typed_schema(rules.contract)
    del schema[LINE]
    found = pl.read_parquet_schema(before)
    if {name: dtype for name, dtype in found.items() if name != LINE} != schema:
        raise GateError(
            f"the rows in {before.name} were accepted under another contract, so keys cannot be compared with theirs",
            fix="run the project again",
        )
    return batches(before, list(schema), batch_rows)
