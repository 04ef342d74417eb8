"""Text in other encodings is read right, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from torneo.draft.encoding import encoding_of, utf8_copy
from torneo.errors import SourceError

Writer = Callable[..., Path]
TEXT = "nombre,año\nMuñoz,1\nGarcía,2\nÁlvarez Núñez,3\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp850"]
)
def test_the_text_is_the_same_in_every_encoding(written: Writer, tmp_path: Path, encoding: str) -> None:
    path = written(TEXT, encoding=encoding)
    found, note = encoding_of(path)
    assert utf8_copy(path, found, tmp_path).read_text(encoding="utf-8-sig") == TEXT
    assert (note is not None) == (encoding in ("utf-16-le", "utf-16-be", "cp1252", "cp850"))


def test_the_note_shows_where_to_look(written: Writer) -> None:
    found, note = encoding_of(written(TEXT, encoding="latin-1"))
    assert found == "cp1252"
    assert "line 1: año" in str(note)


def test_mac_roman_is_told_from_windows(written: Writer) -> None:
    assert encoding_of(written(TEXT, encoding="mac-roman"))[0] == "mac-roman"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "\u0433\u043e\u0440\u043e\u0434,x\n\u041a\u0430,1\n".encode("cp1251"),
            "cannot be told",
        ),
        ("都市,値段\n東京,1\n大阪,2\n".encode("shift-jis"), "cannot be told"),
        ("a,b\nñandú,1\nmañana,2\nseñor,3\n".encode() + b"\xf1,4\n", r"data\.csv:5: the file is UTF-8, but a byte"),
        (b"a,b\n1,2\n3,\x004\n", r"data\.csv:3: a zero byte"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], "the file says it is utf-16, but is damaged"),
    ],
)
def test_what_cannot_be_read_in_one_way_is_refused(written: Writer, content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        encoding_of(written(content))


def test_a_high_byte_after_the_first_megabyte_is_seen(written: Writer) -> None:
    path = written(b"a,b\n" + b"1,2\n" * 400_000 + "niño,2\n".encode("cp1252"))
    assert encoding_of(path)[0] == "cp1252"
    assert "line 400002" in str(encoding_of(path)[1])
