"""What is to be predicted: regression or classification, the classes, and rows that cannot teach it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from torneo.draft.facts import Facts
from torneo.draft.guess import MOST_CATEGORIES, ODD_SHARE, Guess, listed
from torneo.draft.table import TextTable
from torneo.draft.vocabulary import names_a_row_number, names_an_id, plain, target_rank
from torneo.errors import SourceError
from torneo.spec.columns import ColumnType, canonical_text
from torneo.spec.project import Task

MOST_CLASS_NUMBERS = 10
"""Up to so many different whole numbers are classes, above they are a quantity."""
_POSITIVE = ("1", "true", "yes", "y", "si", "churn", "churned", "positive", "bad", "fraud", "default", "spam", "good")


@dataclass(frozen=True)
class Target:
    """The target's column and what follows from it."""

    column: Guess
    task: Task
    metric: str
    positive: str | int | None = None
    smallest: int = 0
    """How many rows the rarest class has."""
    incomplete: bool = False
    """Whether rows without an outcome must be left out."""
    notes: tuple[str, ...] = ()


def named(table: TextTable, target: str | None, shown: str, guesses: Mapping[str, Guess]) -> str:
    """The target's column.

    Raises:
        SourceError: none was named, or there is no such column; the message proposes some.
    """
    if target in table.names:
        return str(target)
    by_header = {header.strip(): name for name, header in table.headers.items()}
    if target in by_header:
        return by_header[str(target)]
    likely = _likely(guesses)
    listing = ", ".join(likely[:8]) + (" …" if len(likely) > 8 else "")
    if target is None:
        raise SourceError(
            f"{shown}: which column is to be predicted? The likeliest is {likely[0]!r}; candidates: {listing}",
            fix=f"torneo init {shown} --target {_quoted(likely[0])}",
        )
    near = [name for name in table.names if plain(name) == plain(target)]
    near = near or difflib.get_close_matches(target, table.names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    names = ", ".join(table.names[:20]) + (" …" if len(table.names) > 20 else "")
    raise SourceError(f"{shown} has no column {target!r}; {hint}It has: {names}", fix="name one of them as --target")


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f"'{name}'"


def _likely(guesses: Mapping[str, Guess]) -> list[str]:
    names = list(guesses)
    fit = [
        name
        for name, each in guesses.items()
        if each.type in ("int", "float", "bool", "category") and not (names_an_id(name) or names_a_row_number(name))
    ]
    usual = sorted((name for name in fit if target_rank(name) >= 0), key=target_rank)
    rest = [name for name in reversed(fit) if name not in usual]
    return usual + rest or names[::-1]


def as_target(column: Guess, facts: Facts, shown: str, left_out: bool) -> Target:
    """Decide the task; `left_out`: rows without any value are there, which `where` must leave out.

    Raises:
        SourceError: the column cannot be predicted; the message says why.
    """
    where = f"{shown}: the target {column.name!r}"
    if facts.present == 0:
        raise SourceError(f"{where} has no values at all", fix="choose another --target")
    if column.type in ("date", "datetime"):
        raise SourceError(f"{where} holds dates", fix="add a column of numbers to predict, such as days until then")
    counts = _classes(column, facts)
    if counts is not None and len(counts) < 2 and facts.rows > 1:
        raise SourceError(f"{where} has one value only ({next(iter(counts), '')!r})", fix="choose another --target")
    incomplete = column.nullable or left_out
    known = replace(column, nullable=False, feature=True, min=column.min)
    if column.type in ("int", "float") and not _is_class_number(column, counts, facts):
        return Target(known, "regression", "rmse", incomplete=incomplete)
    if counts is None or len(counts) > MOST_CATEGORIES or column.type == "text":
        raise SourceError(f"{where} cannot be predicted: {_why_not(column)}", fix=_instead(column))
    return _classification(known, counts, incomplete)


def _why_not(column: Guess) -> str:
    return column.notes[0] if column.notes else f"it is text without a few repeated values ({column.remark})"


def _instead(column: Guess) -> str:
    if column.notes:
        return "write the numbers plainly in the file"
    return "choose another --target, or group its values into classes that many rows share"


def _classes(column: Guess, facts: Facts) -> Mapping[str, int] | None:
    if facts.counts is None:
        return None
    return {text: count for text, count in facts.counts.items() if text not in column.nulls}


def _is_class_number(column: Guess, counts: Mapping[str, int] | None, facts: Facts) -> bool:
    """Few different whole numbers, each in many rows."""
    return (
        counts is not None
        and facts.whole == facts.numbers
        and 2 <= len(counts) <= MOST_CLASS_NUMBERS
        and len(counts) <= max(2, facts.rows // 10)
        and not column.refused
    )


def _classification(column: Guess, counts: Mapping[str, int], incomplete: bool) -> Target:
    notes = []
    if column.type == "bool":
        positive, classes = None, counts
        values = None
    else:
        classes = _without_oddities(counts)
        values = _ordered(listed(_canonical(classes)), classes)
        positive = values[-1] if len(values) == 2 else None
    odd = sum(count for text, count in counts.items() if text not in classes)
    if odd:
        shown = ", ".join(repr(text) for text in counts if text not in classes)
        notes.append(f"{column.name}: {shown} looks like a typing error of a class; the gate will refuse {odd} row(s).")
    if column.type in ("int", "float"):
        notes.append(
            f"{column.name} has {len(classes)} different whole numbers, so they are taken as classes. "
            "If they are a quantity, set `task: regression` and `type: int`."
        )
    smallest = min(classes.values())
    if smallest < 10:
        notes.append(f"{column.name}: the rarest class has {smallest} row(s) only, which is little to learn from.")
    metric = "auc" if len(classes) == 2 or column.type == "bool" else "accuracy"
    shares = ", ".join(f"{text} {count / sum(classes.values()):.1%}" for text, count in list(classes.items())[:4])
    kind: ColumnType = "bool" if column.type == "bool" else "category"
    known = replace(column, type=kind, values=values, min=None, remark=shares, refused=odd)
    return Target(known, "classification", metric, positive, smallest, incomplete, tuple(notes))


def _canonical(counts: Mapping[str, int]) -> dict[str, int]:
    """Whole numbers written as 1.0 are 1."""
    return {
        (canonical_text(float(text)) if text.replace(".", "", 1).isdigit() and "." in text else text): count
        for text, count in counts.items()
    }


def _without_oddities(counts: Mapping[str, int]) -> Mapping[str, int]:
    """The classes without rare texts that equal another class but for zeros before them, or for case."""
    few = ODD_SHARE * sum(counts.values())
    others = {text: {other.lower() for other in counts if other != text} for text in counts}
    digits = [text for text in counts if text.isdigit()]

    def is_odd(text: str) -> bool:
        led = len(text) > 1 and text.startswith("0") and text.isdigit() and len(digits) == len(counts)
        return counts[text] <= few and (led or text.lower() in others[text])

    kept = {text: count for text, count in counts.items() if not is_odd(text)}
    return kept if len(kept) > 1 else counts


def _ordered(values: tuple[int | str, ...], counts: Mapping[str, int]) -> tuple[int | str, ...]:
    """Of two classes the positive one last: by its name, or else the rarer."""
    if len(values) != 2:
        return values
    names = [str(value).lower() for value in values]
    known = [plain(name) in _POSITIVE for name in names]
    if known[0] != known[1]:
        return values if known[1] else values[::-1]
    if all(isinstance(value, int) for value in values):
        return values
    rarer = min(counts, key=lambda text: counts[text])
    return values if str(values[1]) == rarer else values[::-1]
