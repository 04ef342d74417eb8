"""A CSV file of refused rows that a person has corrected."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

from torneo.errors import SourceError
from torneo.sources._csv import write_csv
from torneo.sources._local import open_text
from torneo.spec.records import LINE, REASONS
from torneo.spec.source import Input, Source

SHOWN = 5
_ALIASES = {LINE: "line as Torneo has it", REASONS: "reasons as Torneo has them"}
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_corrected(file: Path, source: Source, headers: Collection[str]) -> pa.Table:
    """The file's rows as text, with `__line__` where it has that column; an empty line is none.

    It may be what `torneo quarantine export` wrote, or any CSV file with the source's columns: UTF-8, UTF-16 or the
    source's own encoding, with commas, semicolons, tabs or bars.

    Args:
        file: the corrected rows.
        source: whose rows they are.
        headers: the source's columns, by which the delimiter is found.

    Raises:
        SourceError: there is no such file, it cannot be read in one way only, or a line is no number or there twice.
    """
    if file.is_dir():
        raise SourceError(f"{file} is a folder", fix="name the CSV file with the corrected rows")
    if not file.is_file():
        raise SourceError(f"there is no file {file}", fix="torneo quarantine export writes one to correct")
    with open_text(file, file.name) as stream:
        text = _decoded(stream.read(), source.encoding, file.name)
    head, end, rest = text.partition("\n")
    delimiter = max(",;\t|", key=lambda sign: len({*headers, LINE, REASONS}.intersection(_fields(head, sign))))
    for name, alias in _ALIASES.items():
        head = head.replace(name, alias)
    with TemporaryDirectory() as folder:
        target = Path(folder) / "rows.parquet"
        stream = io.BytesIO((head + end + rest).encode())
        write_csv(stream, Input(uri=file.name, delimiter=delimiter), file.name, target)
        table = pq.read_table(target)
    if not table.num_rows:
        raise SourceError(f"{file.name} has columns but no rows", fix="give the rows that are to be loaded")
    return _with_lines(table, file.name)


def _decoded(data: bytes, encoding: str, name: str) -> str:
    found = "utf-16" if data.startswith(_MARKS) else "utf-8-sig"
    for known in (found, encoding):
        with suppress(UnicodeDecodeError):
            return data.decode(known)
    first = "UTF-16" if found == "utf-16" else "UTF-8"
    same = codecs.lookup(encoding).name.removesuffix("-sig") == first.lower()
    told = f"not {first}" if same else f"neither {first} nor {encoding}"
    raise SourceError(f"{name}: the text is {told}", fix="save it as CSV (UTF-8)")


def _fields(head: str, delimiter: str) -> list[str]:
    return next(csv.reader([head.rstrip("\r")], delimiter=delimiter), [])


def _with_lines(table: pa.Table, name: str) -> pa.Table:
    """The text columns, and the lines that the rows name in their source."""
    places = table.column(LINE).to_pylist()
    table = table.drop_columns([LINE, *({_ALIASES[REASONS]} & set(table.column_names))])
    if _ALIASES[LINE] not in table.column_names:
        return table
    lines: list[int | None] = []
    for place, text in zip(places, table.column(_ALIASES[LINE]).to_pylist(), strict=True):
        if not (text == "" or (text.isascii() and text.removeprefix("-").isdigit())):
            raise SourceError(
                f"{name}:{place}: {LINE} is {text[:40]!r}, which is no line of the source",
                fix="leave that column as `torneo quarantine export` wrote it, or empty for a row that is new",
            )
        lines.append(int(text) if text else None)
    double = sorted(line for line, count in Counter(lines).items() if line is not None and count > 1)[:SHOWN]
    if double:
        raise SourceError(
            f"{name}: more than one row corrects line {', '.join(map(str, double))}", fix="leave one row of each line"
        )
    return table.drop_columns([_ALIASES[LINE]]).append_column(LINE, pa.array(lines, pa.int64()))
