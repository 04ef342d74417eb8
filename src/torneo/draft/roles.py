"""Columns that no model should read: identifiers, row numbers, constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from torneo.draft.facts import Facts
from torneo.draft.guess import Guess, listed
from torneo.draft.table import TextTable
from torneo.draft.vocabulary import names_a_row_number, names_an_entity, names_an_id

CODES = 20
"""Up to so many different numbers of an id column are categories (a region's id), beyond they are identities."""
MANY_ROWS = 50


@dataclass(frozen=True)
class Roles:
    """The columns with their roles."""

    columns: dict[str, Guess]
    key: str | None
    group: str | None
    """The column of an identity that several rows share."""


def assign(table: TextTable, facts: Mapping[str, Facts], guesses: Mapping[str, Guess], target: str) -> Roles:
    """Find the key, identities and constants among all columns but the target."""
    columns = dict(guesses)
    unique = [name for name in guesses if name != target and _may_identify(name, table, facts[name], guesses[name])]
    unique = [name for name in unique if _is_unique(table, name)]
    key = next((name for name in unique if not _is_row_number(name, facts[name])), None)
    for name in unique:
        if name == key:
            columns[name] = replace(columns[name], min=None, remark="identifies a row")
        elif _is_row_number(name, facts[name]):
            columns[name] = _unread(columns[name], "counts the rows")
        else:
            columns[name] = _unread(columns[name], "another identifier: each row has its own")
    group = None
    for name, each in columns.items():
        if name in (target, *unique):
            continue
        if _is_constant(facts[name]):
            columns[name] = _unread(each, "the same in all rows")
        elif names_an_id(name) and each.type in ("int", "text"):
            columns[name] = _identity(each, facts[name])
            if columns[name].type != "category" and group is None and _is_shared(facts[name]):
                group = name
    return Roles(columns, key, group)


def _unread(column: Guess, why: str) -> Guess:
    return replace(column, feature=False, min=None, remark=why)


def _may_identify(name: str, table: TextTable, facts: Facts, column: Guess) -> bool:
    if column.type not in ("int", "text") or column.nullable or column.refused or facts.rows < 2:
        return False
    if facts.counts is not None and len(facts.counts) < facts.rows:
        return False
    first = name == table.names[0]
    return (
        names_an_id(name)
        or _is_row_number(name, facts)
        or (first and names_an_entity(name))
        or (first and column.type == "text" and facts.longest <= 40 and facts.rows >= MANY_ROWS)
    )


def _is_row_number(name: str, facts: Facts) -> bool:
    """Counting by one is not enough: the years of a yearly series do so too."""
    return names_a_row_number(name) or (facts.counts_rows and name.startswith("column_"))


def _is_unique(table: TextTable, name: str) -> bool:
    hashes = pl.concat(batch.select(pl.col(name).hash(0).alias("hash")) for batch in table.batches((name,)))
    return hashes["hash"].n_unique() == hashes.height


def _is_constant(facts: Facts) -> bool:
    return facts.rows > 1 and facts.missing == 0 and facts.counts is not None and len(facts.counts) == 1


def _is_shared(facts: Facts) -> bool:
    """Whether there are many identities with several rows each; above LISTED different ones, rows must tell."""
    return facts.rows >= MANY_ROWS and (facts.counts is None or CODES < len(facts.counts) <= facts.rows / 1.5)


def _identity(column: Guess, facts: Facts) -> Guess:
    if column.type == "text" or facts.counts is None or len(facts.counts) > min(CODES, facts.present / 3):
        return _unread(column, "an identity: no quantity")
    counts = {text: count for text, count in facts.counts.items() if text not in facts.blanks}
    closed = facts.rows >= 100 and min(counts.values()) > 1 and not facts.zero_led and not column.refused
    return replace(
        column, type="category", values=listed(counts) if closed else None, min=None, remark="a code: no quantity"
    )
