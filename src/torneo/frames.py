"""Rows of Polars: in memory of their own, and their texts as a database holds them."""

from __future__ import annotations

from io import BytesIO

import polars as pl


def copied(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows in memory of their own.

    What a filter, a slice or each n-th row gives shares the texts, and often the numbers, of the frame it is taken
    from, and keeps all of it for as long as it lives itself.

    >>> copied(pl.DataFrame({"a": [1, 2, 3]}).filter(pl.col("a") > 1))["a"].to_list()
    [2, 3]
    """
    return pl.read_ipc(BytesIO(rows.write_ipc(None).getvalue()))


def has_any(texts: pl.Series, signs: bytes) -> bool:
    r"""Whether a text has one of the signs, all of them ASCII; many times faster than looking at each text.

    >>> has_any(pl.Series(["a", None, "b\tc"]), b"\t\n"), has_any(pl.Series(["", None]), b"\t")
    (True, False)
    """
    texts = texts.drop_nulls()
    together = texts.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()[2] if len(texts) else None
    content = b"" if together is None else together.to_pybytes()
    return any(sign in content for sign in signs)


def without_nul(texts: pl.Series) -> pl.Series:
    r"""The texts with the replacement character for NUL, which PostgreSQL cannot hold.

    >>> without_nul(pl.Series(["a\0b", None])).to_list()
    ['a�b', None]
    """
    return texts.str.replace_all("\0", "\ufffd", literal=True) if has_any(texts, b"\0") else texts
