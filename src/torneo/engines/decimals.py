"""Texts to decimals, exactly: never through a float, never rounded."""

from __future__ import annotations

import decimal
import re

import polars as pl

PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?", re.ASCII)
DIGITS = decimal.Context(prec=200, traps=[decimal.Inexact])


def quick(text: pl.Series, precision: int, scale: int) -> pl.Series:
    """The decimals of texts with no more digits after the point than fit; null for all others."""
    fits = text.str.contains(rf"^-?[0-9]+(?:\.[0-9]{{0,{scale}}})?$")
    values = text.cast(pl.Decimal(precision, scale), strict=False)
    return values if fits.all() else values.set(~fits, None)


def careful(text: pl.Series, precision: int, scale: int) -> pl.Series:
    """The decimals of stripped texts, also with an exponent or needless zeros; null where one does not fit."""
    values = quick(text, precision, scale)
    rest = (values.is_null() & text.is_not_null()).arg_true()
    if rest.is_empty():
        return values
    few = [_exact(value, precision, scale) for value in text.gather(rest)]
    return values.scatter(rest, pl.Series(few, dtype=pl.Decimal(precision, scale)))


def _exact(text: str, precision: int, scale: int) -> decimal.Decimal | None:
    if len(text) > DIGITS.prec or PLAIN.fullmatch(text) is None:
        return None
    value = decimal.Decimal(text)
    if value == 0:
        return decimal.Decimal(0).scaleb(-scale)
    if value.adjusted() >= precision - scale or value.adjusted() < -scale:
        return None
    try:
        return value.quantize(decimal.Decimal(1).scaleb(-scale), context=DIGITS)
    except decimal.Inexact:
        return None


def from_units(units: pl.Series, precision: int, scale: int) -> pl.Series:
    """Decimals from whole numbers (Int128) of 10^-scale; null where one has more digits than `precision`."""
    fits = units.abs() < pl.Series([10**precision], dtype=pl.Int128) if precision < pl.Decimal().precision else None
    if fits is not None and not fits.all():
        units = units.set(~fits.fill_null(value=True), None)
    whole = units.cast(pl.Decimal(38, 0))
    if scale == 0:
        return whole.cast(pl.Decimal(precision, 0))
    smallest = pl.lit(decimal.Decimal(1).scaleb(-scale))
    return pl.select(whole.cast(pl.Decimal(38, scale)) * smallest).to_series().cast(pl.Decimal(precision, scale))
