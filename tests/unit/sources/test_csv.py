"""CSV: the text of every field, the line of every row, or an error that names the line."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torneo.errors import SourceError
from torneo.sources import _csv
from torneo.sources._csv import write_csv
from torneo.spec.source import Input


def read(data: bytes, **options: object) -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "t.parquet"
        columns, rows = write_csv(io.BytesIO(data), Input(uri="f.csv", **options), "f.csv", target)
        frame = pl.read_parquet(target)
    assert (*columns, "__line__") == tuple(frame.columns)
    assert rows == len(frame)
    return frame


def rows(data: bytes, **options: object) -> list[tuple[object, ...]]:
    return read(data, **options).rows()


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=6) | st.sampled_from(
    ["", '"', '""', ",", "a\nb", "\n\n", "x\r\ny", "\r", " 5 ", "NA", "05"]
)


@given(
    table=st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(TEXT, min_size=width, max_size=width), max_size=12)
    ),
    blanks=st.lists(st.integers(0, 2), min_size=13, max_size=13),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
    block=st.integers(1, 40),
    preamble=st.integers(0, 2),
)
@settings(deadline=None, max_examples=150)
def test_any_table_comes_back_with_its_lines(
    table: list[list[str]], blanks: list[int], end: str, last: bool, block: int, preamble: int
) -> None:
    header = [f"c{index}" for index in range(len(table[0]) if table else 1)]
    text, expected = "about this file\n" * preamble, []
    for number, row in enumerate([header, *table]):
        text += end * (blanks[number] if number else 0)
        expected.append((*row, text.count("\n") + 1))
        line = io.StringIO()
        csv.writer(line, lineterminator=end, quoting=csv.QUOTE_ALL if number else csv.QUOTE_MINIMAL).writerow(row)
        text += line.getvalue()
    data = (text if last else text.removesuffix(end)).encode()
    before, _csv.BLOCK = _csv.BLOCK, max(block, data.find(b"c0") + len(",".join(header)) + 3)
    try:
        assert rows(data, header_line=preamble + 1) == expected[1:]
    finally:
        _csv.BLOCK = before


@given(st.binary(max_size=60))
@settings(deadline=None, max_examples=200)
def test_any_bytes_are_read_like_the_standard_reader_or_refused(data: bytes) -> None:
    try:
        found = read(data)
    except SourceError:
        return
    records = [row for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True) if row]
    assert found.drop("__line__").rows() == [tuple(row) for row in records[1:]]


@given(st.text(alphabet='a",;\n\r 1é', max_size=40))
@settings(deadline=None, max_examples=400)
def test_any_punctuation_is_read_like_the_standard_reader_or_refused(text: str) -> None:
    test_any_bytes_are_read_like_the_standard_reader_or_refused.hypothesis.inner_test(text.encode())  # type: ignore[attr-defined]


def test_fields_stay_as_they_are() -> None:
    assert rows(b'a,b\n 05 ,1.50\nNA,""\n,"x""y"\n') == [(" 05 ", "1.50", 2), ("NA", "", 3), ("", 'x"y', 4)]


def test_windows_line_ends_and_no_last_line_end() -> None:
    assert rows(b"a,b\r\n1,2\r\n\r\n3,4") == [("1", "2", 2), ("3", "4", 4)]


def test_lines_before_the_header_are_left_out() -> None:
    assert rows(b'https://"x\n\na,b\n1,2\n', header_line=3) == [("1", "2", 4)]


def test_an_unnamed_header_is_named_by_its_position() -> None:
    assert read(b",a, \n1,2,3\n").columns == ["column_1", "a", "column_3", "__line__"]


def test_a_header_with_a_line_end_in_quotes() -> None:
    frame = read(b'"a\nb",c\n1,2\n')
    assert frame.columns == ["a\nb", "c", "__line__"]
    assert frame["__line__"].to_list() == [3]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "cp1252", "latin-1"])
def test_encodings_with_and_without_a_byte_order_mark(encoding: str) -> None:
    stated = "utf-8" if encoding in ("utf-8-sig", "utf-16", "utf-32") else encoding
    data = "día;año\nñ;ü\n".encode(encoding)
    assert rows(data, encoding=stated, delimiter=";") == [("ñ", "ü", 2)]


def test_other_delimiters() -> None:
    assert rows(b"a\tb\n1\t2,5\n", delimiter="\t") == [("1", "2,5", 2)]


def test_a_header_alone_has_no_rows() -> None:
    assert rows(b"a,b\n") == []


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (b"", {}, "f.csv is empty"),
        (b" \n", {}, "f.csv is empty"),
        (b"a,b\n1,2\n1\n3,4\n1,2,3\n", {}, r"header on line 1 has:\n    f.csv:3: 1 fields\n    f.csv:5: 3 fields"),
        (b'a,b\n"x\ny",2\n\n1,2,3\n', {}, "f.csv:5: 3 fields"),
        (b"a,b\n" + b"1\n" * 9, {}, "and 4 more"),
        (b'a,b\n1,5" pipe\n', {}, r"f.csv:2: a quote"),
        (b'a,b\n1,2\n1,"x" y\n', {}, r"f.csv:3: a quote"),
        (b'a,b\n1,2\n1,"never\nends\n', {}, r"f.csv:3: a quoted field begins here and never ends"),
        (b"a,b\n1,2\n1,\0\n", {}, r"f.csv:3: there is a NUL"),
        (b"a,b\r1,2\r", {}, "f.csv:1: a carriage return stands without a line feed"),
        (b"a,b\n1,x\ry\n", {}, r"f.csv:2: a carriage return"),
        (b"a,b\n1,2\n1,\xf1\n", {}, r"f.csv:3: the byte 0xF1 is not UTF-8(.|\n)*fix: set `encoding`"),
        (b"a,a,b,b,c\n1,2,3,4,5\n", {}, r"f.csv:1: 2 header\(s\) occur more than once: 'a', 'b'"),
        (b",column_1\n1,2\n", {}, "occur more than once: 'column_1'"),
        (b"a,__line__\n1,2\n", {}, "'__line__' is Torneo's own"),
        (b"a;b\n1;2\n", {}, r"does not separate the header 'a;b'\n  fix: set `delimiter: \";\"`"),
        (b"a\tb\n1\t2\n", {}, r"set `delimiter: \"\\t\"`"),
        (b"a,b\n1,2\n", {"header_line": 5}, "fewer lines than `header_line: 5`"),
        (b"\n\na,b\n", {"header_line": 2}, r"f.csv:2: the header is blank"),
        (b"a,b\n", {"encoding": "utf-9"}, "no text encoding 'utf-9'"),
        (b"a,b\n", {"encoding": "base64"}, "no text encoding 'base64'"),
        (b"a,b\n1,\x81\n", {"encoding": "cp1252"}, "the text is not cp1252"),
        (b"a,b\n", {"delimiter": "§"}, "'§' cannot separate fields"),
        (b"a,b\n", {"delimiter": '"'}, "cannot separate fields"),
    ],
)
def test_what_cannot_be_read_in_one_way_is_refused(data: bytes, options: dict[str, object], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(data, **options)


def test_a_quote_that_never_ends_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_csv, "BLOCK", 100)
    monkeypatch.setattr(_csv, "LONGEST", 1000)
    with pytest.raises(SourceError, match=r"f.csv:3: a quoted field begins here"):
        read(b'a,b\n1,2\n1,"' + b"x,y\n" * 1000)


def test_row_groups_and_bytes_do_not_depend_on_how_the_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"a,b\n" + b"".join(b"%d,%d\n" % (index, index % 7) for index in range(260_000))
    made = []
    for block in (1 << 20, 32 << 20):
        monkeypatch.setattr(_csv, "BLOCK", block)
        write_csv(io.BytesIO(data), Input(uri="f.csv"), "f.csv", tmp_path / "t.parquet")
        made.append((tmp_path / "t.parquet").read_bytes())
    assert made[0] == made[1]
    assert pl.read_parquet(tmp_path / "t.parquet")["__line__"].to_list() == list(range(2, 260_002))
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_nothing_is_left_behind_by_a_file_that_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="fields"):
        write_csv(io.BytesIO(b"a,b\n1\n"), Input(uri="f.csv"), "f.csv", tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []
