"""CSV files of any size, every field as the text it is."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv

from torneo.errors import SourceError
from torneo.sources._csv_scan import QUOTE, Records, scan, unclosed
from torneo.sources._table import check_names, with_line, writer
from torneo.spec.source import Input

BLOCK = 32 << 20
"""How many bytes are parsed at once."""
LONGEST = 64 << 20
"""The longest record that is believed; a quote that is never closed would else swallow the whole file."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Header:
    """The column names and what follows them."""

    names: tuple[str, ...]
    line: int
    """The line on which the names stand."""
    next_line: int
    rest: bytes


def write_csv(stream: BinaryIO, input: Input, name: str, target: Path) -> tuple[tuple[str, ...], int]:  # noqa: A002
    """Write a CSV stream as Parquet: all columns as text, plus `__line__`.

    Blank lines are no rows. An empty field is the empty text.

    Args:
        stream: the bytes of the file, uncompressed.
        input: how it is written.
        name: the file's name, for errors.
        target: the Parquet file.

    Returns:
        The headers (an unnamed one is `column_N`, N from 1) and the number of rows.

    Raises:
        SourceError: the text cannot be read in one way only; the message has the line.
    """
    delimiter = _delimiter(input, name)
    blocks = _blocks(stream, input.encoding, name)
    header = _header(next(blocks, b""), input, name)
    check_names(header.names, f"{name}:{header.line}")
    schema = with_line(pa.schema([(column, pa.string()) for column in header.names]))
    with writer(target, schema) as tables:
        for records, line in _records(header, blocks, delimiter, name):
            _check_fields(records, header, name, line)
            tables.write(_parse(records, header.names, input.delimiter, name, line))
    return header.names, tables.rows


def _delimiter(input: Input, name: str) -> int:  # noqa: A002
    if not input.delimiter.isascii() or input.delimiter in '"\r\n':
        raise SourceError(f"{name}: {input.delimiter!r} cannot separate fields", fix="set `delimiter` to , ; | or \\t")
    return ord(input.delimiter)


def _blocks(stream: BinaryIO, encoding: str, name: str) -> Iterator[bytes]:
    """The text as UTF-8, in pieces."""
    first = stream.read(BLOCK)
    mark, known = next(((mark, known) for mark, known in _MARKS if first.startswith(mark)), (b"", encoding))
    try:
        "".encode(known)
        codec = codecs.lookup(known)
    except LookupError:
        raise SourceError(
            f"{name}: there is no text encoding {encoding!r}", fix="set `encoding` to utf-8, cp1252, latin-1, utf-16 …"
        ) from None
    plain = codec.name in ("utf-8", "utf-8-sig", "ascii")
    decoder = codecs.getincrementaldecoder(known)()
    block, line = first[len(mark) :], 1
    while block:
        following = stream.read(BLOCK)
        if plain:
            yield block
        else:
            try:
                text = decoder.decode(block, final=not following)
            except UnicodeDecodeError as error:
                raise SourceError(
                    f"{name}: after line {line}: the text is not {known}: {error.reason}", fix="set `encoding` right"
                ) from None
            line += text.count("\n")
            yield text.encode()
        block = following


def _header(block: bytes, input: Input, name: str) -> Header:  # noqa: A002
    if not block.strip():
        raise SourceError(f"{name} is empty", fix="check the export that made it")
    start = 0
    for _ in range(input.header_line - 1):
        start = block.find(b"\n", start) + 1
        if start == 0:
            raise SourceError(f"{name} has fewer lines than `header_line: {input.header_line}`")
    rest = block[start:]
    size = _record_end(rest)
    scan(rest[:size], ord(input.delimiter), name, input.header_line, final=True)
    text = _decode(rest[:size], name, input.header_line).rstrip("\r\n")
    if not text.strip():
        raise SourceError(f"{name}:{input.header_line}: the header is blank", fix="set `header_line` to its line")
    try:
        fields = next(csv.reader([text], delimiter=input.delimiter, strict=True))
    except csv.Error as error:
        raise SourceError(f"{name}:{input.header_line}: the header cannot be read: {error}") from None
    others = [sign for sign in ",;\t|" if sign in text]
    if len(fields) == 1 and others and "delimiter" not in input.model_fields_set:
        raise SourceError(
            f"{name}:{input.header_line}: {input.delimiter!r} does not separate the header {text[:80]!r}",
            fix=f'set `delimiter: "{others[0]}"`'.replace("\t", "\\t"),
        )
    names = tuple(field if field.strip() else f"column_{number}" for number, field in enumerate(fields, 1))
    return Header(names, input.header_line, input.header_line + max(rest[:size].count(b"\n"), 1), rest[size:])


def _record_end(text: bytes) -> int:
    end = text.find(b"\n")
    while end >= 0 and text.count(b'"', 0, end) % 2:
        end = text.find(b"\n", end + 1)
    return len(text) if end < 0 else end + 1


def _decode(data: bytes, name: str, line: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        at = line + data.count(b"\n", 0, error.start)
        raise SourceError(
            f"{name}:{at}: the byte 0x{data[error.start]:02X} is not UTF-8",
            fix="set `encoding`: files of Windows programs are often cp1252, old ones latin-1",
        ) from None


def _records(header: Header, blocks: Iterator[bytes], delimiter: int, name: str) -> Iterator[tuple[Records, int]]:
    """The records with the number of the line on which each batch begins."""
    waiting, line = header.rest, header.next_line
    while True:
        following = next(blocks, None)
        records = scan(waiting, delimiter, name, line, final=following is None)
        if not records.data.isascii():
            _decode(waiting[: records.size], name, line)
        if len(records.lines):
            yield records, line
        line += records.newlines
        if following is None:
            return
        waiting = waiting[records.size :]
        if len(waiting) > LONGEST:
            codes = np.frombuffer(waiting, np.uint8)
            quotes = np.flatnonzero(codes == QUOTE)
            if len(quotes):
                raise unclosed(codes, quotes, name, line)
            raise SourceError(f"{name}:{line}: the line is longer than {LONGEST >> 20} MiB; this is not a CSV file")
        waiting += following


def _check_fields(records: Records, header: Header, name: str, line: int) -> None:
    bad = np.flatnonzero(records.fields != len(header.names))
    if len(bad) == 0:
        return
    first = [f"{name}:{line + int(records.lines[index])}: {int(records.fields[index])} fields" for index in bad[:5]]
    more = f"\n    … and {len(bad) - 5} more in this part of the file" if len(bad) > 5 else ""
    raise SourceError(
        f"{name}: rows must have {len(header.names)} fields, as the header on line {header.line} has:\n    "
        + "\n    ".join(first)
        + more,
        fix="quote fields that contain the delimiter, complete short rows, or set `delimiter` and `header_line`",
    )


def _parse(records: Records, names: tuple[str, ...], delimiter: str, name: str, line: int) -> pa.Table:
    size = len(records.data)
    block = size + 1 if records.multiline or records.longest > 1 << 20 else 4 << 20
    table = pyarrow.csv.read_csv(
        pa.BufferReader(records.data),
        read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=block),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=records.multiline, ignore_empty_lines=False
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={column: pa.string() for column in names}, strings_can_be_null=False, check_utf8=False
        ),
    )
    if table.num_rows != len(records.lines):
        raise SourceError(
            f"{name}: from line {line}: {len(records.lines)} rows were counted but {table.num_rows} parsed",
            fix="report this file: Torneo refuses to guess",
        )
    return table.append_column("__line__", pa.array(records.lines + line))
