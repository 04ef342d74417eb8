"""What is true of each column over all rows, gathered in one pass in bounded memory."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from torneo.draft.table import INDEX, TextTable
from torneo.draft.vocabulary import ODD_NULLS
from torneo.frames import copied
from torneo.spec.source import NULLS

LISTED = 500
"""Different values are counted up to so many per column."""
ODD_SHOWN = 3
SAMPLED_CELLS = 1_000_000
_COMMA_NUMBER = re.compile(r"^[-+]?\d+(?:,\d+)?(?:[eE][-+]?\d+)?$")
_GROUPED = re.compile(r"^[-+]?[1-9]\d{0,2}(?:,\d{3})+$")
_POINT_NUMBER = re.compile(r"^[-+]?\d*\.\d+(?:[eE][-+]?\d+)?$")

Decimal = Literal[".", ","]


@dataclass(frozen=True)
class Facts:
    """One column over all rows; numbers are texts that read as finite numbers."""

    name: str
    rows: int
    missing: int
    numbers: int
    whole: int
    """Numbers without a fraction that 64-bit floats hold exactly."""
    pointed: int
    """Whole numbers that are written with a decimal sign, such as 11.0, or with an exponent."""
    zero_led: int
    """Whole numbers written with a zero before them, such as 05."""
    low: float
    high: float
    mean: float
    deviation: float
    longest: int
    """The length of the longest text, in bytes."""
    counts: Mapping[str, int] | None
    """How often each text occurs; None if there are more than LISTED different ones."""
    blanks: Mapping[str, int]
    """How often each of ODD_NULLS occurs; they are not counted as missing."""
    odd: tuple[str, ...]
    """Some texts that are neither numbers nor of ODD_NULLS."""
    counts_rows: bool
    """Whether the number grows by one with each row."""

    @property
    def present(self) -> int:
        """Rows that have a value, texts such as `?` included."""
        return self.rows - self.missing

    @property
    def unreadable(self) -> int:
        """Rows whose text is neither a number nor one of ODD_NULLS."""
        return self.present - self.numbers - sum(self.blanks.values())


@dataclass
class _Sums:
    rows: int = 0
    missing: int = 0
    numbers: int = 0
    whole: int = 0
    pointed: int = 0
    zero_led: int = 0
    low: float = math.inf
    high: float = -math.inf
    total: float = 0.0
    squares: float = 0.0
    longest: int = 0
    step_low: float = math.inf
    step_high: float = -math.inf
    counts: Counter[str] | None = field(default_factory=Counter)
    blanks: Counter[str] = field(default_factory=Counter)
    odd: set[str] = field(default_factory=set)


def decimal_of(sample: pl.DataFrame, delimiter: str) -> Decimal:
    """The decimal sign of the numbers in a text table.

    >>> decimal_of(pl.DataFrame({"a": ["1,5", "2,25"], "b": ["x", "y"]}), ";")
    ','
    >>> decimal_of(pl.DataFrame({"a": ["1,500", "12,250"]}), ",")
    '.'
    """
    commas = points = 0
    for series in sample.get_columns():
        texts = [text for text in series.drop_nulls().head(2_000).to_list() if text not in NULLS]
        if not texts:
            continue
        comma = [text for text in texts if "," in text and _COMMA_NUMBER.match(text)]
        plain = sum(_COMMA_NUMBER.match(text) is not None for text in texts)
        grouped = bool(comma) and all(map(_GROUPED.match, comma))
        if comma and plain > 0.8 * len(texts) and not (grouped and delimiter == ","):
            commas += 1
        elif sum(_POINT_NUMBER.match(text) is not None for text in texts) > 0.5 * len(texts):
            points += 1
    return "," if commas > points else "."


def as_number(text: pl.Expr, decimal: Decimal) -> pl.Expr:
    """The number that the gate reads in a text, null where there is none."""
    if decimal == ",":
        text = pl.when(~text.str.contains(".", literal=True)).then(text.str.replace(",", ".", literal=True))
    number = text.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def without_nulls(text: pl.Expr, nulls: tuple[str, ...] = NULLS) -> pl.Expr:
    """The text, null where it means "no value"."""
    return pl.when(~text.is_in(list(nulls))).then(text)


def gather(table: TextTable) -> tuple[dict[str, Facts], pl.DataFrame, Decimal]:
    """Facts of all columns, a random sample of rows as text (with nulls as null), and the decimal sign."""
    sums = {name: _Sums() for name in table.names}
    share = min(1.0, max(2_000, SAMPLED_CELLS // len(table.names)) / max(table.rows, 1))
    samples, decimal = [], None
    for raw in table.batches():
        batch = raw.with_columns(without_nulls(pl.col(name)) for name in table.names)
        if decimal is None:
            decimal = decimal_of(batch.drop(INDEX), table.delimiter)
        _add(sums, batch, decimal)
        kept = pl.col(INDEX).hash(0) < int(share * (2**64 - 1))
        samples.append(batch if share == 1 else copied(batch.filter(kept)))
    return {name: _settle(name, each) for name, each in sums.items()}, pl.concat(samples), decimal or "."


def _add(sums: dict[str, _Sums], batch: pl.DataFrame, decimal: Decimal) -> None:
    numbers = batch.select(pl.col(INDEX), *(as_number(pl.col(name), decimal).alias(name) for name in sums))
    figures = numbers.select(
        expression.alias(f"{at}:{what}")
        for at, name in enumerate(sums)
        for what, expression in _number_figures(pl.col(name)).items()
    ).row(0, named=True)
    for at, (name, each) in enumerate(sums.items()):
        get = {
            what: figures[f"{at}:{what}"] for what in ("numbers", "whole", "low", "high", "total", "squares", "a", "b")
        }
        _add_numbers(each, get)
        _add_texts(each, batch[name], numbers[name], decimal)


_FIGURES = ("numbers", "whole", "low", "high", "total", "squares", "a", "b")


def _number_figures(number: pl.Expr) -> dict[str, pl.Expr]:
    step = number - pl.col(INDEX)
    return {
        "numbers": number.count(),
        "whole": ((number == number.floor()) & (number.abs() < 2.0**53)).sum(),
        "low": number.min(),
        "high": number.max(),
        "total": number.sum(),
        "squares": (number * number).sum(),
        "a": step.min(),
        "b": step.max(),
    }


def _add_numbers(sums: _Sums, figures: Mapping[str, float | None]) -> None:
    sums.numbers += int(figures["numbers"] or 0)
    sums.whole += int(figures["whole"] or 0)
    sums.total += figures["total"] or 0.0
    sums.squares += figures["squares"] or 0.0
    for low, high, first, last in (("low", "high", "low", "high"), ("step_low", "step_high", "a", "b")):
        least, most = figures[first], figures[last]
        if least is not None and most is not None:
            setattr(sums, low, min(getattr(sums, low), least))
            setattr(sums, high, max(getattr(sums, high), most))


def _add_texts(sums: _Sums, text: pl.Series, number: pl.Series, decimal: Decimal) -> None:
    sums.rows += len(text)
    sums.missing += text.null_count()
    sums.longest = max(sums.longest, int(text.str.len_bytes().max() or 0))  # type: ignore[arg-type]
    if sums.whole:
        frame = pl.DataFrame({"text": text, "number": number})
        whole = frame.filter(pl.col("number") == pl.col("number").floor()).get_column("text")
        sums.pointed += int(whole.str.contains_any([decimal, ".", "e", "E"]).sum())
        sums.zero_led += int((whole.str.contains(r"^[-+]?0\d")).sum())
    if sums.counts is not None:
        _count(sums.counts, text)
        sums.counts = sums.counts if len(sums.counts) <= LISTED else None
    if number.null_count() > text.null_count():
        others = text.filter(number.is_null() & text.is_not_null())
        blank = others.is_in(list(ODD_NULLS))
        _count(sums.blanks, others.filter(blank))
        if len(sums.odd) < ODD_SHOWN:
            sums.odd.update(others.filter(~blank).unique().sort().head(ODD_SHOWN))


def _count(counts: Counter[str], text: pl.Series) -> None:
    found = text.drop_nulls().rename("text").value_counts(name="count").head(10 * LISTED)
    counts.update(dict(found.iter_rows()))


def _settle(name: str, sums: _Sums) -> Facts:
    mean = sums.total / sums.numbers if sums.numbers else math.nan
    variance = sums.squares / sums.numbers - mean * mean if sums.numbers else math.nan
    return Facts(
        name=name,
        rows=sums.rows,
        missing=sums.missing,
        numbers=sums.numbers,
        whole=sums.whole,
        pointed=sums.pointed,
        zero_led=sums.zero_led,
        low=sums.low,
        high=sums.high,
        mean=mean,
        deviation=math.sqrt(max(variance, 0.0)),
        longest=sums.longest,
        counts=sums.counts,
        blanks=sums.blanks,
        odd=tuple(sorted(sums.odd)[:ODD_SHOWN]),
        counts_rows=sums.numbers == sums.rows > 1 and sums.step_low == sums.step_high,
    )
