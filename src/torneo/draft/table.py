"""The data as a table of text, read lazily, whatever file it is in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from torneo.draft.encoding import encoding_of, utf8_copy
from torneo.draft.kind import Format, kind_of, unpack
from torneo.draft.layout import Layout, layout_of, look_at_every_line
from torneo.errors import SourceError
from torneo.spec.records import LINE, REASONS

INDEX = "__index__"
BATCH_CELLS = 2_000_000
_SCALARS = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Date, pl.Datetime, pl.Decimal, pl.Time, pl.Null)


@dataclass(frozen=True)
class TextTable:
    """A data file as a lazy frame of text; names are those that the contract will use."""

    frame: pl.LazyFrame
    names: tuple[str, ...]
    rows: int
    blank: int = 0
    format: Format = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    header_line: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    """Name in the source, where it differs."""
    native: bool = False
    """Whether the file itself types its columns, so that encoding and decimal sign have no meaning."""
    notes: tuple[str, ...] = ()

    def batches(self, names: tuple[str, ...] | None = None) -> Iterator[pl.DataFrame]:
        """The rows in order, a bounded number at a time, with `__index__`; empty lines are left out."""
        frame = self.frame if names is None else self.frame.select(names)
        size = max(1_000, BATCH_CELLS // len(names or self.names))
        offset = 0
        for batch in frame.collect_batches(chunk_size=size, maintain_order=True):
            stripped = batch.with_columns(pl.all().str.strip_chars())
            yield stripped.with_columns(pl.int_range(offset, offset + batch.height, dtype=pl.Int64).alias(INDEX))
            offset += batch.height


def text_table(path: Path, folder: Path) -> TextTable:
    """Open a file; `folder` is a place for temporary copies (gzip, other encodings).

    Raises:
        SourceError: it cannot be read as a table; the message says what it is and what to do.
    """
    kind = kind_of(path)
    plain = unpack(path, kind, folder) if kind.packed else path
    if kind.format == "csv":
        return _csv(plain, path, folder)
    return _typed(plain, path, kind.format)


def _csv(path: Path, shown: Path, folder: Path) -> TextTable:
    encoding, note = encoding_of(path)
    text = path if encoding == "utf-8" else utf8_copy(path, encoding, folder)
    layout = layout_of(text, shown)
    lines = look_at_every_line(text, layout, shown)
    raw = tuple(f"{INDEX}{index}" for index in range(len(layout.headers)))
    unnamed = [at for at, header in enumerate(layout.headers) if not header.strip()]
    empty = {at for at in unnamed if not _filled(_scan(text, layout, raw), raw[at])}
    names = _names(layout.headers, empty, shown)
    frame = _scan(text, layout, tuple(names.get(at, raw[at]) for at in range(len(raw))))
    if lines.blank or lines.skipped:
        frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    return TextTable(
        frame=frame.select(*names.values()) if empty else frame,
        names=tuple(names.values()),
        rows=lines.rows - lines.blank,
        blank=lines.blank,
        encoding=encoding,
        delimiter=layout.delimiter,
        header_line=layout.header_line,
        headers={
            name: layout.headers[at]
            for at, name in names.items()
            if layout.headers[at].strip() and layout.headers[at] != name
        },
        notes=tuple(filter(None, (note, *layout.notes, *lines.notes))),
    )


def _scan(text: Path, layout: Layout, names: tuple[str, ...]) -> pl.LazyFrame:
    return pl.scan_csv(
        text,
        has_header=False,
        skip_lines=layout.header_line + sum(header.count("\n") for header in layout.headers),
        separator=layout.delimiter,
        schema=dict.fromkeys(names, pl.String),
        infer_schema=False,
        glob=False,
    )


def _filled(frame: pl.LazyFrame, name: str) -> bool:
    return bool(frame.select((pl.col(name).str.strip_chars() != "").any()).collect(engine="streaming").item())


def _names(headers: tuple[str, ...], empty: set[int], shown: Path) -> dict[int, str]:
    """The contract's names by position; a column without a name is `column_N`, and left out if it is empty."""
    names = {}
    for at, header in enumerate(headers):
        if header in (LINE, REASONS, INDEX):
            raise SourceError(f"{shown}: the column name {header} is Torneo's own", fix="rename the column")
        if header.strip():
            names[at] = re.sub(r"\s+", " ", header).strip()
        elif at not in empty:
            names[at] = f"column_{at + 1}"
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        raise SourceError(f"{shown}: several columns are named {twice[0]!r}", fix="give each column a name of its own")
    return names


def _typed(path: Path, shown: Path, form: Format) -> TextTable:
    try:
        frame = (
            pl.scan_parquet(path, glob=False) if form == "parquet" else pl.scan_ndjson(path, infer_schema_length=None)
        )
        schema = frame.collect_schema()
        rows = int(frame.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{shown}: the file is damaged ({str(error)[:200]})", fix="write it again") from None
    if rows == 0:
        raise SourceError(f"{shown} has columns but no rows", fix="give a file with rows")
    for name, dtype in schema.items():
        if not (dtype.is_numeric() or dtype in _SCALARS):
            raise SourceError(
                f"{shown}: column {name!r} has type {str(dtype)[:80]}, which is no single value",
                fix="leave it out of the file, or write it as columns of its own",
            )
    if len(schema) < 2:
        raise SourceError(
            f"{shown} has one column only", fix="a prediction needs a target and at least one other column"
        )
    names = _names(tuple(schema), set(), shown)
    headers = dict(zip(names.values(), schema, strict=True))
    return TextTable(
        frame=frame.select(_text(header, schema[header]).alias(name) for name, header in headers.items()),
        names=tuple(headers),
        rows=rows,
        format=form,
        headers={name: header for name, header in headers.items() if name != header},
        native=form == "parquet",
    )


def _text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if dtype == pl.Boolean:
        return pl.when(column).then(pl.lit("true")).when(~column).then(pl.lit("false"))
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if dtype.is_float():
        column = column.fill_nan(None)
        whole = (column.round() == column) & (column.abs() < 2.0**53)
        return (
            pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(column.cast(pl.String))
        )
    return column.cast(pl.String)
