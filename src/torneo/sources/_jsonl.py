"""JSON lines: one flat object per line, every value as its text, so that `007`, `1.50` and `1` stay what they are."""

from __future__ import annotations

import codecs
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from torneo.errors import SourceError
from torneo.sources._table import check_names, with_line, writer

BATCH = 50_000
_TEXT = {True: "true", False: "false"}
_DECODER_OPTIONS: dict[str, Any] = {"parse_float": str, "parse_int": str, "parse_constant": str}


def write_jsonl(streams: Sequence[BinaryIO], name: str, target: Path) -> tuple[tuple[str, ...], int]:
    """Write JSON lines as Parquet: all columns as text (a missing key and null are null), plus `__line__`.

    Args:
        streams: the file, opened twice: keys may appear on any line, so it is read once for them.
        name: the file's name, for errors.
        target: the Parquet file.

    Returns:
        The keys in the order of their first appearance, and the number of rows.

    Raises:
        SourceError: a line is no flat object; the message has its number.
    """
    first, second = streams
    names = tuple(dict.fromkeys(key for _, row in _rows(first, name) for key in row))
    if not names:
        raise SourceError(f"{name} is empty", fix="check the export that made it")
    check_names(names, name)
    schema = with_line(pa.schema([(column, pa.string()) for column in names]))
    rows = _rows(second, name)
    with writer(target, schema) as tables:
        while batch := list(itertools.islice(rows, BATCH)):
            columns = [[row.get(column) for _, row in batch] for column in names]
            tables.write(pa.table([*columns, [line for line, _ in batch]], schema=schema))
    return names, tables.rows


def _rows(stream: BinaryIO, name: str) -> Iterator[tuple[int, dict[str, str | None]]]:
    decoder = json.JSONDecoder(object_pairs_hook=_Pairs, **_DECODER_OPTIONS)
    number = 0
    try:
        for number, line in enumerate(stream, 1):
            text = line.removeprefix(codecs.BOM_UTF8 if number == 1 else b"").decode()
            if text.strip():
                yield number, _row(decoder.decode(text), f"{name}:{number}")
    except json.JSONDecodeError as error:
        raise SourceError(f"{name}:{number}:{error.colno}: not JSON: {error.msg}", fix="one object per line") from None
    except UnicodeDecodeError as error:
        raise SourceError(f"{name}:{number}: the text is not UTF-8: {error.reason}") from None
    except RecursionError:
        raise SourceError(f"{name}:{number}: the value is nested too deeply") from None


class _Pairs(list[tuple[str, Any]]):
    """An object as it is written: keys may stand twice."""


def _row(value: Any, where: str) -> dict[str, str | None]:
    if not isinstance(value, _Pairs):
        raise SourceError(f'{where}: expected an object such as {{"a": 1}}, not {str(value)[:60]!r}')
    row = {key: _TEXT[item] if isinstance(item, bool) else item for key, item in value}
    if len(row) != len(value):
        raise SourceError(f"{where}: a key stands twice in the object", fix="rename or remove one of them")
    for key, item in row.items():
        if not (item is None or isinstance(item, str)):
            raise SourceError(
                f"{where}: {key!r} is {'an object' if isinstance(item, _Pairs) else 'a list'}, not a single value",
                fix="flatten it into keys of its own",
            )
    return row
