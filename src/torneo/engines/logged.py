"""Logged inputs as columns again: what a version's features were for the rows that it was asked about."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import polars as pl

from torneo.bundle.scorer import Scorer
from torneo.serving.inputs import Decoder

FLAGS = {"true": 1.0, "false": 0.0}


def features(scorer: Scorer, decoder: Decoder, inputs: pl.Series, hidden: Collection[str]) -> pl.DataFrame:
    """The features of logged rows, without those of columns that the log has hashed or left out.

    Args:
        inputs: JSON objects.
        hidden: the contract's columns of personal data.
    """
    if not scorer.info["uses_hook"] or set(hidden) & set(scorer.columns):
        return plain(scorer.info, inputs, hidden)
    read = decoder.decode([json.loads(text) for text in inputs])
    made = pl.DataFrame(scorer.made(scorer.typed(read.columns)))
    return made.select(each["name"] for each in scorer.info["features"] if each["name"] in made.columns)


def plain(info: Mapping[str, Any], inputs: pl.Series, hidden: Collection[str]) -> pl.DataFrame:
    """The features that are columns of the contract, as they were sent: numbers, and text of categories.

    >>> info = {"contract": {"a": {}, "b": {}}, "features": [{"name": "a", "kind": "numeric"}]}
    >>> plain(info, pl.Series(['{"a": 1, "b": 2}', '{"a": "0.5"}', "{}"]), ())["a"].to_list()
    [1.0, 0.5, None]
    """
    wanted = [each for each in info["features"] if each["name"] in info["contract"] and each["name"] not in hidden]
    if not wanted:
        return pl.DataFrame()
    texts = inputs.str.json_decode(pl.Struct({each["name"]: pl.String() for each in wanted})).struct.unnest()
    return texts.select(
        _number(each["name"]) if each["kind"] == "numeric" else _category(each["name"]) for each in wanted
    )


def _number(name: str) -> pl.Expr:
    flag = pl.col(name).replace_strict(FLAGS, default=None, return_dtype=pl.Float64())
    return pl.col(name).str.strip_chars().cast(pl.Float64, strict=False).fill_null(flag).alias(name)


def _category(name: str) -> pl.Expr:
    """Canonical text: a client may send 1.0 where the contract says 1."""
    whole = pl.col(name).str.strip_chars().str.replace(r"^(-?\d+)\.0+$", "$1")
    return pl.when(whole != "").then(whole).alias(name)
