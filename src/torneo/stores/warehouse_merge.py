"""The merge: staged rows into production, counted before anything is changed."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torneo.errors import GateError, MovedKeysError
from torneo.spec.tables import LoadTables, Merged, MergeRules, Window
from torneo.stores.sqlfile import quote, quote_table
from torneo.stores.warehouse_rows import key_batches, shown, staged_batches
from torneo.stores.warehouse_session import Session, Values


@dataclass(frozen=True)
class Difference:
    """How staging differs from the window of production."""

    inserted: int
    updated: int
    reactivated: int
    missing: int
    """Active keys that are neither staged nor withheld."""
    active: int


def merge(
    session: Session,
    tables: LoadTables,
    run: str,
    rows: Path,
    rules: MergeRules,
    at: datetime.datetime,
    withheld: Path | None,
) -> Merged:
    """Copy rows into staging, compare it with production, and change what differs.

    Raises:
        GateError: more keys would go missing than `max_shrink` allows.
        MovedKeysError: production has keys of these rows outside the window.
        ConflictError: a row cannot be merged.
    """
    fragments, days = inside(tables, rules.window)
    fragments, values = {**fragments, **_fragments(tables)}, {"at": at, **days}
    for table in (tables.prod, tables.staging):
        session.run("lock", {"table": quote_table(table)})
    session.run("clear", {"table": quote_table(tables.staging)})
    constants = {"run_id": run, "staged_at": at}
    staged = session.load(tables.staging, staged_batches(tables, rows, rules.window, constants))
    session.run("analyze", {"table": quote_table(tables.staging)})
    if rules.window is not None and rules.window.column not in tables.key:
        _check_moved(session, tables, rules, fragments, values)
    difference = Difference(*session.rows("compare", fragments, values)[0])
    if difference.missing and rules.missing == "deactivate" and withheld is not None:
        difference = replace(difference, missing=_missing(session, tables, withheld, fragments, values))
    gone = difference.missing if rules.missing == "deactivate" else 0
    if gone and gone / difference.active > rules.max_shrink:
        raise _shrunk(tables, rules, difference)
    if difference.updated or difference.reactivated:
        session.run("update", fragments, values)
    if difference.inserted:
        session.run("insert_all" if difference.inserted == staged else "insert", fragments, values)
    if gone:
        session.run("deactivate" if withheld is None else "deactivate_others", fragments, values)
    return Merged(
        staged=staged,
        inserted=difference.inserted,
        updated=difference.updated,
        reactivated=difference.reactivated,
        unchanged=staged - difference.inserted - difference.updated - difference.reactivated,
        deactivated=gone,
    )


def inside(tables: LoadTables, window: Window | None) -> tuple[Mapping[str, str], Values]:
    """Fragments and values of a statement about the rows of a window in production, or about all of them."""
    fragments = {"prod": quote_table(tables.prod), "window": "", "inside": "TRUE"}
    if window is None:
        return fragments, {}
    column = quote(window.column)
    days = {"window": column, "inside": f"p.{column} >= :first AND p.{column} < :after"}
    return {**fragments, **days}, {"first": window.first, "after": window.last + datetime.timedelta(days=1)}


def _fragments(tables: LoadTables) -> Mapping[str, str]:
    names = [column.name for column in tables.columns]
    values = [quote(name) for name in names if name not in tables.key]
    return {
        "staging": quote_table(tables.staging),
        "columns": ", ".join(map(quote, names)),
        "key": ", ".join(map(quote, tables.key)),
        "moved": ", ".join(f"s.{quote(name)}" for name in tables.key),
        "withheld": " AND ".join(f"p.{quote(name)} = w.{quote(name)}" for name in tables.key),
        "staged": ", ".join(f"s.{quote(name)}" for name in names),
        "matches": " AND ".join(f"p.{quote(name)} = s.{quote(name)}" for name in tables.key),
        "differs": " OR ".join(f"p.{value} IS DISTINCT FROM s.{value}" for value in values) or "FALSE",
        "assignments": "".join(f", {value} = s.{value}" for value in values),
    }


def _check_moved(
    session: Session, tables: LoadTables, rules: MergeRules, fragments: Mapping[str, str], values: Values
) -> None:
    """Refuse keys that production has outside the window: to update them there would be to touch what is outside."""
    moved = session.frame("moved", fragments, values)
    if len(moved) and rules.window is not None:
        window, days = rules.window, moved["torneo_day"]
        raise MovedKeysError(
            f"{tables.prod}: {len(moved):,} keys of this window ({window.first} to {window.last}) are there outside of "
            f"it, with a {window.column!r} from {days.min()!s} to {days.max()!s}: {shown(tables, moved)}",
            moved.select(tables.key),
            fix="load a window that covers both days",
        )


def _missing(session: Session, tables: LoadTables, withheld: Path, fragments: Mapping[str, str], values: Values) -> int:
    """How many active keys are really no longer in the source: without the withheld ones."""
    session.run("withhold", fragments)
    session.load(f"{session.temporary}.torneo_withheld", key_batches(tables, withheld))
    return int(session.rows("missing", fragments, values)[0][0])


def _shrunk(tables: LoadTables, rules: MergeRules, difference: Difference) -> GateError:
    window = rules.window
    where = "" if window is None else f" between {window.first} and {window.last}"
    share = difference.missing / difference.active
    return GateError(
        f"{tables.prod}: {difference.missing:,} of {difference.active:,} active keys{where} would go missing "
        f"({share:.1%}, and max_shrink allows {rules.max_shrink:.1%}); nothing was changed",
        fix="see whether the extract is complete; if so many rows are really gone, set `load.max_shrink` higher",
    )
