"""What a person should look at, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from torneo.reports.profile_records import ColumnProfile, Correlations, Numbers
from torneo.reports.text import listed, number, share, short
from torneo.spec.project import Task

DOMINANT = 0.95
ZEROS = 0.5
SKEWED = 2.0
HEAPED = 0.01
"""The share of rows at the largest value from which it looks like a cap …"""
HEAPED_ROWS = 5
"""… and the least number of them."""
TELLING = 0.95
ALIKE = 0.9
RARE_CLASS = 0.1
SHORT = 30
"""Fewer rows than this are not judged."""
TWINS = 5


def column_warnings(column: ColumnProfile) -> tuple[str, ...]:
    """What is odd about one column."""
    return tuple(_column_warnings(column))


def _column_warnings(column: ColumnProfile) -> Iterator[str]:
    if column.kind == "nested":
        yield "lists or records: not looked into"
        return
    if column.kind == "empty" or not column.present:
        yield "no values at all"
        return
    yield from _gaps(column)
    if column.distinct == 1 and not column.unreadable:
        yield f"constant: always {short(column.top[0][0])}"
        return
    if column.present < SHORT:
        return
    value, rows = column.top[0]
    if rows >= DOMINANT * column.present:
        yield f"one value ({short(value)}) in {share(rows / column.present)} of rows"
    elif column.numbers is not None and column.kind == "number":
        yield from _shape(column.numbers, column)
    if column.kind in ("category", "text"):
        yield from _spelling(column)
    if column.distinct == column.present and column.role not in ("key", "target") and _could_be_id(column):
        yield "a different value in each row: an id?"
    if column.relation is not None and column.relation.strength >= TELLING:
        yield f"tells the target almost alone ({share(column.relation.strength)} of its variation): a leak?"


def _gaps(column: ColumnProfile) -> Iterator[str]:
    if column.missing:
        yield f"{values_of(column.missing)} missing ({share(column.missing / column.rows)})"
    if column.unreadable:
        what = f"as {column.type}" if column.type else f"as a {column.kind}"
        names = listed([repr(short(text, 20)) for text in column.unreadable_examples])
        yield f"{values_of(column.unreadable)} cannot be read {what}, such as {names}"


def values_of(count: int) -> str:
    """A number of values, in words.

    >>> values_of(1), values_of(2000)
    ('1 value', '2,000 values')
    """
    return f"{count:,} value{'s' if count != 1 else ''}"


def _shape(numbers: Numbers, column: ColumnProfile) -> Iterator[str]:
    low, high = numbers.quantiles[0], numbers.quantiles[-1]
    if numbers.zeros >= ZEROS * column.present and column.distinct > 2:
        yield f"zero in {share(numbers.zeros / column.present)} of rows"
    elif numbers.skewness > SKEWED and low >= 0 and column.distinct > 10:
        yield f"skewed ({numbers.skewness:.1f}): look at a log{' of 1 + x' if low == 0 else ''}"
    elif abs(numbers.skewness) > SKEWED and column.distinct > 10:
        yield f"skewed to the {'right' if numbers.skewness > 0 else 'left'} ({number(numbers.skewness, 2)})"
    if _heaped(numbers.high_rows, column):
        yield f"capped at {number(high, 6)} ({numbers.high_rows:,} rows)"
    if not numbers.whole and low != 0 and _heaped(numbers.low_rows, column):
        yield f"cut off at {number(low, 6)} ({numbers.low_rows:,} rows)"


def _heaped(rows: int, column: ColumnProfile) -> bool:
    """Whether so many rows at one end are many more than a value has on average."""
    average = column.present / column.distinct
    return rows >= HEAPED_ROWS and rows >= HEAPED * column.present and rows >= 5 * average and column.distinct > 20


def _could_be_id(column: ColumnProfile) -> bool:
    if column.kind == "number":
        return column.numbers is not None and column.numbers.whole
    return column.kind in ("category", "text")


def _spelling(column: ColumnProfile) -> Iterator[str]:
    seen: dict[str, str] = {}
    for value, _ in column.top:
        other = seen.setdefault(value.casefold().strip(), value)
        if other != value:
            yield f"{short(other)!r} and {short(value)!r} differ only in case"


def table_warnings(
    columns: Sequence[ColumnProfile],
    repeated: int,
    repeated_keys: int | None,
    found: Correlations,
    task: Task | None,
) -> tuple[str, ...]:
    """What is odd about the table as a whole."""
    warnings = []
    if repeated:
        warnings.append(f"{repeated:,} row{'s are copies' if repeated > 1 else ' is a copy'} of another row")
    if repeated_keys:
        warnings.append(f"{repeated_keys:,} row{'s have' if repeated_keys > 1 else ' has'} a key that was there before")
    target = next((column for column in columns if column.role == "target"), None)
    if target is not None and task == "classification" and target.present:
        warnings += _rare_class(target)
    if target is not None and target.missing + target.unreadable:
        warnings.append(f"{target.missing + target.unreadable:,} rows have no {short(target.name)}, the target")
    return (*warnings, *_twins(found, target.name if target else None))


def _rare_class(target: ColumnProfile) -> list[str]:
    value, rows = min(target.top, key=lambda pair: pair[1])
    part = rows / target.present
    return [f"only {share(part)} of rows are {short(value)!r}"] if part < RARE_CLASS and target.distinct == 2 else []


def _twins(found: Correlations, target: str | None) -> list[str]:
    """Pairs of columns that tell nearly the same, the strongest first; with the target, perhaps a leak."""
    pairs = [
        (found.spearman[a][b], found.names[a], found.names[b], "rank correlation")
        for a, b in combinations(range(len(found.names)), 2)
    ]
    names = found.category_names
    pairs += [(found.cramer[a][b], names[a], names[b], "Cramér's V") for a, b in combinations(range(len(names)), 2)]
    alike = sorted((pair for pair in pairs if abs(pair[0]) >= ALIKE), key=lambda pair: -abs(pair[0]))
    words = [
        f"{short(first) or '(no name)'} and {short(second)} tell nearly the same ({what} {number(value, 2)})"
        + (": a leak?" if target in (first, second) else "")
        for value, first, second, what in alike[:TWINS]
    ]
    return words + ([f"… and {len(alike) - TWINS} more such pairs"] if len(alike) > TWINS else [])
