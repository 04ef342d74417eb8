"""What varies between one machine and a stack, one Protocol each."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from torneo.spec.frozen import Frozen
from torneo.spec.loading import AnyProject
from torneo.spec.project import Scalar, Task
from torneo.spec.records import GateReport, Snapshot
from torneo.spec.space import Space
from torneo.spec.tables import LoadTables, Merged, MergeRules, Window

if TYPE_CHECKING:
    import polars as pl

Item = TypeVar("Item")
Result = TypeVar("Result")


class Clock(Protocol):
    """The only way to learn the time."""

    def now(self) -> datetime.datetime:
        """The present moment, in UTC, aware of its zone."""
        ...


class ObjectStore(Protocol):
    """Files by key (`a/b/c`). Writing is atomic: a key is there whole or not at all."""

    def put(self, key: str, source: Path | bytes) -> None:
        """Store a file's content, or bytes; an existing key is replaced."""
        ...

    def get(self, key: str) -> bytes:
        """Read a whole object.

        Raises:
            NotFoundError: there is no such key.
        """
        ...

    def path(self, key: str) -> Path:
        """A local, read-only path with the object's content; remote stores download it once.

        Raises:
            NotFoundError: there is no such key.
        """
        ...

    def exists(self, key: str) -> bool:
        """Whether the key is there."""
        ...

    def list(self, prefix: str) -> Sequence[str]:
        """All keys below a prefix, sorted."""
        ...

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error."""
        ...


class Entry(Frozen):
    """One line of an append-only stream. `digest` covers the content and the digest of the line before."""

    sequence: int
    time: datetime.datetime
    id: str
    body: Mapping[str, Any]
    digest: str


class StateStore(Protocol):
    """What must survive: append-only streams, records by name, and locks."""

    def append(self, project: str, stream: str, id: str, body: Mapping[str, Any]) -> Entry:  # noqa: A002
        """Add a line to a hash-chained stream; an id that is already there gives back its first entry."""
        ...

    def read(self, project: str, stream: str, *, last: int | None = None) -> Sequence[Entry]:
        """The stream's entries in order, or only the last few.

        Raises:
            ConflictError: an entry was altered or removed after it was written (the chain does not hold).
        """
        ...

    def get(self, project: str, name: str) -> Mapping[str, Any] | None:
        """A record, or None."""
        ...

    def put(self, project: str, name: str, body: Mapping[str, Any] | None) -> None:
        """Write a record whole; None removes it."""
        ...

    def projects(self) -> Sequence[str]:
        """All projects that have records or streams, sorted."""
        ...

    def lock(self, name: str, owner: str, *, seconds: float = 60) -> AbstractContextManager[None]:
        """Hold a lock while the block runs; it is renewed meanwhile, and expires if the process dies.

        Raises:
            LockedError: another owner has it; the message says who and since when.
        """
        ...


class Version(Frozen):
    """A registered model version."""

    number: int
    bundle: str
    """The object key prefix of the bundle."""
    digest: str
    """The digest of the bundle."""
    challenger: str
    run_id: str
    created: datetime.datetime
    aliases: tuple[str, ...] = ()


class TrackedRun(Frozen):
    """One training run to be tracked."""

    project: str
    name: str
    key: str
    """What identifies the run: tracking the same key again gives back the run that is there."""
    params: Mapping[str, Scalar]
    metrics: Mapping[str, float]
    series: Mapping[str, tuple[float, ...]]
    """Metric to its values by step (folds, trials)."""
    tags: Mapping[str, str]
    dataset_digest: str


class ModelRegistry(Protocol):
    """Tracked runs, model versions and their aliases."""

    def track(self, run: TrackedRun, artifacts: Path | None) -> str:
        """Record a run with the files in a folder; gives the run's id."""
        ...

    def register(self, project: str, bundle: Path, *, key: str, digest: str, challenger: str, run_id: str) -> Version:
        """Make a bundle a version; the same digest again gives back the version that is there."""
        ...

    def versions(self, project: str) -> Sequence[Version]:
        """All versions, oldest first."""
        ...

    def set_alias(self, project: str, alias: str, number: int | None) -> None:
        """Point an alias at a version, atomically; None removes it."""
        ...


class Progress(Protocol):
    """Where long work reports how far it is."""

    def step(self, name: str, total: int | None = None) -> Progress:
        """Begin a part with a known number of units, or an unknown one."""
        ...

    def advance(self, units: int = 1, note: str = "") -> None:
        """Units are done; `note` is shown beside the bar (the best score so far)."""
        ...

    def done(self, note: str = "") -> None:
        """The part is over."""
        ...


