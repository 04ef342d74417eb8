"""A file on this machine, whatever its format and compression, as a Parquet extract."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Literal, cast

from torneo.errors import SourceError, UnavailableError
from torneo.sources._csv import write_csv
from torneo.sources._jsonl import write_jsonl
from torneo.sources._parquet import write_parquet
from torneo.sources._records import Extract
from torneo.spec.records import file_digest
from torneo.spec.source import Input

Format = Literal["csv", "parquet", "jsonl"]
_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".data": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
_FOREIGN = (
    (b"PK\x03\x04", "a spreadsheet (xlsx) or another zip archive", "save the sheet as CSV (UTF-8), or unpack it"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet (xls)", "save the sheet as CSV (UTF-8)"),
    (b"%PDF", "a PDF document", "export the table as CSV"),
    (b"SQLite format 3\0", "a SQLite database", "use `uri: sqlite:///PATH` with a `query`"),
    (b"<!doctype html", "a web page", "it may be a login or error page: look at it, and download the file itself"),
    (b"<html", "a web page", "it may be a login or error page: look at it, and download the file itself"),
)


def check_pin(digest: str, input: Input, name: str) -> None:  # noqa: A002
    """Refuse a file that is not the one the project names.

    Raises:
        SourceError: the digest differs from `sha256`; the message has both.
    """
    if input.sha256 is not None and digest != input.sha256:
        raise SourceError(
            f"{name} is not the file that the project was written for:\n"
            f"    sha256 expected {input.sha256}\n    sha256 found    {digest}",
            fix="get the right file, or set `sha256` to the new digest after looking at what has changed",
        )


def extract_file(path: Path, input: Input, name: str, target: Path) -> Extract:  # noqa: A002
    """Write a file's columns as they came, plus `__line__`.

    Args:
        path: where the bytes are.
        input: the format and how text is written.
        name: the file's own name, which decides the format where `input` does not.
        target: the Parquet file to write.

    Raises:
        SourceError: the file is another one than pinned, of another kind than named, or cannot be read.
        UnavailableError: the file changed while it was read.
    """
    before = path.stat()
    digest = file_digest(path)
    check_pin(digest, input, name)
    columns, rows = _write(path, input, name, target)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        target.unlink(missing_ok=True)
        raise UnavailableError(f"{name} changed while it was read", fix="run again once it is written completely")
    return Extract(rows=rows, columns=columns, fingerprint=digest, file=name)


def format_of(input: Input, name: str) -> Format:  # noqa: A002
    """The format that the input states, or that the name says.

    Raises:
        SourceError: the name says none.
    """
    if input.format is not None:
        return input.format
    path = Path(name.lower())
    suffix = Path(path.stem).suffix if path.suffix in _COMPRESSED else path.suffix
    if suffix in (".xlsx", ".xls", ".ods", ".xlsm"):
        raise SourceError(f"{name} is a spreadsheet", fix="save the sheet as CSV (UTF-8)")
    if suffix not in _FORMATS:
        raise SourceError(
            f"the name {name!r} does not say the file's format", fix="set `format` to csv, parquet or jsonl"
        )
    return _FORMATS[suffix]


def _write(path: Path, input: Input, name: str, target: Path) -> tuple[tuple[str, ...], int]:  # noqa: A002
    kind = format_of(input, name)
    if kind == "parquet":
        return write_parquet(path, name, target)
    try:
        with ExitStack() as opened:
            if kind == "csv":
                return write_csv(opened.enter_context(open_text(path, name)), input, name, target)
            return write_jsonl([opened.enter_context(open_text(path, name)) for _ in range(2)], name, target)
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise SourceError(f"{name}: the compressed file is damaged or cut off: {error}", fix="get it again") from None


def open_text(path: Path, name: str) -> BinaryIO:
    """The bytes of a text file, decompressed by what they are, not by the file's name."""
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"\x1f\x8b"):
        return cast("BinaryIO", gzip.open(path, "rb"))
    if start.startswith(b"BZh"):
        return cast("BinaryIO", bz2.open(path, "rb"))
    if start.startswith(b"\xfd7zXZ"):
        return cast("BinaryIO", lzma.open(path, "rb"))
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return _open_zstd(path)
    if start.startswith(b"PAR1"):
        raise SourceError(f"{name} is a Parquet file", fix="set `format: parquet`")
    for mark, kind, fix in _FOREIGN:
        if start.lower().startswith(mark.lower()):
            raise SourceError(f"{name} is {kind}, not text", fix=fix)
    return path.open("rb")


def _open_zstd(path: Path) -> BinaryIO:
    import pyarrow as pa

    return cast("BinaryIO", pa.input_stream(str(path), compression="zstd"))
