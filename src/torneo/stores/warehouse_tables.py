"""The schemas and tables of a load: made, checked, and widened when the contract has gained columns or digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torneo.errors import ConflictError
from torneo.spec.tables import RUNS, LoadTables, TableColumn
from torneo.stores.sqlfile import quote, quote_table
from torneo.stores.warehouse_session import Session

_STAGING = "create_staging"
_DECIMAL = re.compile(r"(?:numeric|DECIMAL)\((\d+),(\d+)\)")
_BIGINT_DIGITS = 19
_BY_HAND = "change the table by hand, or load into another one"
_NOT_TEXT = {
    "source_line": "bigint", "inserted_at": "moment", "staged_at": "moment", "rejected_at": "moment",
    "reasons": "json", "is_active": "boolean", "created_at": "moment", "updated_at": "moment", "checked_at": "moment",
    "details": "json",
}  # fmt: skip
_BEFORE_RAW = ("run_id", "source_line")
_BEFORE_REJECTED = ("run_id", "suite", "rejected_at", "source_line")
_AFTER_PROD = ("is_active", "created_at", "updated_at")
OURS = frozenset({*_BEFORE_RAW, *_BEFORE_REJECTED, *_AFTER_PROD, "inserted_at", "staged_at", "reasons"})
"""The names that the contract's columns cannot have."""


class Found(NamedTuple):
    """A column of a table that is there."""

    type: str
    nullable: bool
    filled: bool
    """Whether the database gives it a value: it has a default, or is an identity or a generated column."""


@dataclass(frozen=True)
class Shape:
    """What a table must be."""

    table: str
    types: Mapping[str, str]
    """Column to its type, as the database's catalogue writes it."""
    own: frozenset[str]
    """The columns that are not the contract's."""
    required: frozenset[str] = frozenset()
    """The columns that are never null."""
    key: tuple[str, ...] = ()
    create: str = "create_table"
    """The statement that makes it."""
    index_runs: bool = False
    window: str | None = None


def migrate(session: Session, tables: LoadTables) -> None:
    """Create what is missing, add the columns that the contract has gained, and widen types where nothing is lost.

    Raises:
        ConflictError: a table is there with another shape, or a column's name cannot be used, or the database cannot
            widen a column.
    """
    check_names(tables)
    session.run("lock_migrations")
    for shape in _shapes(session, tables):
        _ensure(session, shape)


def migrate_runs(session: Session) -> None:
    """Create `dqm.dq_runs` if it is missing."""
    session.run("lock_migrations")
    _ensure(session, _runs(session))


def check_names(tables: LoadTables) -> None:
    """Refuse names that one of the databases cannot hold, so that a load runs on all or on none.

    Raises:
        ConflictError: two columns differ in case only, one is called as one of ours, or a name is too long.
    """
    for names in (tables.raw_columns, tuple(column.name for column in tables.columns)):
        seen: dict[str, str] = {}
        for name in names:
            quote(name)
            other = seen.setdefault(name.casefold(), name)
            if other != name or names.count(name) > 1:
                raise ConflictError(f"the columns {other!r} and {name!r} are one for a database")
            if name.casefold() in OURS:
                raise ConflictError(
                    f"no column of {tables.prod} can be called {name!r}: Torneo's own column has that name",
                    fix="give the column another name in the contract; `header` keeps the source's",
                )


def _shapes(session: Session, tables: LoadTables) -> Iterator[Shape]:
    texts = dict.fromkeys(tables.raw_columns, session.types["text"])
    typed = {column.name: _typed(session, column) for column in tables.columns}
    required = {column.name for column in tables.columns if not column.nullable}
    yield _shape(session, tables.raw, _BEFORE_RAW, texts, ("inserted_at",), index_runs=True)
    yield _shape(session, tables.rejects, _BEFORE_REJECTED, texts, ("reasons",), index_runs=True)
    yield _shape(
        session, tables.prod, (), typed, _AFTER_PROD,
        key=tables.key, required=frozenset({*required, *tables.key, *_AFTER_PROD}), window=tables.window,
    )  # fmt: skip
    yield _shape(session, tables.staging, ("run_id",), typed, ("staged_at",), create=_STAGING)  # locked as in a merge
    yield _runs(session)


def _runs(session: Session) -> Shape:
    own = ("run_id", "suite", "project", "status", "checked_at", "details")
    return _shape(session, RUNS, own, {}, (), key=("run_id",))


