"""What one JSON value is in the type of its column, and the one text that all spellings of it share."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Callable
from typing import Any

from torneo.spec.columns import Column, Rule, canonical_text
from torneo.spec.frozen import LONGEST, shortened

LARGEST = 3.4028234663852886e38
"""The largest 32-bit float: models compute in them."""
EXACT = 2**53
"""Below this, each whole number is a float of its own."""
LARGEST_INT = 2**63 - 1
SPACE = "".join(char for char in map(chr, range(0x3001)) if char.isspace() and char not in "\x1c\x1d\x1e\x1f")
"""What Unicode calls white space, as the gate's engine does; Python adds four characters to it."""
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{0,400})?([eE][+-]?[0-9]{1,4})?")
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[T ]([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]{1,9}))?)?(?:[Zz]|([+-][0-9]{2}):?([0-9]{2})?)?)?"
)


class Unfit(Exception):  # noqa: N818 - never seen by anybody
    """A value is not of its column's type.

    Args:
        words: what is wrong, with `{}` in the value's place.
    """

    rule: Rule = "type"

    def __init__(self, words: str, value: object) -> None:
        super().__init__(words)
        self.words, self.value = words, value

    def told(self, *, hidden: bool = False) -> str:
        """The message; a value that is hidden is not in it."""
        if hidden:
            return self.words.removesuffix(", not {}").replace("{}", "the value", 1)
        return self.words.replace("{}", _shown(self.value), 1)


def told(column: Column, value: Any) -> str:
    """A value in a message, which may be logged as a warning."""
    return "the value" if column.pii else _shown(value)


def _shown(value: Any) -> str:
    """A value as people write it: dates as dates, and the rest as JSON has it, but for the quotes of texts."""
    if isinstance(value, datetime.date):
        return str(value)
    if isinstance(value, bool | list | dict):
        text = json.dumps(value, ensure_ascii=False, default=str)
        return f"{text[: LONGEST - 1]}…" if len(text) > LONGEST else text
    return shortened(value)


def canonical(column: Column) -> Callable[[Any], str]:
    """What gives the text of a value that all spellings of it share, empty for none.

    What cannot be read in the column's type keeps its own text. Numbers and booleans may also be texts, as in a command
    line or in a URL; dates are written in the column's format, or else in ISO 8601.
    """
    read = reader(column)
    parse = {"int": _number, "float": _number, "bool": _truth}.get(column.type)

    def text(value: Any) -> str:
        if type(value) is str:
            value = value.strip(SPACE)
            if not value:
                return ""
            sent = parse(value) if parse else value
        elif value is None:
            return ""
        else:
            sent = value
        if isinstance(sent, datetime.date):  # of a file
            sent = sent.strftime(column.format) if column.format else sent.isoformat()
        try:
            found = read(sent)
        except Unfit:
            return canonical_text(value).strip()
        if isinstance(found, datetime.date):
            return found.strftime(column.format) if column.format else found.isoformat()
        return canonical_text(found)

    return text


def _number(text: str) -> int | float | str:
    """The number that a text stands for, or the text."""
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _truth(text: str) -> bool | str:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)


def reader(column: Column) -> Callable[[Any], Any]:
    if column.type in ("date", "datetime"):
        return lambda value: _moment(value, column)
    if column.type == "category" and any(type(value) is not str for value in column.values or ()):
        return lambda value: _listed_category(value, column)
    return {"float": _float, "int": _int, "bool": _bool, "category": _category, "text": _category}[column.type]


def _float(value: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise Unfit("must be a number, not {}", value)
    if not abs(value) <= LARGEST:
        raise Unfit("{} is too large a number", value)
    return value


def _int(value: Any) -> int:
    number = _float(value)
    if type(number) is float and not number.is_integer():
        raise Unfit("must be a whole number, not {}", value)
    if not (abs(number) < EXACT if type(number) is float else -LARGEST_INT <= number + 1 <= LARGEST_INT + 1):
        raise Unfit("{} is too large a number", value)
    return int(number)


def _bool(value: Any) -> bool:
    if value is True or value is False:
        return value
    if type(value) in (int, float) and value in (0, 1):
        return bool(value)
    raise Unfit("must be true or false, not {}", value)


def _category(value: Any) -> str:
    if type(value) is str:
        return value.strip(SPACE)
    if type(value) is float and not math.isfinite(value):
        raise Unfit("must be a category, not {}", value)
    if type(value) in (bool, int, float):
        return canonical_text(value)
    raise Unfit("must be a text, a number or a boolean, not {}", value)


def _listed_category(value: Any, column: Column) -> str:
    """A category of a column that lists numbers or booleans: `1.0` is `1` there, and `True` is `true`, as in a file."""
    text = _category(value)
    if any(type(listed) is bool for listed in column.values or ()) and text.lower() in ("true", "false"):
        text = text.lower()
    if any(type(listed) in (int, float) for listed in column.values or ()):
        text = re.sub(r"^(-?\d+\.\d*[1-9])0+$", r"\1", re.sub(r"^(-?\d+)\.0*$", r"\1", text))
    return text


def _moment(value: Any, column: Column) -> datetime.date:
    """A date, or a moment without a zone (one with a zone is taken to UTC)."""
    form = column.format or "ISO 8601"
    if type(value) is not str:
        raise Unfit(f"must be a text with a {column.type} ({form}), not {{}}", value)
    text = value.strip(SPACE)
    try:
        moment = datetime.datetime.strptime(text, column.format) if column.format else _iso(text)
        if moment.tzinfo is not None:
            moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise Unfit(f"{{}} is no {column.type} ({form})", value) from None
    if column.type == "datetime":
        return moment
    if moment.time() != datetime.time():
        raise Unfit("{} has a time, and a date is asked for", value)
    return moment.date()


def _iso(text: str) -> datetime.datetime:
    """A moment as the gate reads it, which also takes `2026-1-5` and fractions finer than microseconds."""
    found = _ISO.fullmatch(text)
    if found is None:
        return datetime.datetime.fromisoformat(text)
    year, month, day, hour, minute, second, fraction, ahead, beside = found.groups(default="")
    zone = datetime.UTC if text[-1] in "Zz" else None
    if ahead:
        minutes = int(ahead[1:]) * 60 + int(beside or 0)
        zone = datetime.timezone(datetime.timedelta(minutes=-minutes if ahead[0] == "-" else minutes))
    clock = datetime.time(int(hour or 0), int(minute or 0), int(second or 0), int(f"{fraction:0<6}"[:6]), zone)
    return datetime.datetime.combine(datetime.date(int(year), int(month), int(day)), clock)
