"""From a column as it came to values that can be counted: by the contract's types, or by what most values are.

Nothing is refused here: a value that cannot be read is counted and shown, for the gate decides about it.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from torneo.reports.profile_records import Kind
from torneo.spec.columns import TEMPORAL, Column
from torneo.spec.source import NULLS

TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")
MOSTLY = 0.95
"""The share of texts that must be numbers (dates) for a column to be one of them; all, if few texts differ."""
LOOKED_AT = 20_000
FEW = 50
"""The most different values of a text column that is taken for a category."""
EXAMPLES = 3
ISO = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")


@dataclass(frozen=True)
class Typed:
    """One column's values: Float64 (numbers; moments as microseconds) or String; null where there is none."""

    kind: Kind
    values: pl.Series
    missing: int
    unreadable: int = 0
    examples: tuple[str, ...] = ()


def typed(raw: pl.Series, column: Column | None, nulls: tuple[str, ...] = NULLS, decimal: str = ".") -> Typed:
    """Read a column by its contract, or guess where it has none.

    >>> typed(pl.Series(["1", " 2.5", "NA", "x"]), Column(type="float"))
    Typed(kind='number', values=..., missing=1, unreadable=1, examples=('x',))
    """
    if raw.dtype.is_nested() or raw.dtype in (pl.Binary, pl.Object):
        return Typed("nested", pl.Series([], dtype=pl.String), raw.null_count())
    if raw.dtype.is_float():
        raw = raw.fill_nan(None)
    if raw.null_count() == len(raw):
        return Typed("empty", pl.Series([], dtype=pl.String), len(raw))
    native = _native(raw, column)
    if native is not None:
        return native
    kept = {value for value in column.values or () if isinstance(value, str)} if column else set()
    text = _text(raw)
    text = text.set(text.is_in([null for null in nulls if null not in kept]), None)
    if text.null_count() == len(text):
        return Typed("empty", text, len(text))
    return _read(text, _kind(text, column, decimal), column, decimal)


def _native(raw: pl.Series, column: Column | None) -> Typed | None:
    """Values that are of their type already; None where they have to be read as text."""
    wanted = None if column is None else column.type
    if raw.dtype.is_numeric() and wanted in (None, "float", "int", "decimal"):
        return _counted("number", raw, raw.cast(pl.Float64))
    if raw.dtype in (pl.Date, pl.Datetime) and (wanted is None or wanted in TEMPORAL):
        return _counted("time", raw, _microseconds(raw))
    return None


def _text(raw: pl.Series) -> pl.Series:
    """Values as stripped text; whole numbers without a fraction."""
    if raw.dtype.is_float():
        whole = raw.drop_nulls()
        if (whole == whole.floor()).all() and (whole.abs() < 2.0**53).all():
            return raw.cast(pl.Int64).cast(pl.String)
    return raw.cast(pl.String, strict=False).str.strip_chars()


def _kind(text: pl.Series, column: Column | None, decimal: str) -> Kind:
    if column is not None:
        match column.type:
            case "float" | "int" | "decimal":
                return "number"
            case "date" | "datetime":
                return "time"
            case "text":
                return "text"
        return "category"
    some = text.drop_nulls().head(LOOKED_AT)
    distinct = some.n_unique()
    few = distinct <= FEW and 2 * distinct <= len(some)
    least = len(some) if few else MOSTLY * len(some)
    if _numbers(some, decimal).count() >= least:
        return "number"
    if _moments(some, None).count() >= least:
        return "time"
    return "category" if few else "text"


def _read(text: pl.Series, kind: Kind, column: Column | None, decimal: str) -> Typed:
    if kind == "number":
        return _counted(kind, text, _numbers(text, decimal))
    if kind == "time":
        return _counted(kind, text, _moments(text, None if column is None else column.format))
    if column is not None and column.type == "bool":
        lower = text.str.to_lowercase()
        known = lower.is_in([*TRUE, *FALSE])
        values = lower.is_in(list(TRUE)).cast(pl.String).set(~known.fill_null(value=False), None)
        return _counted(kind, text, values)
    listed = [] if column is None else list(column.values or ())
    if any(isinstance(value, int | float) and not isinstance(value, bool) for value in listed):
        text = text.str.replace(r"^(-?\d+)\.0*$", "$1")
    return _counted(kind, text, text)


def _numbers(text: pl.Series, decimal: str) -> pl.Series:
    if decimal != ".":
        text = text.set(text.str.contains(".", literal=True), None).str.replace(decimal, ".", literal=True)
    return text.cast(pl.Float64, strict=False)


def _moments(text: pl.Series, form: str | None) -> pl.Series:
    """Microseconds since 1970 of the first format that fits each text."""
    found = pl.Series([None], dtype=pl.Datetime("us")).new_from_index(0, len(text))
    if form is None:
        text = text.str.replace("T", " ", literal=True).str.replace(r"(?:Z|[+-]\d\d:?\d\d)$", "")
    for each in ISO if form is None else (form.replace(".%f", "%.f"),):
        if found.null_count() == text.null_count():
            break
        timed = any(part in each for part in ("%H", "%I", "%T"))
        read = text.str.to_datetime(each, time_unit="us", strict=False, exact=True) if timed else None
        values = text.str.to_date(each, strict=False).cast(pl.Datetime("us")) if read is None else read
        found = found.zip_with(found.is_not_null(), values)
    return _microseconds(found)


def _microseconds(moments: pl.Series) -> pl.Series:
    moments = moments.cast(pl.Datetime("us", getattr(moments.dtype, "time_zone", None)))
    return moments.to_physical().cast(pl.Float64)


def _counted(kind: Kind, raw: pl.Series, values: pl.Series) -> Typed:
    """Values, with what was there and could not be read."""
    if values.dtype.is_float():
        values = values.set(~values.is_finite(), None)
    missing = raw.null_count()
    unreadable = values.null_count() - missing
    examples: tuple[str, ...] = ()
    if unreadable:
        bad = raw.filter(values.is_null() & raw.is_not_null()).cast(pl.String)
        examples = tuple(bad.head(LOOKED_AT).unique(maintain_order=True).head(EXAMPLES).to_list())
    return Typed(kind, values, missing, unreadable, examples)
