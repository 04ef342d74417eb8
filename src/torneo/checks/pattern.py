"""`pattern`: the whole text matches a regular expression."""

from __future__ import annotations

import narwhals as nw

from torneo.spec.columns import Column


def rule(value: nw.Expr, argument: str, column: Column) -> nw.Expr:  # noqa: ARG001
    r"""Whether the whole text, not a part of it, matches `argument`; null where there is no text.

    >>> import polars as pl
    >>> frame = nw.from_native(pl.DataFrame({"zip": ["8001", "80010", "8001\n"]}))
    >>> frame.select(rule(nw.col("zip"), r"\d{4}", Column(type="text")))["zip"].to_list()
    [True, False, False]
    """
    return value.str.contains(rf"\A(?:{argument})\z")
