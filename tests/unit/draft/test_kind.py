"""What a file is, told by its bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from torneo.draft.kind import Kind, kind_of, unpack
from torneo.errors import SourceError

Writer = Callable[..., Path]


def _zip(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            _zip("[Content_Types].xml", "xl/workbook.xml"),
            r"Excel workbook named \.csv\n  fix: .*save the sheet as CSV",
        ),
        (_zip("mimetype", "content.xml"), r"OpenDocument spreadsheet named \.csv"),
        (_zip("a.csv", "b.csv"), r"ZIP archive \(it holds a\.csv, b\.csv\)"),
        (b"PK\x03\x04 cut off", "damaged ZIP"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel workbook"),
        (b"%PDF-1.7\n1 0 obj", "PDF document"),
        (b"ARROW1\0\0", "Arrow"),
        (b"\x80\x04\x95rest", "pickle, which is never opened"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"<html><body>log in</body></html>", "web page"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b'[{"a": 1}, {"a": 2}]', "one JSON array"),
        (b'{"a": 1,\n "b": 2}', "not one object per line"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n \n", "is empty"),
        (gzip.compress(b"a,b\n1,2\n" * 50, mtime=0)[:-12], "damaged"),
    ],
)
def test_what_is_no_table_says_what_to_do(written: Writer, content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        kind_of(written(content))
    assert caught.value.fix


def test_a_database_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (a)")
    connection.close()
    with pytest.raises(SourceError, match=r"an SQLite database named \.csv\n.*sqlite:///data\.csv"):
        kind_of(path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bz2", "xz"])
def test_packed_text_is_unpacked_whatever_its_name(
    written: Writer, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    text = b"a,b\n1,2\n"
    path = written(pack(text))
    kind = kind_of(path)
    assert kind.format == "csv"
    assert kind.packed is not None
    folder = tmp_path / "plain"
    folder.mkdir()
    assert unpack(path, kind, folder).read_bytes() == text


def test_the_bytes_decide_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    pl.DataFrame({"a": [1], "b": [2]}).write_parquet(path)
    assert kind_of(path) == Kind("parquet")


@pytest.mark.parametrize(("name", "message"), [("nothing.csv", "is not there"), (".", "a folder, not a file")])
def test_a_path_that_is_no_file(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        kind_of(tmp_path / name)
