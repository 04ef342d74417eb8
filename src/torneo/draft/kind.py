"""What a file really is, told by its first bytes rather than by its name."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

from torneo.errors import SourceError

Format = Literal["csv", "parquet", "jsonl"]

HEAD = 65_536
_SAVE_AS_CSV = "open it there and save the sheet as CSV (UTF-8)"
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (or another Office file)", _SAVE_AS_CSV),
    (b"%PDF", "a PDF document", "export the table from where the PDF was made, as CSV"),
    (
        b"SQLite format 3\x00",
        "an SQLite database",
        "export the table as CSV, or declare `source: {uri: sqlite:///FILE, query: SELECT …}` by hand",
    ),
    (b"ARROW1", "an Arrow (Feather) file", "save it as Parquet: polars.read_ipc(FILE).write_parquet(…)"),
    (b"ORC", "an ORC file", "save it as Parquet"),
    (b"Obj\x01", "an Avro file", "save it as Parquet"),
    (b"\x89HDF", "an HDF5 file", "save the table in it as Parquet or CSV"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it, and draft the file that is in it"),
    (b"Rar!", "a RAR archive", "unpack it, and draft the file that is in it"),
    (b"\x89PNG", "a picture (PNG)", "give a table of values"),
    (b"\xff\xd8\xff", "a picture (JPEG)", "give a table of values"),
    (b"\x80\x04\x95", "a Python pickle, which is never opened because it can run code", "save the table as Parquet"),
)


_PACKERS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_DAMAGED = (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError, OSError)


@dataclass(frozen=True)
class Kind:
    """The format of a file, and how it is packed."""

    format: Format
    packed: str | None = None


def kind_of(path: Path) -> Kind:
    """Recognise a file.

    Raises:
        SourceError: there is no such file, it is empty, or it is something that cannot be read as a table of text.
    """
    if not path.is_file():
        what = "a folder, not a file" if path.is_dir() else "not there"
        raise SourceError(f"{path} is {what}", fix="give the path of a CSV, Parquet or JSON lines file")
    with path.open("rb") as file:
        head = file.read(HEAD)
    packed = next((name for magic, name in _PACKERS.items() if head.startswith(magic)), None)
    if packed is not None:
        head = _unpacked_head(path, packed)
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        raise SourceError(f"{path} is empty", fix="give a file with a line of column names and rows under it")
    return Kind(_format_of(path, head), packed)


def unpack(path: Path, kind: Kind, folder: Path) -> Path:
    """Unpack a compressed file into a folder.

    Raises:
        SourceError: it is damaged.
    """
    plain = folder / path.stem
    try:
        with _open(path, kind.packed) as packed, plain.open("wb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
    except _DAMAGED as error:
        raise SourceError(f"{path}: the compressed file is damaged ({error})", fix="fetch it again") from None
    return plain


def _open(path: Path, packed: str | None) -> BinaryIO:
    if packed == "zstd":
        import pyarrow

        return cast("BinaryIO", pyarrow.input_stream(str(path), compression="zstd"))
    openers: dict[str | None, Callable[[Path], object]] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    return cast("BinaryIO", openers[packed](path))


def _unpacked_head(path: Path, packed: str) -> bytes:
    try:
        with _open(path, packed) as file:
            return file.read(HEAD)
    except _DAMAGED as error:
        raise SourceError(f"{path}: the compressed file is damaged ({error})", fix="fetch it again") from None


def _format_of(path: Path, head: bytes) -> Format:
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        what, fix = _inside_zip(path)
        raise SourceError(f"{path} is {what}{_named(path)}", fix=fix)
    for magic, what, fix in _FOREIGN:
        if head.startswith(magic):
            raise SourceError(f"{path} is {what}{_named(path)}", fix=fix.replace("FILE", path.name))
    return _text_format(path, head)


def _named(path: Path) -> str:
    return f" named {path.suffix}" if path.suffix else ""


def _inside_zip(path: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return "a damaged ZIP archive", "fetch it again"
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook", _SAVE_AS_CSV
    if "mimetype" in names and "content.xml" in names:
        return "an OpenDocument spreadsheet", _SAVE_AS_CSV
    held = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    return f"a ZIP archive (it holds {held})", "unpack it, and draft the file that is in it"


def _text_format(path: Path, head: bytes) -> Format:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    lower = start[:200].lower()
    if lower.startswith((b"<!doctype html", b"<html")):
        raise SourceError(
            f"{path} is a web page, not a table", fix="download the file itself; often this is a log-in or error page"
        )
    if lower.startswith(b"<?xml"):
        raise SourceError(f"{path} is XML{_named(path)}", fix=_SAVE_AS_CSV)
    if lower.startswith(b"{\\rtf"):
        raise SourceError(f"{path} is a rich text document", fix="save the table as CSV")
    if start.startswith(b"version https://git-lfs"):
        raise SourceError(f"{path} is a Git LFS pointer, not the data", fix="git lfs pull")
    if start.startswith(b"{"):
        return _json_lines(path, start)
    if start.startswith(b"[") and start[1:].lstrip().startswith(b"{"):
        raise SourceError(
            f"{path} is one JSON array", fix="write an object per line (JSON lines): jq -c '.[]' FILE > data.jsonl"
        )
    return "csv"


def _json_lines(path: Path, start: bytes) -> Format:
    line = start.split(b"\n", 1)[0]
    try:
        json.loads(line)
    except ValueError:
        if b"\n" in start:
            raise SourceError(
                f"{path} is JSON, but not one object per line", fix="write JSON lines: jq -c . FILE > data.jsonl"
            ) from None
    return "jsonl"
