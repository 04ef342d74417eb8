"""`values`: the value is one of a list."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence

import narwhals as nw

from torneo.spec.columns import NUMERIC, Column, canonical_text

FEW = 12
"""Up to this many values, comparing with each is faster than looking up a hash (measured on short texts)."""


def rule(value: nw.Expr, argument: Sequence[bool | int | float | str], column: Column) -> nw.Expr:
    """Whether the value is one of `argument`, compared as the column's type does; null where there is no value.

    >>> import polars as pl
    >>> frame = nw.from_native(pl.DataFrame({"CHAS": ["0", "1", "05", None]}))
    >>> frame.select(rule(nw.col("CHAS"), (0, 1), Column(type="category")))["CHAS"].to_list()
    [True, True, False, None]
    """
    allowed = [float(one) for one in argument] if column.type in NUMERIC else [canonical_text(one) for one in argument]
    if 0 < len(allowed) <= FEW:
        return functools.reduce(operator.or_, (value == one for one in allowed))
    return nw.when(~value.is_null()).then(value.is_in(allowed))
