"""`length`: the text has between so many and so many characters."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from torneo.errors import GateError
from torneo.spec.columns import Column


def rule(value: nw.Expr, argument: int | Sequence[int], column: Column) -> nw.Expr:
    """Whether the text has `argument` characters: one number, or the least and the most.

    >>> import polars as pl
    >>> frame = nw.from_native(pl.DataFrame({"code": ["ab", "abcd", "é"]}))
    >>> frame.select(rule(nw.col("code"), (1, 2), Column(type="text")))["code"].to_list()
    [True, False, True]
    """
    if column.type not in ("text", "category"):
        raise GateError(f"length has no meaning for type {column.type}")
    bounds = (argument, argument) if isinstance(argument, int) else tuple(argument)
    if len(bounds) != 2 or not all(isinstance(bound, int) for bound in bounds):
        raise GateError(f"length takes a number of characters, or two such as [1, 20], not {argument!r}")
    least, most = bounds
    size = value.str.len_chars()
    return (size >= least) & (size <= most)
