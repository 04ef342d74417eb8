"""Delimiters and headers are found, or the line is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from torneo.draft.layout import Layout, layout_of, look_at_every_line
from torneo.errors import SourceError

Writer = Callable[..., Path]


def _layout(path: Path) -> Layout:
    return layout_of(path, path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(written: Writer, delimiter: str) -> None:
    rows = [["name", "x", "y"], ["a", "1", "2"], ["b", "3", "4"]]
    layout = _layout(written("\n".join(delimiter.join(row) for row in rows)))
    assert (layout.delimiter, layout.header_line, layout.headers) == (delimiter, 1, ("name", "x", "y"))


@pytest.mark.parametrize(
    ("text", "delimiter", "line", "headers"),
    [
        ("a;b;c\n1,5;2,5;3,5\n4,5;5,5;6,5\n" + "7,5;8,5;9,5\n" * 9, ";", 1, ("a", "b", "c")),
        ("city,note\nLima,x\nQuito,y\n", ",", 1, ("city", "note")),
        ("https://example.org\na,b\n1,2\n3,4\n", ",", 2, ("a", "b")),
        ("Report 2022\n\nMade by hand\na,b,c\n1,2,3\n4,5,6\n", ",", 4, ("a", "b", "c")),
        ("Report,,\na,b,c\n1,2,3\n4,5,6\n", ",", 2, ("a", "b", "c")),
        (",b\n0,x\n1,y\n", ",", 1, ("", "b")),
        ("a,b,\n1,2,\n3,4,\n", ",", 1, ("a", "b", "")),
        ('a,b\n"x, y","1"\n"z;w;v","2"\n', ",", 1, ("a", "b")),
        ('a,"b\nc"\n1,"2\n3"\n4,5\n', ",", 1, ("a", "b\nc")),
        ("country,2010,2011\nPeru,1,2\nChile,3,4\n", ",", 1, ("country", "2010", "2011")),
    ],
)
def test_the_header_is_found(written: Writer, text: str, delimiter: str, line: int, headers: tuple[str, ...]) -> None:
    layout = _layout(written(text))
    assert (layout.delimiter, layout.header_line, layout.headers) == (delimiter, line, headers)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3\n4,5,6\n", r"data\.csv:1: there are no column names"),
        ("Male,19,1000\nFemale,20,2000\nMale,30,3000\n", r"data\.csv:1: there are no column names"),
        ("2022-01-01,5\n2022-01-02,6\n", "there are no column names"),
        ("a,b,a\n1,2,3\n", r"the name 'a' is given to columns 1, 3"),
        ("x,y,z\nm,kg,s\n1,2,3\n4,5,6\n7,8,9\n", r"data\.csv:2: this looks like a second header line .*m \| kg \| s"),
        ("A,,B,\nx,y,z,w\n1,2,3,4\n5,6,7,8\n9,1,2,3\n", r"data\.csv:2: this looks like a second header line"),
        ("b,c,d\nr1,1,2,3\nr2,4,5,6\n", r"the header has 3 names, but the rows have 4 fields"),
        ("one\n1\n2\n", "only one column was found"),
        ("a b c\n1 2 3\n4 5 6\n", "only one column was found"),
        ("a,b\r1,2\r3,4\r", "carriage return alone"),
    ],
)
def test_an_odd_header_is_an_error_with_its_line(written: Writer, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        _layout(written(text))
    assert caught.value.fix


@pytest.mark.parametrize("first", ["?,NA,", ",,"])
def test_a_first_row_without_values_is_no_second_header(written: Writer, first: str) -> None:
    assert _layout(written(f"a,b,c\n{first}\n1,2,3\n4,5,6\n7,8,9\n")).header_line == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n", "rows must have 2 fields, .*; line 3 has 1"),
        ("a,b\n1,2\n" + "3,4,5\n" * 9, "line 3 has 3; line 4 has 3; .* …"),
        ('a,b\n1,2\n3,"4\n5,6\n', r"data\.csv:3: the quotes of the row that begins here do not fit"),
        ('a,b\n1,"2"x\n', r"data\.csv:2: the quotes"),
        ("a,b\n", "column names but no rows"),
        ("a,b\n,\n,\n", "column names but no rows"),
    ],
)
def test_every_line_is_looked_at(written: Writer, text: str, message: str) -> None:
    path = written(text)
    with pytest.raises(SourceError, match=message):
        look_at_every_line(path, Layout(",", 1, ("a", "b")), path)


def test_rows_without_values_are_counted_apart_from_lines_without_anything(written: Writer) -> None:
    path = written("a,b\n1,2\n\n,\n3,4\n\n")
    lines = look_at_every_line(path, Layout(",", 1, ("a", "b")), path)
    assert (lines.rows, lines.blank) == (3, 1)
