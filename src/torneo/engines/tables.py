"""Tables written piece by piece for people: Parquet or CSV, there whole or not at all."""

from __future__ import annotations

import codecs
import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow.parquet as pq

from torneo.errors import ConflictError

FORMATS = (".parquet", ".csv")
Write = Callable[[pl.DataFrame], None]


def check_target(path: Path) -> None:
    """Refuse a file that no table can be written to.

    Raises:
        ConflictError: its name says neither Parquet nor CSV, or its folder is not there.
    """
    if path.suffix.lower() not in FORMATS:
        fix = f"let it end in {' or '.join(FORMATS)}"
        raise ConflictError(f"the name {str(path)!r} does not say the format", fix=fix)
    if not path.parent.is_dir():
        raise ConflictError(f"there is no folder {path.parent}", fix="make it first")


@contextmanager
def table_writer(
    target: Path | BinaryIO, schema: pl.Schema, *, separator: str = ",", marked: bool = False
) -> Iterator[Write]:
    """Gives what writes frames of a schema one after the other to a file, or as CSV to a stream.

    Args:
        target: the file, whose name says the format; it appears when the block has ended well.
        schema: the columns of all frames.
        separator: what separates the fields of CSV.
        marked: whether CSV begins with the mark that says UTF-8.
    """
    if not isinstance(target, Path):
        with _csv(target, schema, separator, marked=False) as write:
            yield write
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            parquet = target.suffix.lower() == ".parquet"
            with _parquet(file, schema) if parquet else _csv(file, schema, separator, marked=marked) as write:
                yield write
        part.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()


@contextmanager
def _parquet(file: BinaryIO, schema: pl.Schema) -> Iterator[Write]:
    oldest = pl.CompatLevel.oldest()
    arrow = pl.DataFrame(schema=schema).to_arrow(compat_level=oldest).schema
    with pq.ParquetWriter(file, arrow, compression="zstd") as writer:
        yield lambda frame: writer.write_table(frame.to_arrow(compat_level=oldest))


@contextmanager
def _csv(file: BinaryIO, schema: pl.Schema, separator: str, *, marked: bool) -> Iterator[Write]:
    if marked:
        file.write(codecs.BOM_UTF8)
    pl.DataFrame(schema=schema).write_csv(file, separator=separator)
    yield lambda frame: frame.write_csv(file, separator=separator, include_header=False)
