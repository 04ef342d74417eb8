"""What a profile says: frozen data, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torneo.spec.project import Task

Kind = Literal["number", "category", "text", "time", "nested", "empty"]
Role = Literal["target", "key", "feature", "other", "not in the contract"]
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Numbers:
    """Numbers or moments; moments are microseconds since 1970, UTC."""

    mean: float
    deviation: float
    skewness: float
    quantiles: tuple[float, ...]
    """At QUANTILES."""
    zeros: int
    whole: bool
    """Whether no value has a fraction."""
    low_rows: int
    """Rows that have the smallest value."""
    high_rows: int
    """Rows that have the largest value."""


@dataclass(frozen=True)
class Histogram:
    """Rows per bin; what lies beyond the edges is counted in the outermost bins."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    beyond: int = 0
    """Rows beyond the edges."""


@dataclass(frozen=True)
class Group:
    """Rows alike in one column, and the target among them: its mean, or the share of a class."""

    label: str
    rows: int
    target: float


@dataclass(frozen=True)
class Relation:
    """What one column alone says about the target.

    `strength` is the share of the target's variation that the column's groups (tenths of a number's rows, values of
    a category) explain, adjusted for their number: epsilon squared (Kelley 1935) for a number, Goodman and Kruskal's
    tau (1954) for classes.
    """

    strength: float
    groups: tuple[Group, ...]
    overall: float
    """The target over all rows."""
    spread: float
    """Its standard deviation over all rows."""
    what: str
    """What a group's `target` is, in words."""


@dataclass(frozen=True)
class ColumnProfile:
    """One column over all rows."""

    name: str
    kind: Kind
    type: str
    """The contract's type; empty for a column that it does not name."""
    role: Role
    unit: str
    help: str
    rows: int
    missing: int
    unreadable: int
    """Values that are not of the contract's type, or no numbers in a column of numbers."""
    unreadable_examples: tuple[str, ...]
    distinct: int
    distinct_is_exact: bool
    top: tuple[tuple[str, int], ...]
    """The most frequent values and their rows."""
    numbers: Numbers | None = None
    histogram: Histogram | None = None
    relation: Relation | None = None
    warnings: tuple[str, ...] = ()

    @property
    def present(self) -> int:
        """Rows with a value that can be read."""
        return self.rows - self.missing - self.unreadable


@dataclass(frozen=True)
class Correlations:
    """Pairwise relations of columns, NaN where there is none; `names` in the order of rows and columns."""

    names: tuple[str, ...] = ()
    pearson: Matrix = ()
    spearman: Matrix = ()
    category_names: tuple[str, ...] = ()
    cramer: Matrix = ()
    """Cramér's V of categories, corrected for bias (Bergsma 2013)."""
    left_out: int = 0
    """Columns that are not in the matrices, because there are too many."""


@dataclass(frozen=True)
class Profile:
    """A table described."""

    project: str
    task: Task | None
    target: str | None
    rows: int
    columns: tuple[ColumnProfile, ...]
    repeated: int
    """Rows that are copies of another row."""
    repeated_keys: int | None
    """Rows whose key another row has before them; None without a key."""
    related_rows: int
    """Rows on which relations were computed: all, or a sample."""
    correlations: Correlations
    warnings: tuple[str, ...] = ()
