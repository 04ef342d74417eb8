"""How a text file is laid out as a table: delimiter, header line, names; and a check of every line."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from torneo.draft.vocabulary import ALL_NULLS
from torneo.errors import SourceError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SAMPLED = 300
RAGGED_SHOWN = 5
_NUMBER = re.compile(r"^[-+]?[\d.,\s]*\d[\d.,\s]*(?:[eE][-+]?\d+)?%?$")
_DATE = re.compile(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d{2}(?::\d{2})?.*)?$")

Row = tuple[int, list[str]]
"""A row and the line (from 1) on which it starts."""


@dataclass(frozen=True)
class Layout:
    """Where the names are and how fields are separated."""

    delimiter: str
    header_line: int
    headers: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lines:
    """What a look at every line found."""

    rows: int
    blank: int
    """Rows whose fields are all empty."""
    skipped: int
    """Lines without anything, which are no rows."""
    notes: tuple[str, ...] = ()


def rows_in(path: Path, delimiter: str, shown: Path) -> Iterator[Row]:
    """The rows of a UTF-8 file with the line each starts on; empty lines are rows without fields.

    Raises:
        SourceError: quotes are not closed, or something follows a closing quote.
    """
    start = 1
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                yield start, row
                start = reader.line_num + 1
        except csv.Error as error:
            raise SourceError(
                f"{shown}:{start}: the quotes of the row that begins here do not fit ({error})",
                fix='a " inside a quoted field is written twice, and each opening quote needs a closing one',
            ) from None


def layout_of(path: Path, shown: Path) -> Layout:
    """Find delimiter and header of a UTF-8 file; errors speak of `shown`.

    Raises:
        SourceError: no header can be found, or names are given twice.
    """
    _line_ends(path, shown)
    found = [(delimiter, _sample(path, delimiter)) for delimiter in DELIMITERS]
    delimiter, rows = max(found, key=lambda pair: _consistency(pair[1]))
    width = _width(rows)
    if width < 2:
        raise SourceError(
            f"{shown}: only one column was found; looked for {', '.join(DELIMITERS.values())} between the fields",
            fix="separate the fields with commas; a prediction needs a target and at least one other column",
        )
    titles = _titles(rows, width)
    line, header = rows[titles]
    _header_fits(shown, line, header, rows[titles + 1 :], width)
    notes = []
    if titles:
        notes.append(f"The column names are in line {line}; what is above is left out: {_brief(rows[0][1])}.")
    if delimiter != ",":
        notes.append(f"The fields are separated by {DELIMITERS[delimiter]}.")
    return Layout(delimiter, line, tuple(header), tuple(notes))


def look_at_every_line(path: Path, layout: Layout, shown: Path) -> Lines:
    """Count rows; lines without anything are no rows.

    Raises:
        SourceError: a row has more or fewer fields than there are names, or there is no row.
    """
    width = len(layout.headers)
    rows = blank = skipped = 0
    ragged: list[tuple[int, int]] = []
    for line, row in rows_in(path, layout.delimiter, shown):
        if line <= layout.header_line:
            continue
        if not row:
            skipped += 1
            continue
        rows += 1
        if not any(row):
            blank += 1
        if len(row) != width:
            ragged.append((line, len(row)))
            if len(ragged) > RAGGED_SHOWN:
                break
    if ragged:
        places = "; ".join(f"line {line} has {fields}" for line, fields in ragged[:RAGGED_SHOWN])
        more = " …" if len(ragged) > RAGGED_SHOWN else ""
        raise SourceError(
            f"{shown}: rows must have {width} fields, as the header in line {layout.header_line} has; {places}{more}",
            fix=f"put fields that contain {layout.delimiter!r} into double quotes, complete short rows, drop totals",
        )
    if rows == blank:
        raise SourceError(f"{shown} has column names but no rows", fix="give a file with rows under the names")
    return Lines(rows, blank, skipped, (f"{blank:,} row(s) have no value at all.",) if blank else ())


def _line_ends(path: Path, shown: Path) -> None:
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if b"\r" in head and b"\n" not in head:
        raise SourceError(
            f"{shown}: lines end with a carriage return alone, as on Macs before 2001",
            fix="save it with Unix or Windows line ends: tr '\\r' '\\n' < FILE > new.csv",
        )


def _sample(path: Path, delimiter: str) -> list[Row]:
    try:
        return [(line, row) for line, row in itertools.islice(rows_in(path, delimiter, path), SAMPLED) if row]
    except SourceError:
        return []


def _width(rows: Sequence[Row]) -> int:
    counts = Counter(len(row) for _, row in rows)
    return max(counts, key=lambda width: (counts[width], width), default=0)


def _consistency(rows: Sequence[Row]) -> tuple[bool, int, float, int]:
    """Whether the rows agree on a width above one, how few titles they have, their agreement, and the width."""
    width = _width(rows)
    if width < 2:
        return False, 0, 0.0, width
    titles = _titles(rows, width)
    agreeing = sum(len(row) == width for _, row in rows[titles:]) / len(rows[titles:])
    return agreeing > 0.8 or len(rows) < 5, -titles, agreeing, width


def _titles(rows: Sequence[Row], width: int) -> int:
    """How many rows stand above the header: a title fills one field, and where names are to come, not the row."""
    for index, (_, row) in enumerate(rows):
        filled = sum(bool(field.strip()) for field in row)
        if len(row) == width and (filled > 1 or width == 2):
            return index
        if filled > 1 and 2 * filled > width:
            return index
    return 0


def _header_fits(shown: Path, line: int, header: list[str], rows: Sequence[Row], width: int) -> None:
    if len(header) != width and rows:
        raise SourceError(
            f"{shown}:{line}: the header has {len(header)} names, but the rows have {width} fields",
            fix="give each column a name (tables saved with row names lack the first)",
        )
    body = [row for _, row in rows if len(row) == width]
    if _looks_like_data(header, body):
        raise SourceError(
            f"{shown}:{line}: there are no column names: the first line is data ({_brief(header)})",
            fix="put a line of column names above it",
        )
    names = Counter(name.strip() for name in header if name.strip())
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        places = [str(at + 1) for at, name in enumerate(header) if name.strip() == twice[0]]
        raise SourceError(
            f"{shown}:{line}: the name {twice[0]!r} is given to columns {', '.join(places)}",
            fix="give each column a name of its own",
        )
    if len(body) > 2 and _second_header(body):
        raise SourceError(
            f"{shown}:{rows[0][0]}: this looks like a second header line (units, or more names): {_brief(body[0])}",
            fix=f"remove line {rows[0][0]}, or join both lines into one line of names",
        )


def _is_value(text: str) -> bool:
    return bool(_NUMBER.match(text) or _DATE.match(text))


def _looks_like_data(header: list[str], body: Sequence[list[str]]) -> bool:
    """All names are numbers or dates; or some are, and others stand again in their columns."""
    names = [name.strip() for name in header]
    filled = [name for name in names if name]
    values = [name for name in filled if _is_value(name)]
    if len(values) == len(filled):
        return True
    again = any(
        name and not _is_value(name) and name in {row[at].strip() for row in body} for at, name in enumerate(names)
    )
    return bool(values) and again


def _second_header(body: Sequence[list[str]]) -> bool:
    """The first row has text in every column whose other rows are numbers or dates, and there are such columns."""
    first, rest = body[0], body[1:]
    valued = []
    for at, field in enumerate(first):
        texts = [row[at].strip() for row in rest if row[at].strip() not in ALL_NULLS]
        if len(texts) > 1 and sum(map(_is_value, texts)) > 0.9 * len(texts):
            valued.append(field.strip())
    texts = [field for field in valued if field not in ALL_NULLS]
    return bool(texts) and not any(map(_is_value, texts)) and len(texts) >= min(2, len(valued))


def _brief(row: Sequence[str]) -> str:
    text = " | ".join(field.strip() for field in row if field.strip())
    return text if len(text) <= 60 else text[:59] + "…"
