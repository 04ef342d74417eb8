"""In which encoding a text file is written, decided by evidence over the whole file."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from pathlib import Path

from torneo.errors import SourceError

CHUNK = 1 << 20
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMMON = frozenset("áéíóúñüöäàèçãõßÁÉÍÓÚÑÜÖÄÀÈÇâêôåøæ")
_WESTERN = _COMMON | frozenset(
    "ìòùîûëïœÂÊÎÔÛÃÕÅÆØ°ºª€£§¿¡«»…·²³½\u2013\u2014\u2018\u2019\u201c\u201d"  # dashes and curly quotes
)
_CANDIDATES = ("cp1252", "latin-1", "cp850", "mac-roman")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")


def encoding_of(path: Path) -> tuple[str, str | None]:
    """The encoding of a text file as Python names it, and a note where it had to be guessed.

    Raises:
        SourceError: the file is binary or damaged, or the evidence does not decide.
    """
    with path.open("rb") as file:
        head = file.read(CHUNK)
    for mark, name in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            _decodes(path, name)
            return name, None
    if (wide := _wide(head)) is not None:
        _decodes(path, wide)
        return wide, f"The file has no byte order mark, but every other byte is zero: it is read as {wide}."
    _no_zero_bytes(path)
    place = _first_invalid(path, "utf-8")
    if place is None:
        return "utf-8", None
    return _eight_bit(path, place)


def utf8_copy(path: Path, encoding: str, folder: Path) -> Path:
    """The text in UTF-8, in a folder."""
    copy = folder / f"{path.name}.utf8"
    with path.open(encoding=encoding, newline="") as source, copy.open("w", encoding="utf-8", newline="") as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)
    return copy


def _wide(head: bytes) -> str | None:
    zeros = head[0::2].count(0), head[1::2].count(0)
    half = max(len(head) // 2, 1)
    if zeros[1] > 0.4 * half and zeros[0] < 0.05 * half:
        return "utf-16-le"
    if zeros[0] > 0.4 * half and zeros[1] < 0.05 * half:
        return "utf-16-be"
    return None


def _no_zero_bytes(path: Path) -> None:
    line = 1
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if (at := chunk.find(b"\0")) >= 0:
                line += chunk.count(b"\n", 0, at)
                raise SourceError(
                    f"{path}:{line}: a zero byte: the file is damaged, or is not text", fix="fetch or export it again"
                )
            line += chunk.count(b"\n")


def _first_invalid(path: Path, encoding: str) -> int | None:
    """The line of the first byte that the encoding does not have, or None."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return line + error.object.count(b"\n", 0, error.start)
            if not chunk:
                return None
            line += chunk.count(b"\n")


def _decodes(path: Path, encoding: str) -> None:
    if (line := _first_invalid(path, encoding)) is not None:
        raise SourceError(f"{path}:{line}: the file says it is {encoding}, but is damaged here", fix="export it again")


def _eight_bit(path: Path, line: int) -> tuple[str, str]:
    """Weigh the lines that have bytes above 127."""
    sample = _high_lines(path)
    multibyte = _MULTIBYTE.sub(b"", sample)
    invalid, valid = len(_HIGH.findall(multibyte)), len(_MULTIBYTE.findall(sample))
    if valid > 2 * invalid:
        raise SourceError(
            f"{path}:{line}: the file is UTF-8, but a byte here is not: parts have another encoding, or are damaged",
            fix="export it again as UTF-8, or mend that line",
        )
    scores = {name: _scores(sample, name) for name in _CANDIDATES}
    best = max(_CANDIDATES, key=lambda name: sum(scores[name]))
    if scores[best][0] < 0.7 or _foreign_words(sample.decode(best, errors="replace")):
        raise SourceError(
            f"{path}:{line}: the text is not UTF-8, and which encoding it has cannot be told from it",
            fix="save it as UTF-8 where it was made, or: iconv -f ENCODING -t UTF-8 FILE > new.csv",
        )
    shown = _example(sample.decode(best))
    return best, f"The text is not UTF-8; it is read as {best} (see line {line}{shown}). If accents look wrong, say so."


def _high_lines(path: Path, limit: int = 200_000) -> bytes:
    kept, size = [], 0
    with path.open("rb") as file:
        for text in file:
            if not text.isascii():
                kept.append(text[:4096])
                size += len(kept[-1])
                if size > limit:
                    break
    return b"".join(kept)


def _scores(sample: bytes, encoding: str) -> tuple[float, float]:
    """The shares of characters above 127 that Western European languages use, and use often."""
    try:
        high = Counter(character for character in sample.decode(encoding) if ord(character) > 127)
    except UnicodeDecodeError:
        return 0.0, 0.0
    western, common = (sum(n for sign, n in high.items() if sign in known) for known in (_WESTERN, _COMMON))
    return western / max(high.total(), 1), common / max(high.total(), 1)


def _foreign_words(text: str) -> bool:
    """Whether words are made of accents mostly, as Cyrillic or Chinese looks in a Western encoding."""
    words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii() and len(word) > 2]
    accents = sum(not character.isascii() for word in words for character in word)
    return accents > 0.55 * max(sum(map(len, words)), 1)


def _example(text: str) -> str:
    words = [word for word in re.findall(r"\w+", text) if not word.isascii() and len(word) > 1]
    return f": {words[0][:30]}" if words else ""
