"""Refused rows judged again, as they came or as a person has corrected them, and what is left of the quarantine.

A row with `__line__` is the refused row of that line, corrected. A row without is every refused row that no line names
and whose values are all the same as its own; where there is none, it is a new row, whose line is a negative one. What
passes leaves the quarantine, but for copies of it; what is refused again stays with its new values and reasons; what
nobody has tried stays as it is. Memory: the refused rows.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from torneo.checks import DUPLICATE_KEY, KEY_OUTSIDE_WINDOW, REPEATED_ROW, check_headers
from torneo.engines.gate import ACCEPTED, REJECTED, gate
from torneo.engines.rows import Functions
from torneo.errors import GateError
from torneo.ports import Progress
from torneo.spec.loading import LoadProject
from torneo.spec.records import LINE, REASONS, GateReport, Table, file_digest
from torneo.spec.tables import Window

SHOWN = 5
ID = "__tried__"
PLACE = "__place__"
_READ: Mapping[Any, Callable[[str], Any]] = {
    pl.Boolean: {"true": True, "false": False}.__getitem__,
    pl.Date: datetime.date.fromisoformat,
    pl.Datetime: datetime.datetime.fromisoformat,
    pl.Time: datetime.time.fromisoformat,
}
"""How to read what Polars writes and does not cast back."""


@dataclass(frozen=True)
class Again:
    """What became of the rows that were judged again."""

    tried: int
    passed: int
    refused: int
    already: int
    """Rows without a place in the quarantine that are among the accepted ones."""
    outside: int
    """Rows that are now outside the window, or left out by `where`; what they correct stays in the quarantine."""
    accepted: Path
    """The rows that passed."""
    report: GateReport
    """The gate of the load as it stands now; tables that have changed have their file's name as key."""


@dataclass(frozen=True)
class Tried:
    """Rows to be judged again: the columns of the quarantine, `__line__`, and the number of each row."""

    rows: pl.DataFrame
    places: pl.DataFrame
    """Which row (`__tried__`) speaks of which row of the quarantine (`__place__`)."""


def judge_again(
    project: LoadProject,
    before: GateReport,
    files: tuple[Path, Path],
    corrected: pa.Table | None,
    folder: Path,
    progress: Progress,
    functions: Functions,
    window: Window | None,
    moved: pl.DataFrame | None = None,
) -> Again:
    """Gate refused rows, or the rows of a person's file, with today's contract and beside the accepted rows.

    The same rows again give the same quarantine, and nothing passes.

    Args:
        before: the gate of the load as it stands.
        files: its accepted and its refused rows.
        corrected: the columns of the source, and perhaps `__line__`; None tries all refused rows as they came.
        folder: where files are written: those of this gate, and what it makes of the load's.
        window: the days of the load.
        moved: keys that the load's table has on days outside the window; rows with them are refused for that.

    Raises:
        GateError: a column is missing or cannot have the source's type, a row names a line that is not refused, or
            the contract's columns have changed since.
    """
    quarantine = pl.read_parquet(files[1])
    if corrected is None:
        tried = _as_it_came(quarantine)
    else:
        check_headers(project.contract, corrected.column_names)
        tried = _of_file(pl.DataFrame(corrected), quarantine)
    tried.rows.with_columns(pl.col(ID).alias(LINE)).drop(ID).write_parquet(folder / "tried.parquet")
    (own := folder / "again").mkdir()
    again = gate(project, folder / "tried.parquet", own, progress, functions, accepted_before=files[0], window=window)
    further = {} if moved is None else {KEY_OUTSIDE_WINDOW: moved}
    if corrected is None and window is not None and window.column not in project.contract.key:
        further[DUPLICATE_KEY] = _of_other_days(quarantine)
    failed = _failed(own, further)
    passed = pl.read_parquet(own / ACCEPTED, columns=[LINE])[LINE]
    placed = pl.col(ID).is_in(tried.places[ID].implode())
    copy = (pl.col(REASONS).list.len() == 1) & (pl.col(REASONS).list.first() == REPEATED_ROW)
    already = failed.filter(copy & ~placed)
    failed = failed.filter(~(copy & ~placed))
    _check_lines(tried, already[ID])
    left = _left(quarantine, tried, passed, failed)
    report = _report(before, again, files, folder, left, (own / ACCEPTED, len(passed)))
    counts = {"tried": tried.rows.height, "passed": len(passed), "refused": failed.height, "already": already.height}
    return Again(**counts, outside=again.outside_window + again.left_out, accepted=own / ACCEPTED, report=report)


