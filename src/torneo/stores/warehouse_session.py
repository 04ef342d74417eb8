"""What a database gives to the code that all warehouses share: one transaction."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import polars as pl

Values = Mapping[str, Any]
NONE: Values = {}
SAME_KEY = "another program wrote the same key at the same time, or a row is there twice"
"""What to know where a table's primary key refuses a row."""
OWN_CONSTRAINT = (
    "the constraint of the table refuses rows that the contract lets pass: state it in the contract, or drop it"
)
"""What to do where another constraint does."""


class Session(Protocol):
    """A transaction: it is there whole when its block has ended, or not at all."""

    where: str
    """The database, for people, without a password."""
    temporary: str
    """The schema of tables that end with the transaction."""
    types: Mapping[str, str]
    """How the database writes the name of a type, by ours, in its catalogue."""
    cannot: tuple[type[Exception], ...]
    """The database's errors that mean: this cannot be done, now or later."""

    def rows(self, statement: str, fragments: Mapping[str, str] = NONE, values: Values = NONE) -> list[tuple[Any, ...]]:
        """Run a statement that gives rows, by its name in the .sql files."""
        ...

    def run(self, statement: str, fragments: Mapping[str, str] = NONE, values: Values = NONE) -> None:
        """Run a statement that gives none; one that this database does not have is left out."""
        ...

    def load(self, table: str, batches: Generator[pl.DataFrame, None, None]) -> int:
        """Write batches, whose columns are the table's, into it, and close them; gives the number of rows."""
        ...

    def frame(self, statement: str, fragments: Mapping[str, str], values: Values) -> pl.DataFrame:
        """The rows of a statement with their types."""
        ...
