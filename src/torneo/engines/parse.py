"""From a source's columns to the contract's types, on Polars.

Each column gives its typed values (null where there is none, or none that can be read) and the flag `present`.
Almost all values of a good file can be read in one vectorised step; only the few others are looked at with care.
What is accepted:

- surrounding white space is not part of a value; the texts of `source.nulls` mean "no value", unless the column lists
  them among its `values`; NaN in a native column is no value;
- `float`: a finite number with the source's decimal sign; `int`: also `5.0`, if it is whole and below 2^53;
- `decimal`: a number with no more digits than fit, needless zeros aside; it never becomes a float;
- `bool`: true, false, yes, no, 1, 0 in any case;
- `category`: its canonical text; where the contract lists numbers, `1.0` is `1`, but `05` is never `5`; where it lists
  booleans, `True` is `true`;
- `date`: its `format`, or ISO 8601, with a time only if that is midnight; `datetime`: its `format`, or ISO 8601, where
  a zone is converted to UTC. A year has four digits where the format says so (`%Y`): `24-01-05` is not the year 24.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from torneo.checks import present
from torneo.engines import decimals
from torneo.engines.compute import add_computed
from torneo.engines.types import type_of
from torneo.frames import without_nul
from torneo.spec.columns import Column, Contract
from torneo.spec.records import LINE
from torneo.spec.source import Source

TRUE = ("true", "yes", "1")
FALSE = ("false", "no", "0")
EXACT = 2.0**53
"""Below this, each whole number is a float of its own."""
ISO_DATES = ("%Y-%m-%d",)
ISO_TIMES = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
ISO_ZONED = ("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z")


@dataclass(frozen=True)
class Reading:
    """How texts are read: the column, the texts that mean "no value", and the decimal sign."""

    column: Column
    nulls: tuple[str, ...]
    decimal: str = "."

    @classmethod
    def of(cls, column: Column, nulls: Collection[str], decimal: str = ".") -> Reading:
        """How a source's texts are read; one that the column lists among its values is a value."""
        kept = {value for value in column.values or () if isinstance(value, str)}
        return cls(column, tuple(null for null in nulls if null not in kept), decimal)

    @property
    def type(self) -> pl.DataType:
        """The Polars type of the result."""
        return type_of(self.column)

    @property
    def date_formats(self) -> tuple[str, ...]:
        """How dates and moments may be written, as Polars has it."""
        if self.column.format is not None:
            return (self.column.format.replace(".%f", "%.f"),)
        return ISO_DATES if self.column.type == "date" else ISO_TIMES


def parse(contract: Contract, source: Source, raw: pl.DataFrame, *, loads: bool = False) -> pl.DataFrame:
    """The contract's columns in their types, `__line__`, and a `present` flag for each column.

    Of a project that `loads`, texts are as the database will hold them, so that keys are compared as there.

    >>> contract = Contract.model_validate({"columns": {"age": {"type": "int", "nullable": True}}})
    >>> raw = pl.DataFrame({"age": ["31", " 5.0", "NA", "old"], LINE: [2, 3, 4, 5]})
    >>> parse(contract, Source(uri="people.csv"), raw)["age"].to_list()
    [31, 5, None, None]
    """
    values, flags = [], []
    computes = False
    for name, column in contract.columns.items():
        reading = Reading.of(column, source.nulls, source.decimal)
        header = column.header or name
        computes = computes or column.compute is not None
        if column.compute is None or header in raw.columns:
            value, flag = read(raw[header], reading)
        else:
            value = pl.repeat(None, len(raw), dtype=reading.type, eager=True)
            flag = value.is_not_null()
        if loads and value.dtype == pl.String:
            value = without_nul(value)
        values.append(value.alias(name))
        flags.append(flag.alias(present(name)))
    typed = pl.DataFrame([*values, raw[LINE].cast(pl.Int64), *flags])
    return add_computed(contract, typed) if computes else typed


