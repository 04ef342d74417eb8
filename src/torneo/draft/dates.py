"""Whether texts are dates, and how they are written."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import polars as pl

from torneo.draft.facts import without_nulls
from torneo.draft.table import TextTable

_ISO = r"\d{4}-\d{1,2}-\d{1,2}(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[-+]\d{2}:?\d{2})?)?"
_ISO_FORMS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_ISO_ZONED = ("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z")
_DATES: tuple[tuple[str, str], ...] = (
    (r"\d{1,2}/\d{1,2}/\d{4}", "%d/%m/%Y|%m/%d/%Y"),
    (r"\d{1,2}-\d{1,2}-\d{4}", "%d-%m-%Y|%m-%d-%Y"),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", "%d.%m.%Y"),
    (r"\d{4}/\d{1,2}/\d{1,2}", "%Y/%m/%d"),
    (r"\d{1,2}/\d{1,2}/\d{2}", "%d/%m/%y|%m/%d/%y"),
    (r"\d{1,2}\.\d{1,2}\.\d{2}", "%d.%m.%y"),
    (r"(?:19|20)\d{6}", "%Y%m%d"),
    (r"\d{1,2} [A-Za-z]{3} \d{4}", "%d %b %Y"),
    (r"\d{1,2}-[A-Za-z]{3}-\d{4}", "%d-%b-%Y"),
    (r"\d{1,2}-[A-Za-z]{3}-\d{2}", "%d-%b-%y"),
    (r"[A-Za-z]{3} \d{1,2}, \d{4}", "%b %d, %Y"),
    (r"\d{1,2} [A-Za-z]{4,9} \d{4}", "%d %B %Y"),
    (r"[A-Za-z]{4,9} \d{1,2}, \d{4}", "%B %d, %Y"),
)
ENOUGH = 0.98
_TIMES: tuple[tuple[str, str], ...] = (
    (r"\d{1,2}:\d{2}", "%H:%M"),
    (r"\d{1,2}:\d{2}:\d{2}", "%H:%M:%S"),
    (r"\d{1,2}:\d{2}:\d{2}\.\d+", "%H:%M:%S%.f"),
    (r"\d{1,2}:\d{2} [AaPp][Mm]", "%I:%M %p"),
    (r"\d{1,2}:\d{2}:\d{2} [AaPp][Mm]", "%I:%M:%S %p"),
)


@dataclass(frozen=True)
class Dates:
    """How the dates of a column are written."""

    type: Literal["date", "datetime"]
    format: str | None
    """As strftime has it; None for ISO 8601."""
    ordered: bool
    """Whether the rows come in the order of time, or in the reverse one."""
    moments: int
    """How many different ones there are."""
    unread: int
    """Present texts that are no such date."""
    first: str
    last: str
    ambiguous: bool = False
    """Whether day and month could be the other way round."""


def looks_dated(text: str) -> bool:
    """Whether a text has the shape of a date or of a date and time.

    >>> [looks_dated(text) for text in ("2021-06-24", "3/1/2023 14:30", "12.5", "1-2-3")]
    [True, True, False, False]
    """
    return bool(list(_formats([text])))


def dates_in(table: TextTable, sample: pl.Series, nulls: tuple[str, ...]) -> Dates | None:
    """How the dates of a column are written, checked on all rows; None if it has no dates, or several forms."""
    texts = sample.drop_nulls().unique().to_list()
    texts = [text for text in texts if text not in nulls]
    if not texts:
        return None
    found = [read for form in _formats(texts) if (read := _read(table, sample.name, form, nulls)) is not None]
    if not found:
        return None
    best = min(found, key=lambda dates: (dates.unread, not dates.ordered))
    rivals = [dates for dates in found if dates.unread == best.unread and dates.ordered == best.ordered]
    return Dates(**{**best.__dict__, "ambiguous": len(rivals) > 1})


def parsed(text: pl.Expr, form: str | None) -> pl.Expr:
    """The moments that the gate reads in a text (dates are midnights), null where there is none."""
    if form is not None:
        dated = not any(sign in form for sign in ("%H", "%I"))
        moments = text.str.to_date(form, strict=False) if dated else text.str.to_datetime(form, strict=False)
        return moments.cast(pl.Datetime("us"))
    plain = text.str.replace("T", " ", literal=True).str.replace(r"[Zz]$", "+00:00")
    local = [_midnight(plain, form) if form == "%Y-%m-%d" else _moment(plain, form) for form in _ISO_FORMS]
    return pl.coalesce(*local, *(_moment(plain, form, "UTC").dt.replace_time_zone(None) for form in _ISO_ZONED))


def _midnight(text: pl.Expr, form: str) -> pl.Expr:
    return text.str.to_date(form, strict=False).cast(pl.Datetime("us"))


def _moment(text: pl.Expr, form: str, zone: str | None = None) -> pl.Expr:
    return text.str.to_datetime(form, strict=False, time_unit="us", time_zone=zone)


def _formats(texts: list[str]) -> Iterator[str | None]:
    """The formats (None for ISO 8601) whose shape at least 98 % of the texts have."""
    probe = texts[:2_000]
    if _share(_ISO, probe) >= ENOUGH:
        yield None
        return
    for shape, formats in _DATES:
        if _share(shape, probe) >= ENOUGH:
            yield from formats.split("|")
    for (day, formats), (time, clock) in itertools.product(_DATES, _TIMES):
        for between in (" ", "T"):
            if _share(day + between + time, probe) >= ENOUGH:
                yield from (f"{form}{between}{clock}" for form in formats.split("|"))


def _share(shape: str, texts: list[str]) -> float:
    pattern = re.compile(shape)
    if not any(pattern.fullmatch(text) for text in texts[:3]):
        return 0.0
    return sum(pattern.fullmatch(text) is not None for text in texts) / len(texts)


def _read(table: TextTable, name: str, form: str | None, nulls: tuple[str, ...]) -> Dates | None:
    text = without_nulls(pl.col(name), nulls)
    frame = pl.concat(
        batch.select(
            parsed(text, form).alias("moment"),
            text.is_not_null().alias("present"),
            text.str.contains(r":.*(?:[Zz]|[-+]\d{2}:?\d{2})$").alias("zoned"),
        )
        for batch in table.batches((name,))
    )
    moments = frame["moment"].drop_nulls()
    if moments.is_empty():
        return None
    days = moments.dt.date()
    is_date = (
        bool((moments == days.cast(pl.Datetime("us"))).all()) and "%H" not in (form or "") and not frame["zoned"].any()
    )
    ends = (days if is_date else moments).sort()
    return Dates(
        type="date" if is_date else "datetime",
        format=form,
        ordered=moments.is_sorted() or moments.is_sorted(descending=True),
        moments=moments.n_unique(),
        unread=int(frame["present"].sum()) - len(moments),
        first=str(ends[0]),
        last=str(ends[-1]),
    )