def _failed(own: Path, further: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The numbers and reasons of rows that the gate has refused, or that are refused for a further reason."""
    refused = pl.read_parquet(own / REJECTED, columns=[LINE, REASONS]).rename({LINE: ID})
    return pl.concat([refused, *(_refuse(own / ACCEPTED, those, reason) for reason, those in further.items())])


def _refuse(accepted: Path, those: pl.DataFrame, reason: str) -> pl.DataFrame:
    """Take rows out of the accepted ones, by the values of some columns; gives their numbers and reasons."""
    rows = pl.read_parquet(accepted, memory_map=False)
    rows.join(those, on=those.columns, how="anti", maintain_order="left").write_parquet(accepted)
    away = rows.join(those, on=those.columns, how="semi")
    return away.select(pl.col(LINE).alias(ID), pl.lit([reason]).alias(REASONS))


def _of_other_days(quarantine: pl.DataFrame) -> pl.DataFrame:
    """Rows whose key others have: those that pass alone have their like on days outside the window, unseen here."""
    twice = quarantine.with_row_index(PLACE).filter(pl.col(REASONS).list.contains(DUPLICATE_KEY))
    return twice.select(pl.col(PLACE).cast(pl.Int64).alias(LINE))


def _as_it_came(quarantine: pl.DataFrame) -> Tried:
    rows = quarantine.drop(REASONS).with_row_index(ID).with_columns(pl.col(ID).cast(pl.Int64))
    return Tried(rows, rows.select(ID, pl.col(ID).alias(PLACE)))


def _of_file(corrected: pl.DataFrame, quarantine: pl.DataFrame) -> Tried:
    """The rows of a file in the quarantine's types, and which refused rows they speak of."""
    schema = {name: kind for name, kind in quarantine.schema.items() if name not in (LINE, REASONS)}
    given = [name for name in schema if name in corrected.columns]
    if LINE not in corrected.columns:
        corrected = corrected.with_columns(pl.lit(None, pl.Int64).alias(LINE))
    rows = pl.concat(
        [
            corrected.filter(pl.col(LINE).is_not_null()),
            corrected.filter(pl.col(LINE).is_null()).unique(given, keep="first", maintain_order=True),
        ]
    ).with_row_index(ID)
    rows = rows.select(pl.col(ID).cast(pl.Int64), LINE, *(_typed(rows, quarantine[name]) for name in given))
    here = quarantine.with_row_index(PLACE).with_columns(pl.col(PLACE).cast(pl.Int64))
    lines = rows.select(ID, LINE).drop_nulls().join(here.select(PLACE, LINE), on=LINE).select(ID, PLACE)
    texts = [pl.col(name).cast(pl.String).fill_null("") for name in given]
    free = here.join(lines, on=PLACE, how="anti").select(PLACE, *texts)
    alike = rows.filter(pl.col(LINE).is_null()).select(ID, *texts).join(free, on=given)
    places = pl.concat([lines, alike.select(ID, PLACE)])
    absent = [name for name in schema if name not in given]
    first = places.unique(ID, keep="first").join(here.select(PLACE, *absent), on=PLACE).drop(PLACE)
    return Tried(rows.join(first, on=ID, how="left").select(*schema, LINE, ID).sort(ID), places)


def _typed(rows: pl.DataFrame, like: pl.Series) -> pl.Series:
    """A column of texts in the source's type; an empty text is no value where the source says so by null."""
    name, kind = like.name, like.dtype
    if kind == pl.String:
        return rows[name].replace("", None) if like.null_count() and not (like == "").any() else rows[name]
    texts = rows[name].replace("", None)
    read = _READ.get(kind.base_type())
    try:
        if read is None:
            values = texts.cast(kind, strict=False)
        else:
            values = pl.Series([_value(read, text) for text in texts], dtype=kind)
    except pl.exceptions.PolarsError:
        values = pl.repeat(None, len(texts), dtype=kind, eager=True)
    wrong = texts.filter(values.is_null() & texts.is_not_null())
    if len(wrong):
        raise GateError(
            f"{name!r} is {kind} in the source, which {wrong[0][:40]!r} is not ({len(wrong):,} such rows)",
            fix="write it as `torneo quarantine export` does",
        )
    return values.alias(name)


def _value(read: Callable[[str], Any], text: str | None) -> Any:
    try:
        return None if text is None else read(text)
    except (ValueError, KeyError):
        return None


def _check_lines(tried: Tried, already: pl.Series) -> None:
    strays = tried.rows.filter(
        pl.col(LINE).is_not_null() & ~pl.col(ID).is_in(pl.concat([tried.places[ID], already]).implode())
    )
    if len(strays):
        shown = ", ".join(map(str, strays[LINE].sort().head(SHOWN))) + (" …" if len(strays) > SHOWN else "")
        raise GateError(
            f"{len(strays):,} rows correct lines that are not among the refused rows of the last load: {shown}",
            fix="take the lines from `torneo quarantine export`; leave a new row's line empty",
        )


def _left(quarantine: pl.DataFrame, tried: Tried, passed: pl.Series, failed: pl.DataFrame) -> pl.DataFrame:
    """The quarantine without what passed, and with what was refused again as it is now."""
    judged = pl.concat([passed.cast(pl.Int64), failed[ID]]).implode()
    gone = tried.places.filter(pl.col(ID).is_in(judged))[PLACE]
    here = quarantine.with_row_index(PLACE).with_columns(pl.col(PLACE).cast(pl.Int64))
    stays = here.filter(~pl.col(PLACE).is_in(gone.implode())).drop(PLACE)
    lines = tried.places.join(here.select(PLACE, pl.col(LINE).alias("line")), on=PLACE)
    refused = failed.join(lines, on=ID, how="left").join(tried.rows.drop(LINE), on=ID).sort(ID)
    new = pl.col("line").is_null()
    lowest = min(0, quarantine[LINE].min() or 0)
    own = lowest - new.cast(pl.Int64).cum_sum()
    refused = refused.with_columns(pl.when(new).then(own).otherwise("line").alias(LINE))
    same = tried.places.filter(pl.col(ID).is_in(passed.implode())).sort(PLACE).filter(~pl.col(ID).is_first_distinct())
    copies = here.join(same.unique(PLACE), on=PLACE).with_columns(pl.lit([REPEATED_ROW]).alias(REASONS))
    return pl.concat([stays, *(rows.select(quarantine.columns) for rows in (refused, copies))]).sort(LINE)


def _report(
    before: GateReport,
    again: GateReport,
    files: tuple[Path, Path],
    folder: Path,
    left: pl.DataFrame,
    passed: tuple[Path, int],
) -> GateReport:
    """The gate of the load as it stands now; a table that has changed is written into the folder."""
    accepted, refused = before.accepted, before.rejected
    further, count = passed
    if count:
        both = [pl.scan_parquet(files[0]), pl.scan_parquet(further).with_columns(pl.lit(None, pl.Int64).alias(LINE))]
        pl.concat(both).sink_parquet(folder / ACCEPTED)
        accepted = Table(key=ACCEPTED, digest=file_digest(folder / ACCEPTED), rows=before.accepted.rows + count)
    if not left.equals(pl.read_parquet(files[1])):
        left.write_parquet(folder / REJECTED)
        refused = Table(key=REJECTED, digest=file_digest(folder / REJECTED), rows=left.height)
    counted = Counter(left[REASONS].explode().drop_nulls().to_list())
    names = dict.fromkeys([*before.reasons, *again.reasons, KEY_OUTSIDE_WINDOW])
    return before.model_copy(
        update={
            "rows": accepted.rows + refused.rows + before.left_out + before.outside_window,
            "accepted": accepted,
            "rejected": refused,
            "reasons": {name: counted[name] for name in names if counted[name]},
        }
    )
