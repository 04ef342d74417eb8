"""Texts of a request, read as those of a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import polars as pl

from torneo.engines.parse import Reading, read
from torneo.spec.columns import TEMPORAL, Column


def read_texts(
    columns: Mapping[str, Column], nulls: Collection[str], texts: Mapping[str, Sequence[str]]
) -> Mapping[str, Sequence[Any]]:
    """Values as JSON would have them, by column: None is none, and what cannot be read stays the text that it is.

    Args:
        columns: the contract's; others' texts are left alone.
        nulls: the texts that mean "no value".
        texts: by column; numbers have a decimal point.

    >>> age = Column(type="int", nullable=True)
    >>> read_texts({"age": age}, ["NA"], {"age": ["31", " 5.0", "NA", "old", "1_0"]})
    {'age': [31, 5, None, 'old', '1_0']}
    """
    return {name: _values(columns[name], nulls, each) if name in columns else each for name, each in texts.items()}


def _values(column: Column, nulls: Collection[str], texts: Sequence[str]) -> list[Any]:
    values, present = read(pl.Series(texts, dtype=pl.String), Reading.of(column, nulls))
    # dates are texts in JSON, too
    known: Sequence[Any] = texts if column.type in TEMPORAL else values.to_list()
    return [
        None if not there else text if value is None else value
        for value, there, text in zip(known, present.to_list(), texts, strict=True)
    ]