def read(raw: pl.Series, reading: Reading) -> tuple[pl.Series, pl.Series]:
    """One column's values and `present` flags."""
    if raw.dtype.is_float() and not _all_finite(raw):
        raw = raw.fill_nan(None)
    if raw.dtype.is_nested():
        return pl.repeat(None, len(raw), dtype=reading.type, eager=True), raw.is_not_null()
    native = _native(raw, reading)
    if native is not None:
        return native, raw.is_not_null()
    if raw.dtype != pl.String:
        raw, reading = _canonical(raw), Reading(reading.column, reading.nulls)
    quick = _quick(raw, reading)
    if quick is None:
        values, is_value = _careful_values(raw, reading)
        return values, is_value & raw.is_not_null()
    rest = (quick.is_null() & raw.is_not_null()).arg_true()
    if rest.is_empty():
        return quick, raw.is_not_null()
    few = raw.gather(rest)
    values, is_value = _careful_values(few, reading)
    flags = raw.is_not_null() if is_value.all() else raw.is_not_null().scatter(rest, is_value)
    if raw.dtype == quick.dtype and values.equals(few):
        return raw, flags
    return quick.scatter(rest, values), flags


def _careful_values(raw: pl.Series, reading: Reading) -> tuple[pl.Series, pl.Series]:
    text = raw.str.strip_chars()
    is_value = ~text.is_in(list(reading.nulls))
    return _careful(text if is_value.all() else text.set(~is_value, None), reading), is_value


def _native(raw: pl.Series, reading: Reading) -> pl.Series | None:
    """Values of a type that needs no text; None where the way through text is the right one."""
    kind, dtype = reading.column.type, raw.dtype
    if kind == "float" and dtype.is_numeric():
        return _finite(raw.cast(pl.Float64))
    if kind == "int" and dtype.is_integer():
        return raw.cast(pl.Int64, strict=False)
    if kind == "int" and dtype.is_numeric():
        return _whole(raw.cast(pl.Float64))
    if kind == "bool" and dtype == pl.Boolean:
        return raw
    if kind == "date" and dtype == pl.Date:
        return raw
    if kind in ("date", "datetime") and dtype in (pl.Date, pl.Datetime):
        moments = raw.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if _zoned(dtype) else raw
        moments = moments.cast(pl.Datetime("us"))
        return moments if kind == "datetime" else _midnights(moments)
    return None


def _zoned(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Datetime) and dtype.time_zone is not None


def _canonical(raw: pl.Series) -> pl.Series:
    """Native values as the text that a contract's categories have: whole floats without a fraction."""
    if not raw.dtype.is_float():
        return raw.cast(pl.String, strict=False)
    whole = (raw.round() == raw) & (raw.abs() < 2.0**63)
    return raw.cast(pl.String).zip_with(~whole.fill_null(False), raw.cast(pl.Int64, strict=False).cast(pl.String))


def _quick(raw: pl.Series, reading: Reading) -> pl.Series | None:
    """Values that can be read in one step, without doubt, null for all others; None where there is no such step."""
    nulls = set(reading.nulls)
    match reading.column.type:
        case "float" | "int" if reading.decimal == ".":
            values = raw.cast(reading.type, strict=False)
            numbers = _meant_as_null(reading)
            if numbers:
                values = values.set(values.is_in(numbers), None)
            return _finite(values) if reading.column.type == "float" else values
        case "decimal" if reading.decimal == ".":
            values = decimals.quick(raw, reading.column.precision or 0, reading.column.scale or 0)
            return values.set(_equals_one_of(raw, nulls), None)
        case "bool":
            values = _equals_one_of(raw, set(TRUE) - nulls)
            return values.set(~(values | _equals_one_of(raw, set(FALSE) - nulls)), None)
        case "category" if reading.column.categories:
            known = _equals_one_of(raw, set(reading.column.categories) - nulls)
            return raw if known.all() else raw.set(~known, None)
        case "date" | "datetime":
            values = _moments(raw, reading.date_formats[:1], reading.column.type)
            return values.set(_equals_one_of(raw, nulls), None)
    return None


def _meant_as_null(reading: Reading) -> list[float]:
    """The numbers among the texts that mean "no value", such as -999."""
    numbers = pl.Series(reading.nulls, dtype=pl.String).cast(reading.type, strict=False).drop_nulls()
    return numbers.filter(numbers.is_finite()).to_list()


def _equals_one_of(texts: pl.Series, values: Collection[str]) -> pl.Series:
    if len(values) > 12:
        return texts.is_in(list(values))
    nothing = pl.Series([False]).new_from_index(0, len(texts))
    return functools.reduce(operator.or_, (texts == value for value in values), nothing)