class Engine(Protocol):
    """Where the computing happens."""

    def gate(
        self,
        project: AnyProject,
        snapshot: Snapshot,
        data: Path,
        folder: Path,
        progress: Progress,
        checks: Mapping[str, Callable[[Any], Any]] = MappingProxyType({}),
        window: Window | None = None,
    ) -> GateReport:
        """Split the rows of the snapshot's Parquet file by the contract, in bounded memory.

        Writes `accepted.parquet` and `rejected.parquet` into `folder`; the report's tables have their names as keys.
        `checks` are the functions of the project's checks.py by name, each from a narwhals frame to an expression.
        Rows whose day is outside the `window` are left out and counted.

        Raises:
            GateError: a column is missing, or the contract asks for something that its columns cannot give.
            HookError: a function of checks.py fails.
        """
        ...

    def each(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Apply a function to independent items, side by side, giving results in the items' order."""
        ...


class Family(Protocol):
    """A kind of model: a module of `torneo.models`, or an object that an entry point names."""

    TASKS: tuple[Task, ...]
    """What it can learn."""
    SCALES: bool
    """Whether the scale of its inputs matters; where it does not, `scale` is left out of the preparation."""
    HANDLES_MISSING: bool
    """Whether numeric inputs may be missing (NaN)."""

    def build(self, task: Task, params: Mapping[str, Scalar], *, seed: int, jobs: int) -> Any:
        """An unfitted estimator with scikit-learn's interface; equal arguments and rows give equal models.

        Classification learns the codes 0 … k - 1 and has `predict_proba`.
        """
        ...

    def parameters(self, task: Task) -> frozenset[str]:
        """The names that `params` may have."""
        ...

    def space(self, task: Task, rows: int, columns: int) -> Space:
        """Where a search looks, for so many training rows and inputs."""
        ...

    def refuse(self, params: Mapping[str, Scalar]) -> str | None:
        """Why a model with these parameters cannot become an ONNX bundle; None if it can."""
        ...

    def contributions(self, estimator: Any, Z: Any) -> Any:
        """SHAP values (rows, columns) of a fitted estimator, or (rows, columns, classes) for three classes or more.

        Z (rows, columns) is what the preparation made. None where the family has no exact, quick way.
        """
        ...


class Warehouse(Protocol):
    """The database that loads write to; each method is one transaction. A NUL in a text is written as U+FFFD.

    All raise UnavailableError where the database does not answer or the connection is lost (nothing is half done), and
    ConflictError where it refuses: no permission, no such database, disk full, a table of another shape.
    """

    def migrate(self, tables: LoadTables) -> None:
        """Create what is missing of the schemas and tables; add columns that the contract has gained.

        Raises:
            ConflictError: a table is there with a column of another type, another key, or without one of ours.
        """
        ...

    def write_raw(self, tables: LoadTables, run: str, rows: Path, at: datetime.datetime) -> int:
        """Copy a Parquet file (`__line__` and `raw_columns`, which become text) into raw; a run's rows are replaced."""
        ...

    def write_rejects(self, tables: LoadTables, run: str, suite: str, rows: Path, at: datetime.datetime) -> int:
        """Copy a Parquet file of the gate's refused rows into rejects; rows of the same run are replaced."""
        ...

    def merge(self, tables: LoadTables, run: str, rows: Path, rules: MergeRules, at: datetime.datetime) -> Merged:
        """Copy accepted rows into staging, whose rows they replace, and merge them into production.

        `rows` is a Parquet file with the columns of the load in exactly their types (String, Int64, Float64, Boolean,
        Date, Datetime("us"), Decimal(precision, scale)). New keys are inserted, rows that differ are updated
        (`updated_at` moves only then), and active keys that are missing inside the window are deactivated; keys
        outside are not touched. Two merges into one table wait for each other; readers see all of a merge or nothing.

        Raises:
            GateError: keys would be deactivated, and more of them than `max_shrink` allows; nothing is changed.
            ConflictError: a row is outside the window, has no key or one that is there twice, or production has the
                key outside the window; nothing is changed.
        """
        ...

    def record_run(
        self, run: str, project: str, suite: str, status: str, details: Mapping[str, Any], at: datetime.datetime
    ) -> None:
        """Write (or replace) the run's line in `dqm.dq_runs`, a table that is made when it is first needed."""
        ...

    def read(self, table: str, *, where: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """A table's rows in any order, those whose columns have the values of `where`; None means no value.

        Moments are in UTC; JSON (`reasons`, `details`) comes as its canonical text.

        Raises:
            NotFoundError: there is no such table.
        """
        ...
