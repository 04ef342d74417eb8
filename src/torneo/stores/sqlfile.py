"""SQL that lives in .sql files: statements by name, identifiers put in by one function, values only as parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torneo.errors import ConflictError

LONGEST = 63
"""So many bytes of a name PostgreSQL keeps; it would cut a longer one."""
_PARAMETER = re.compile(r'"(?:[^"]|"")*"|(?<![:\w]):([a-z_]\w*)')
"""A quoted identifier, which may have colons of its own, or a parameter."""


def named_statements(file: Path) -> Mapping[str, str]:
    """The statements of a file: each follows a line `-- name --`."""
    parts = file.read_text(encoding="utf-8").split("-- ")[1:]
    named = (part.partition(" --\n") for part in parts)
    return {name: statement.strip() for name, _, statement in named}


def quote(name: str) -> str:
    r"""A name as an SQL identifier, whatever its characters.

    Raises:
        ConflictError: no database takes it.

    >>> quote('a "b"; --')
    '"a ""b""; --"'
    """
    size = len(name.encode())
    if not 0 < size <= LONGEST or "\0" in name:
        raise ConflictError(
            f"{name[:LONGEST]!r} cannot be the name of a table's column: it has {size} bytes (1 to {LONGEST}, no NUL)",
            fix="give the column a shorter name; `header` keeps the source's",
        )
    return '"' + name.replace('"', '""') + '"'


def quote_table(table: str) -> str:
    """A name `schema.table` as an SQL identifier.

    >>> quote_table("prod.sales")
    '"prod"."sales"'
    """
    schema, _, name = table.partition(".")
    return f"{quote(schema)}.{quote(name)}"


def bind(statement: str, fragments: Mapping[str, str], values: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """A statement with `{fragments}` of SQL put in, and its parameters `:name` as `$1`, `$2`, … with their values.

    >>> bind("SELECT {column} WHERE {inside} OR :a", {"column": '"x:y {}"', "inside": "b = :b"}, {"b": 1, "a": 2})
    ('SELECT "x:y {}" WHERE b = $1 OR $2', [1, 2])
    """
    text = statement.format(**fragments)
    names = list(dict.fromkeys(match[1] for match in _PARAMETER.finditer(text) if match[1]))

    def numbered(match: re.Match[str]) -> str:
        return f"${names.index(match[1]) + 1}" if match[1] else match[0]

    return _PARAMETER.sub(numbered, text), [values[name] for name in names]
