"""Left joins: the columns of other tables are added to each row; no row is lost, doubled or moved."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from torneo.errors import SourceError
from torneo.sources._records import Extract
from torneo.sources._table import ROW_GROUP
from torneo.spec.records import LINE

_KEY = "\N{INFORMATION SEPARATOR ONE}key{}"  # no header of a file is named so


@dataclass(frozen=True)
class Right:
    """A table that is joined."""

    path: Path
    extract: Extract
    on: tuple[str, ...]


def join(left: Path, extract: Extract, rights: Sequence[Right], target: Path) -> tuple[tuple[str, ...], list[int]]:
    """Add the tables' columns to each row of the left table, in its order.

    Keys are compared as text without spaces around it; an empty key has no partner.

    Args:
        left: the Parquet extract whose rows are kept, with its `__line__`.
        extract: what it is.
        rights: the tables, each unique by its keys.
        target: the Parquet file to write; the left table is streamed, the others are held in memory.

    Returns:
        The headers, and for each right table the number of left rows that have no partner in it.

    Raises:
        SourceError: a key column is missing, keys occur twice, column names collide, or no row has a partner.
    """
    frame = pl.scan_parquet(left)
    names = list(extract.columns)
    unmatched = []
    for right in rights:
        added = [name for name in right.extract.columns if name not in right.on]
        _check_columns(names, extract.file, right, added)
        table = _keyed(pl.scan_parquet(right.path).select(*right.extract.columns, LINE), right.on)
        _check_unique(table, right)
        keys = [_KEY.format(index) for index in range(len(right.on))]
        frame = _keyed(frame, right.on)
        unmatched.append(_count_unmatched(frame, table, keys, extract, right))
        frame = frame.join(table.select(*keys, *added), on=keys, how="left", maintain_order="left").drop(keys)
        names += added
    part = target.with_name(target.name + ".part")
    frame.select(*names, LINE).sink_parquet(part, row_group_size=ROW_GROUP, engine="streaming")
    part.replace(target)
    return tuple(names), unmatched


def _keyed(frame: pl.LazyFrame, on: Sequence[str]) -> pl.LazyFrame:
    schema = frame.collect_schema()
    return frame.with_columns(_key_text(schema, name).alias(_KEY.format(i)) for i, name in enumerate(on))


def _key_text(schema: pl.Schema, name: str) -> pl.Expr:
    """A key column as text without spaces around it, whole numbers without a fraction, null where it is empty."""
    column = pl.col(name)
    text = column.cast(pl.String).str.strip_chars()
    if schema[name].is_float():
        whole = (column.round(0) == column) & (column.abs() < 2**53)
        text = pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(text)
    return pl.when(text != "").then(text)


def _check_columns(names: Sequence[str], file: str, right: Right, added: Sequence[str]) -> None:
    for where, there in ((file, names), (right.extract.file, right.extract.columns)):
        for name in right.on:
            if name not in there:
                near = difflib.get_close_matches(name, there, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise SourceError(
                    f"join of {right.extract.file}: {where} has no column {name!r}{hint}",
                    fix=f"`on` must name headers of both tables; {where} has: {', '.join(there[:20])}",
                )
    both = [name for name in added if name in names]
    if both:
        raise SourceError(
            f"join of {right.extract.file}: {len(both)} column(s) exist on both sides: {', '.join(both[:10])}",
            fix="add them to `on` if they are keys, else rename them in one of the files",
        )


def _check_unique(table: pl.LazyFrame, right: Right) -> None:
    keys = [_KEY.format(index) for index in range(len(right.on))]
    double = (
        table.drop_nulls(keys)
        .group_by(keys)
        .agg(pl.col(LINE).sort().head(2), pl.len().alias("rows"))
        .filter(pl.col("rows") > 1)
        .sort(pl.col(LINE).list.first())
        .collect()
    )
    if len(double):
        examples = [
            f"{dict(zip(right.on, row[:-2], strict=True))} on lines {row[-2][0]} and {row[-2][1]}"
            for row in double.head(3).rows()
        ]
        raise SourceError(
            f"join of {right.extract.file}: {len(double)} key(s) occur more than once, which would double rows: "
            + "; ".join(examples)[:500],
            fix="remove the doubles, or add a column to `on` that tells them apart",
        )


def _count_unmatched(frame: pl.LazyFrame, table: pl.LazyFrame, keys: list[str], extract: Extract, right: Right) -> int:
    lonely = frame.select(keys).join(table.select(keys), on=keys, how="anti")
    count = int(lonely.select(pl.len()).collect(engine="streaming").item())
    if count == extract.rows:
        ours, theirs = (part.select(keys).head(1).collect().rows() for part in (frame, table))
        raise SourceError(
            f"join of {right.extract.file}: no row has a partner by {', '.join(right.on)}; "
            f"{extract.file} begins with {ours[0]}, {right.extract.file} with {theirs[0] if theirs else 'nothing'}"[
                :500
            ],
            fix="look at how both files write the key",
        )
    return count