def _careful(text: pl.Series, reading: Reading) -> pl.Series:
    """Read stripped texts, null where there is no value; null where a text cannot be read."""
    column = reading.column
    match column.type:
        case "float":
            return _finite(_numbers(text, reading.decimal))
        case "int":
            exact = text.cast(pl.Int64, strict=False)
            return exact.zip_with(exact.is_not_null(), _whole(_numbers(text, reading.decimal)))
        case "decimal":
            return decimals.careful(_pointed(text, reading.decimal), column.precision or 0, column.scale or 0)
        case "bool":
            lower = text.str.to_lowercase()
            values = _equals_one_of(lower, TRUE)
            return values.set(~(values | _equals_one_of(lower, FALSE)), None)
        case "category":
            return _categories(text, reading)
        case "text":
            return text
    formats = reading.date_formats
    if column.format is not None:
        return _moments(text, formats, column.type)
    text = text.str.replace("T", " ", literal=True)
    values = _moments(text, formats, column.type)
    moments = _moments(text, ISO_TIMES, "datetime")
    zoned = _zoned_moments(text) if column.type == "datetime" else moments
    return values.zip_with(values.is_not_null(), zoned if column.type == "datetime" else _midnights(moments))


def _numbers(text: pl.Series, decimal: str) -> pl.Series:
    return _pointed(text, decimal).cast(pl.Float64, strict=False)


def _pointed(text: pl.Series, decimal: str) -> pl.Series:
    """Numbers with a point as their decimal sign; null where one has a point already."""
    if decimal == ".":
        return text
    return text.set(text.str.contains(".", literal=True), None).str.replace(decimal, ".", literal=True)


def _all_finite(numbers: pl.Series) -> bool:
    """Whether no number is NaN or infinite: a sum of finite numbers is finite, or else each is looked at."""
    return math.isfinite(numbers.sum() or 0) or numbers.is_finite().all()


def _finite(numbers: pl.Series) -> pl.Series:
    return numbers if _all_finite(numbers) else numbers.set(~numbers.is_finite(), None)


def _whole(numbers: pl.Series) -> pl.Series:
    whole = (numbers.round() == numbers) & (numbers.abs() < EXACT)
    return numbers.set(~whole, None).cast(pl.Int64)


def _categories(text: pl.Series, reading: Reading) -> pl.Series:
    """Canonical texts; a text that is none of the listed ones stays as it is, for the check `values` to refuse."""
    listed = reading.column.values or ()
    if any(isinstance(value, bool) for value in listed):
        lower = text.str.to_lowercase()
        text = text.zip_with(~_equals_one_of(lower, ("true", "false")), lower)
    if any(isinstance(value, int | float) and not isinstance(value, bool) for value in listed):
        if reading.decimal != ".":
            text = text.str.replace(r"^(-?\d+),(\d+)$", "$1.$2")
        text = text.str.replace(r"^(-?\d+)\.0*$", "$1").str.replace(r"^(-?\d+\.\d*[1-9])0+$", "$1")
    return text


def _moments(text: pl.Series, formats: Sequence[str], kind: str) -> pl.Series:
    """Dates or moments in the first format that fits; null where none does."""
    values = pl.Series([None], dtype=pl.Date if kind == "date" else pl.Datetime("us")).new_from_index(0, len(text))
    for form in formats:
        found = text.str.to_date(form, strict=False) if kind == "date" else _to_moments(text, form)
        if "%Y" in form:
            early = (found.dt.year() < 1000).fill_null(False)
            found = found.set(early & ~text.str.contains(r"\d{4}"), None) if early.any() else found
        values = values.zip_with(values.is_not_null(), found)
    return values


def _to_moments(text: pl.Series, form: str) -> pl.Series:
    if "%z" in form or "%#z" in form:
        zoned = text.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
        return zoned.dt.replace_time_zone(None)
    if "%H" in form or "%I" in form or "%T" in form:
        return text.str.to_datetime(form, time_unit="us", strict=False)
    return text.str.to_date(form, strict=False).cast(pl.Datetime("us"))


def _zoned_moments(text: pl.Series) -> pl.Series:
    """ISO 8601 with a zone, in UTC."""
    return _moments(text.str.replace(r"[Zz]$", "+00:00"), ISO_ZONED, "datetime")


def _midnights(moments: pl.Series) -> pl.Series:
    """The dates of moments at midnight; null for the others."""
    dates = moments.dt.date()
    return dates.set((moments != dates.cast(pl.Datetime("us"))).fill_null(False), None)
