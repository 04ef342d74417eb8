"""Where the records of CSV bytes begin and end (RFC 4180), found with a few passes over whole arrays.

A parser that guesses at a stray quote or fills a short row with nothing misreads in silence. This scan finds both,
with their lines, before anything is parsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from torneo.errors import SourceError

QUOTE, NEWLINE, RETURN = 34, 10, 13
Positions = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Records:
    """The records that end within some bytes; all arrays have one item per record, blank lines left out."""

    data: bytes
    """The bytes of the records, without blank lines."""
    size: int
    """How many of the given bytes were used."""
    newlines: int
    """How many line ends these bytes have."""
    lines: Positions
    """The line on which each record begins, counted from 0 at the beginning of the bytes."""
    fields: Positions
    """How many fields each record has."""
    starts: Positions
    """Where each record begins in the given bytes."""
    longest: int
    """The length of the longest record."""
    multiline: bool
    """Whether a field contains a line end."""


def scan(block: bytes, delimiter: int, where: str, line: int, *, final: bool) -> Records:
    """Find the records in bytes that begin where a record begins.

    Args:
        block: the bytes; if `final`, the last record need not end with a line end.
        delimiter: the code of the character between fields.
        where: the file's name, for errors.
        line: the number of the first line, for errors.
        final: whether nothing follows.

    Raises:
        SourceError: a quote, a NUL or a carriage return stands where it cannot; the message has its line.
    """
    if final and block and block[-1] != NEWLINE:
        block += b"\n"
    codes = np.frombuffer(block, np.uint8)
    newlines = np.flatnonzero(codes == NEWLINE)
    quotes = np.flatnonzero(codes == QUOTE) if b'"' in block else np.empty(0, np.int64)
    _check_quotes(codes, quotes, delimiter, where, line, final=final)
    _check_controls(block, codes, quotes, where, line)
    ends = newlines[_outside(newlines, quotes)]
    if len(ends) == 0:
        empty = np.empty(0, np.int64)
        return Records(b"", 0, 0, empty, empty, empty, 0, False)
    size = int(ends[-1]) + 1
    delimiters = np.flatnonzero(codes[:size] == delimiter)
    delimiters = delimiters[_outside(delimiters, quotes)]
    starts = np.concatenate(([0], ends[:-1] + 1))
    fields = np.diff(np.searchsorted(delimiters, ends), prepend=0) + 1
    lines = np.searchsorted(newlines, starts)
    lengths = ends - starts
    blank = (lengths == 0) | ((lengths == 1) & (codes[starts] == RETURN))
    used = int(np.searchsorted(newlines, size))
    data = block[:size]
    if blank.any():
        keep = np.ones(size, bool)
        keep[starts[blank]] = False
        keep[ends[blank]] = False
        data = codes[:size][keep].tobytes()
        lines, fields, starts = lines[~blank], fields[~blank], starts[~blank]
    return Records(data, size, used, lines, fields, starts, int(lengths.max()), used != len(ends))


def _outside(positions: Positions, quotes: Positions) -> Positions:
    """Which positions stand outside quoted fields, as indices."""
    if len(quotes) == 0:
        return np.arange(len(positions))
    return np.flatnonzero(np.searchsorted(quotes, positions) % 2 == 0)


def _line_at(codes: np.ndarray[Any, np.dtype[np.uint8]], position: int, line: int) -> int:
    return line + int(np.count_nonzero(codes[:position] == NEWLINE))


def _check_quotes(
    codes: np.ndarray[Any, np.dtype[np.uint8]], quotes: Positions, delimiter: int, where: str, line: int, *, final: bool
) -> None:
    """A field is quoted as a whole or not at all; quotes within it are doubled."""
    if len(quotes) == 0:
        return
    opening, closing = quotes[::2], quotes[1::2]
    before = codes[np.maximum(opening - 1, 0)]
    bad = opening[~(np.isin(before, (delimiter, NEWLINE, QUOTE)) | (opening == 0))]
    inner = closing[closing < len(codes) - 1]
    wrong = inner[~np.isin(codes[inner + 1], (delimiter, NEWLINE, RETURN, QUOTE))]
    places = np.sort(np.concatenate((bad, wrong)))
    if len(places):
        raise SourceError(
            f'{where}:{_line_at(codes, int(places[0]), line)}: a quote (") stands inside a field that is not quoted, '
            "or text follows a closing quote",
            fix='put the whole field in quotes and double those within it: "12"" pipe"',
        )
    if final and len(quotes) % 2:
        raise unclosed(codes, quotes, where, line)


def unclosed(codes: np.ndarray[Any, np.dtype[np.uint8]], quotes: Positions, where: str, line: int) -> SourceError:
    """The error for a quoted field that has no end."""
    place = _line_at(codes, int(quotes[-1]), line)
    return SourceError(f'{where}:{place}: a quoted field begins here and never ends (a " is missing)')


def _check_controls(
    block: bytes, codes: np.ndarray[Any, np.dtype[np.uint8]], quotes: Positions, where: str, line: int
) -> None:
    nul = block.find(b"\0")
    if nul >= 0:
        raise SourceError(
            f"{where}:{_line_at(codes, nul, line)}: there is a NUL byte, which text files do not have",
            fix="if the file is UTF-16 without a byte order mark, set `encoding: utf-16-le`; else export it again",
        )
    if b"\r" not in block:
        return
    returns = np.flatnonzero(codes[:-1] == RETURN)
    alone = returns[codes[returns + 1] != NEWLINE]
    alone = alone[_outside(alone, quotes)]
    if len(alone):
        raise SourceError(
            f"{where}:{_line_at(codes, int(alone[0]), line)}: a carriage return stands without a line feed",
            fix="convert the file's line ends to LF or CRLF, or quote the field that contains it",
        )