def _shape(
    session: Session,
    table: str,
    before: tuple[str, ...],
    columns: Mapping[str, str],
    after: tuple[str, ...],
    *,
    required: frozenset[str] = frozenset(),
    key: tuple[str, ...] = (),
    create: str = "create_table",
    index_runs: bool = False,
    window: str | None = None,
) -> Shape:
    first, last = ({name: session.types[_NOT_TEXT.get(name, "text")] for name in names} for names in (before, after))
    own = frozenset({*before, *after})
    return Shape(table, {**first, **columns, **last}, own, required, key, create, index_runs, window)


def _typed(session: Session, column: TableColumn) -> str:
    if column.type == "decimal" and column.precision is None:
        raise ConflictError(f"the decimal {column.name!r} has no precision", fix="say how many digits it has")
    return session.types[column.type].format(precision=column.precision, scale=column.scale or 0)


def _ensure(session: Session, shape: Shape) -> None:
    schema, _, name = shape.table.partition(".")
    place = {"schema": schema, "name": name}
    there = {column: Found(*found) for column, *found in session.rows("columns", values=place)}
    if not there:
        if not session.rows("schema", values=place):
            session.run("create_schema", {"schema": quote(schema)})
        return _create(session, shape)
    key = {column for (column,) in session.rows("key", values=place)}
    _check(session, shape, there, key)
    table = quote_table(shape.table)
    other = [column for column, kind in shape.types.items() if column in there and there[column].type != kind]
    if other and shape.create == _STAGING:
        session.run("drop_table", {"table": table})
        return _create(session, shape)
    for column in other:
        _widen(session, shape, column, there[column].type)
    for column, kind in shape.types.items():
        if column not in there:
            session.run("add_column", {"table": table, "definition": f"{quote(column)} {kind}"})
    for column, found in there.items():
        somebodys = column not in shape.types and found.filled
        if not (found.nullable or somebodys or column in shape.required or column in key or column in shape.own):
            session.run("allow_null", {"table": table, "column": quote(column)})
    return None


def _widen(session: Session, shape: Shape, column: str, found: str) -> None:
    names = {"table": quote_table(shape.table), "column": quote(column), "type": shape.types[column]}
    try:
        session.run("widen", names)
    except session.cannot as error:
        raise ConflictError(
            f"{shape.table}: column {column!r} is {found}, and must be {shape.types[column]}, to which the database "
            f"cannot change it where it is: {' '.join(str(error).split())[:300]}",
            fix=_BY_HAND,
        ) from error


def _create(session: Session, shape: Shape) -> None:
    table = quote_table(shape.table)
    lines = [
        f"{quote(name)} {kind}{' NOT NULL' if name in shape.required else ''}" for name, kind in shape.types.items()
    ]
    if shape.key:
        lines.append(f"PRIMARY KEY ({', '.join(map(quote, shape.key))})")
    session.run(shape.create, {"table": table, "definitions": ", ".join(lines)})
    if shape.index_runs:
        session.run("index_runs", {"table": table})
    if shape.window is not None:
        session.run("index_window", {"table": table, "column": quote(shape.window)})


def _check(session: Session, shape: Shape, there: Mapping[str, Found], key: set[str]) -> None:
    for column, kind in shape.types.items():
        if column not in there:
            if column in shape.own:
                raise ConflictError(f"{shape.table} is there, without Torneo's column {column!r}", fix=_BY_HAND)
            continue
        found = there[column].type
        may_differ = column not in shape.own and (shape.create == _STAGING or _holds(session, kind, found))
        if found != kind and not may_differ:
            raise ConflictError(f"{shape.table}: column {column!r} is {found}, and must be {kind}", fix=_BY_HAND)
    if key != set(shape.key):
        own, wanted = (", ".join(sorted(names)) or "none" for names in (key, set(shape.key)))
        raise ConflictError(f"{shape.table}: the primary key is {own}, and must be {wanted}", fix=_BY_HAND)


def _holds(session: Session, kind: str, other: str) -> bool:
    """Whether a timestamp or a decimal has each value of another type."""
    if kind == session.types["timestamp"]:
        return other == session.types["date"]
    digits, others = _digits(kind), (_BIGINT_DIGITS, 0) if other == session.types["bigint"] else _digits(other)
    return digits is not None and others is not None and digits[0] >= others[0] and digits[1] >= others[1]


def _digits(kind: str) -> tuple[int, int] | None:
    """How many digits a decimal has before and after the point.

    >>> _digits("DECIMAL(18,4)"), _digits("bigint")
    ((14, 4), None)
    """
    found = _DECIMAL.fullmatch(kind)
    return None if found is None else (int(found[1]) - int(found[2]), int(found[2]))
