"""What a source gives back about the table that it wrote."""

from __future__ import annotations

from collections.abc import Mapping

from torneo.spec.frozen import Frozen


class Extract(Frozen):
    """One table that a source has written to a Parquet file."""

    rows: int
    columns: tuple[str, ...]
    """The headers of the source, in its order, without `__line__`."""
    fingerprint: str
    """The digest of the content that was read."""
    file: str
    """The name of the file, table or query that `__line__` counts in."""


class Reading(Frozen):
    """A project's source, read: one table with the others joined to it."""

    source: str
    """The URI that was read, without secrets."""
    file: str
    """The name of the file (or query) that `__line__` counts in."""
    fingerprint: str
    """The digest of the content of all inputs."""
    columns: tuple[str, ...]
    """The headers, in the order of the source and its joins."""
    rows: int
    unmatched: Mapping[str, int] = {}
    """By joined table (its URI without secrets): how many rows found no partner in it."""
