"""Where things are kept: files, state, model versions."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from torneo.spec.frozen import Frozen
from torneo.spec.project import Scalar


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


INSTALLATION = "@installation"
"""The name under which a state store keeps what belongs to the installation and to no project, such as its API keys.

A project's name begins with a letter, so none can have this one.
"""


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
        """All projects that have records or streams, sorted; the installation's own are not among them."""
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
