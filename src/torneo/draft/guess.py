"""The type and the domain of one column, concluded from its facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from torneo.draft.dates import Dates
from torneo.draft.facts import Facts
from torneo.draft.vocabulary import CERTAIN_NULLS, may_be_negative, names_an_entity
from torneo.spec.columns import ColumnType

LISTED_VALUES = 20
MOST_CATEGORIES = 50
CORRUPT_SHARE = 0.01
ODD_SHARE = 0.03
"""Up to such a share, texts that look like typing errors of a class are refused rather than learned."""
ENOUGH_ROWS = 100
"""Below so many rows nothing is concluded from what is rare."""
EXACT = 2.0**53
_SIGNED = re.compile(r"^[-+]?\s*[$€£¥₹]?\s*[-+]?\d[\d.,'\s]*\s*(?:[$€£¥₹%]|[A-Za-z°]{1,4}\.?)?$")


@dataclass(frozen=True)
class Guess:
    """What the contract will say of a column, and why."""

    name: str
    type: ColumnType
    nullable: bool = False
    values: tuple[int | str, ...] | None = None
    format: str | None = None
    min: int | None = None
    header: str | None = None
    """The name in the source, where it differs."""
    feature: bool = True
    remark: str = ""
    """What stands behind the column as a comment."""
    notes: tuple[str, ...] = ()
    refused: int = 0
    """How many rows the gate will refuse because of this column."""
    nulls: tuple[str, ...] = ()
    """Texts, besides the usual ones, that mean "no value" here."""

    @property
    def usable(self) -> bool:
        """Whether a model reads the column."""
        return self.feature and self.type not in ("text", "date", "datetime")


def guess(facts: Facts, dates: Dates | None) -> Guess:
    """Conclude the type of a column."""
    if facts.present == 0:
        return Guess(facts.name, "text", nullable=True, remark="no values at all")
    if dates is not None and _tolerable(dates.unread, facts):
        return _dated(facts, dates)
    if facts.numbers and _tolerable(facts.unreadable, facts) and not _is_code(facts):
        return _number(facts)
    return _words(facts)


def with_blanks(column: Guess, facts: Facts, nulls: frozenset[str]) -> Guess:
    """The guess once all extra texts for "no value" of the table are known, since they hold for all its columns."""
    listed = {value for value in column.values or () if isinstance(value, str)}
    lost = sum(count for text, count in facts.blanks.items() if text in nulls and text not in listed)
    return replace(column, nullable=column.nullable or lost > 0)


def _tolerable(bad: int, facts: Facts) -> bool:
    return bad == 0 or (facts.rows >= ENOUGH_ROWS and bad <= CORRUPT_SHARE * facts.present)


def _is_code(facts: Facts) -> bool:
    """Whether the numbers are names: 02134 is no quantity, nor is a number too long to compute with."""
    return facts.zero_led > CORRUPT_SHARE * facts.numbers or (
        max(abs(facts.low), abs(facts.high)) >= EXACT and facts.pointed == 0 and facts.longest <= 40
    )


def _dated(facts: Facts, dates: Dates) -> Guess:
    notes = []
    if dates.ambiguous:
        notes.append(
            f"{facts.name}: day and month could be the other way round; it is read as {dates.format}. "
            "Correct `format` if that is wrong."
        )
    if dates.unread:
        notes.append(f"{facts.name}: {dates.unread:,} value(s) are no such date, and the gate will refuse these rows.")
    return Guess(
        facts.name,
        dates.type,
        nullable=facts.missing > 0,
        format=dates.format,
        remark=f"{dates.first} to {dates.last}" + _missing(facts),
        notes=tuple(notes),
        refused=dates.unread,
        nulls=tuple(facts.blanks),
    )


def _number(facts: Facts) -> Guess:
    flag = _flag(facts)
    if flag is not None:
        return flag
    whole = facts.whole == facts.numbers and facts.pointed == 0
    notes = []
    if facts.unreadable:
        shown = ", ".join(repr(text[:30]) for text in facts.odd)
        notes.append(
            f"{facts.name}: {facts.unreadable:,} value(s) are no numbers ({shown}); the gate will refuse these rows."
        )
    return Guess(
        facts.name,
        "int" if whole else "float",
        nullable=facts.missing > 0,
        min=0 if _never_negative(facts) else None,
        remark=f"{facts.low:.6g} to {facts.high:.6g}" + _missing(facts),
        notes=tuple(notes),
        refused=facts.unreadable,
        nulls=tuple(facts.blanks),
    )


def _flag(facts: Facts) -> Guess | None:
    """A column of 0 and 1 is a category; rare oddities such as 05 are refused, not learned."""
    if facts.counts is None or facts.rows < 20:
        return None
    counts = {text: count for text, count in facts.counts.items() if text not in facts.blanks}
    plain = {text: count for text, count in counts.items() if re.fullmatch(r"[01](?:\.0+)?", text)}
    if {text[0] for text in plain} != {"0", "1"}:
        return None
    odd = {text: count for text, count in counts.items() if text not in plain}
    if any(not re.fullmatch(r"0\d+", text) for text in odd) or sum(odd.values()) > ODD_SHARE * facts.present:
        return None
    shown = ", ".join(odd)
    note = f"{facts.name}: {sum(odd.values())} value(s) such as {shown} are neither 0 nor 1; the gate will refuse them."
    return Guess(
        facts.name,
        "category",
        nullable=facts.missing > 0,
        values=(0, 1),
        remark=_missing(facts).removeprefix("; "),
        notes=(note,) if odd else (),
        refused=sum(odd.values()),
        nulls=tuple(facts.blanks),
    )


def _never_negative(facts: Facts) -> bool:
    """Whether zero is a wall: many values, none below zero, and a spread that would reach below it otherwise."""
    return (
        facts.numbers >= ENOUGH_ROWS
        and facts.low >= 0
        and facts.mean - 2 * facts.deviation < 0
        and not may_be_negative(facts.name)
        and not names_an_entity(facts.name)
    )


def _words(facts: Facts) -> Guess:
    nulls = tuple(text for text in facts.blanks if text in CERTAIN_NULLS)
    nullable = facts.missing > 0 or bool(nulls)
    counts = {text: count for text, count in (facts.counts or {}).items() if text not in nulls}
    if facts.counts is None or len(counts) > min(MOST_CATEGORIES, max(facts.present // 2, 1)) or facts.rows < 2:
        return _text(facts, nullable, nulls)
    lower = {text.lower() for text in counts}
    if lower <= {"true", "false"} or (lower == {"yes", "no"} and len(counts) > 2):
        return Guess(facts.name, "bool", nullable, remark=_missing(facts).removeprefix("; "), nulls=nulls)
    if (sign := _signed_numbers(tuple(counts))) is not None and len(counts) > 2:
        return _text(facts, nullable, nulls, sign)
    return _category(facts, counts, nullable, nulls)


def _category(facts: Facts, counts: Mapping[str, int], nullable: bool, nulls: tuple[str, ...]) -> Guess:
    """Values are listed if few, and if none is so rare that others must be expected (Good and Turing 1953)."""
    closed = len(counts) <= LISTED_VALUES and facts.rows >= ENOUGH_ROWS and min(counts.values(), default=0) > 1
    common = sorted(counts, key=lambda text: (-counts[text], text))
    shown = ", ".join(common[:4]) + (f" … {len(common)} values" if len(common) > 4 else "")
    remark = _missing(facts).removeprefix("; ") if closed else shown + _missing(facts)
    variants = _variants(counts)
    notes = (f"{facts.name}: {variants} are probably the same value, written differently.",) if variants else ()
    values = listed(counts) if closed else None
    return Guess(facts.name, "category", nullable, values, remark=remark, notes=notes, nulls=nulls)


def listed(counts: Mapping[str, int]) -> tuple[int | str, ...]:
    """The texts as the values of a category: whole numbers first, in order, then words.

    >>> listed({"b": 2, "10": 1, "9": 4, "05": 1})
    (9, 10, '05', 'b')
    """
    return tuple(sorted(map(_scalar, counts), key=_order))


def _scalar(text: str) -> int | str:
    return int(text) if re.fullmatch(r"0|-?[1-9]\d{0,15}", text) else text


def _order(value: int | str) -> tuple[bool, int, str]:
    return (False, value, "") if isinstance(value, int) else (True, 0, value.lower())


def _variants(counts: Mapping[str, int]) -> str:
    """Values that differ in case or inner white space only."""
    groups: dict[str, list[str]] = {}
    for text in counts:
        groups.setdefault(re.sub(r"\s+", " ", text.lower()), []).append(text)
    return "; ".join(" and ".join(map(repr, sorted(group))) for group in groups.values() if len(group) > 1)


def _text(facts: Facts, nullable: bool, nulls: tuple[str, ...], sign: str | None = None) -> Guess:
    counts = facts.counts or dict.fromkeys(facts.odd, 1)
    sign = sign or _signed_numbers(tuple(counts))
    if sign is not None:
        note = (
            f"{facts.name}: the numbers are written as {sign}, which is read as text. "
            "Write them plainly in the file (1234.5) to let models use them."
        )
        return Guess(facts.name, "text", nullable, remark=f"numbers written as {sign}", notes=(note,), nulls=nulls)
    notes: tuple[str, ...] = ()
    if facts.numbers > facts.present / 2 and not _is_code(facts):
        shown = ", ".join(repr(text[:30]) for text in facts.odd)
        notes = (
            f"{facts.name}: most values are numbers, but {facts.unreadable:,} are not ({shown}), "
            "so it is read as text. Mend them in the file to let models use the column.",
        )
    many = f"{len(facts.counts):,}" if facts.counts is not None else "more than 500"
    return Guess(
        facts.name, "text", nullable, remark=f"{many} different texts" + _missing(facts), notes=notes, nulls=nulls
    )


def _signed_numbers(texts: tuple[str, ...]) -> str | None:
    """An example, if the texts are numbers with grouped thousands, a currency, a unit or a percent sign."""
    numeric = [text for text in texts if _SIGNED.match(text) and not re.fullmatch(r"0\d+|[-+]?\d{16,}", text)]
    if not texts or len(numeric) < 0.95 * len(texts):
        return None
    strange = [text for text in numeric if not re.fullmatch(r"[-+]?\d+", text)]
    return repr(max(strange, key=len)[:30]) if strange else None


def _missing(facts: Facts) -> str:
    words = facts.numbers <= facts.present / 2
    gone = facts.missing + sum(n for text, n in facts.blanks.items() if text in CERTAIN_NULLS or not words)
    return f"; {gone:,} missing" if gone else ""
