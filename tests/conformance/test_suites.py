"""A suite is worth something only if it fails: each of these implementations breaks one promise, and is found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from torneo.errors import LockedError, UnavailableError
from torneo.ports import Entry, TrackedRun, Version
from torneo.testing import (
    OBJECTS_SUITE,
    REGISTRY_SUITE,
    STATE_SUITE,
    FixedClock,
    MemoryObjects,
    MemoryRegistry,
    MemoryState,
)


class CutsObjects(MemoryObjects):
    def get(self, key: str) -> bytes:
        return super().get(key)[: 1 << 20]


class KeepsThePath(MemoryObjects):
    def __init__(self) -> None:
        super().__init__()
        self._files: dict[str, Path] = {}

    def get(self, key: str) -> bytes:
        return self._files[key].read_bytes() if key in self._files else super().get(key)

    def put(self, key: str, source: Path | bytes) -> None:
        super().put(key, source)
        if isinstance(source, Path):
            self._files[key] = source


class CachesPaths(MemoryObjects):
    def __init__(self) -> None:
        super().__init__()
        self._cached: dict[str, Path] = {}

    def path(self, key: str) -> Path:
        return self._cached.setdefault(key, super().path(key))


class NamesPathsAnew(MemoryObjects):
    def path(self, key: str) -> Path:
        path = super().path(key)
        return path.rename(path.with_name("object"))


class GivesNothingForMissing(MemoryObjects):
    def get(self, key: str) -> bytes:
        return super().get(key) if self.exists(key) else b""


class ListsByText(MemoryObjects):
    def list(self, prefix: str) -> Sequence[str]:
        super().list(prefix)
        return sorted(key for key in self._objects if key.startswith(prefix))


class DeletesBelow(MemoryObjects):
    def delete(self, key: str) -> None:
        super().delete(key)
        for other in super().list(key.partition("/")[0]):
            super().delete(other)


class FoldsAccents(MemoryObjects):
    def put(self, key: str, source: Path | bytes) -> None:
        super().put(key.replace("e\u0301", "é"), source)

    def get(self, key: str) -> bytes:
        return super().get(key.replace("e\u0301", "é"))


class LetsKeysEscape(MemoryObjects):
    def put(self, key: str, source: Path | bytes) -> None:
        super().put(key.replace("..", "up"), source)


class Unchained(MemoryState):
    def append(self, project: str, stream: str, id: str, body: Mapping[str, Any]) -> Entry:  # noqa: A002
        entry = super().append(project, stream, id, body)
        return self._put(project, stream, entry.model_copy(update={"digest": "0" * 64}))

    def _put(self, project: str, stream: str, entry: Entry) -> Entry:
        self._streams[project, stream][entry.sequence - 1] = entry
        return entry


class KeepsTuples(MemoryState):
    def append(self, project: str, stream: str, id: str, body: Mapping[str, Any]) -> Entry:  # noqa: A002
        return super().append(project, stream, id, body).model_copy(update={"body": body})


class AppendsTwice(MemoryState):
    def append(self, project: str, stream: str, id: str, body: Mapping[str, Any]) -> Entry:  # noqa: A002
        return super().append(project, stream, f"{id}-{len(self._streams.get((project, stream), []))}", body)


class ReadsTheFirst(MemoryState):
    def read(self, project: str, stream: str, *, last: int | None = None) -> Sequence[Entry]:
        return super().read(project, stream)[:last]


class MergesRecords(MemoryState):
    def put(self, project: str, name: str, body: Mapping[str, Any] | None) -> None:
        super().put(project, name, None if body is None else {**(self.get(project, name) or {}), **body})


class ForgetsStreams(MemoryState):
    def projects(self) -> Sequence[str]:
        return sorted({project for project, _ in self._records})


class LetsTheOwnerIn(MemoryState):
    @contextmanager
    def lock(self, name: str, owner: str, *, seconds: float = 60) -> Iterator[None]:
        if self._holders.get(name, "").startswith(owner):
            yield
        else:
            with super().lock(name, owner, seconds=seconds):
                yield


class LetsAllIn(MemoryState):
    @contextmanager
    def lock(self, name: str, owner: str, *, seconds: float = 60) -> Iterator[None]:
        yield


class KeepsLocksOnErrors(MemoryState):
    @contextmanager
    def lock(self, name: str, owner: str, *, seconds: float = 60) -> Iterator[None]:
        if name in self._holders:
            raise LockedError(self._holders[name])
        self._holders[name] = owner
        yield
        del self._holders[name]


class ForgetsToRenew(MemoryState):
    @contextmanager
    def lock(self, name: str, owner: str, *, seconds: float = 60) -> Iterator[None]:
        if float(self._holders.get(name, 0)) > time.monotonic():
            raise LockedError(self._holders[name])
        self._holders[name] = str(time.monotonic() + seconds)
        yield
        self._holders.pop(name, None)


class TracksTwice(MemoryRegistry):
    def track(self, run: TrackedRun, artifacts: Path | None) -> str:
        return super().track(run.model_copy(update={"key": f"{run.key}{len(self.runs)}"}), artifacts)


class RefusesLongTexts(MemoryRegistry):
    def track(self, run: TrackedRun, artifacts: Path | None) -> str:
        if any(len(str(value)) > 6000 for value in run.params.values()):
            raise UnavailableError("too long")
        return super().track(run, artifacts)


class RegistersTwice(MemoryRegistry):
    def register(self, project: str, bundle: Path, *, key: str, digest: str, challenger: str, run_id: str) -> Version:
        unique = f"{digest}{len(self.versions(project))}"
        return super().register(project, bundle, key=key, digest=unique, challenger=challenger, run_id=run_id)


class RegistersWithoutARun(MemoryRegistry):
    def register(self, project: str, bundle: Path, *, key: str, digest: str, challenger: str, run_id: str) -> Version:
        self.runs.setdefault(run_id, next(iter(self.runs.values()), None))  # type: ignore[arg-type]
        return super().register(project, bundle, key=key, digest=digest, challenger=challenger, run_id=run_id)


class AddsAliases(MemoryRegistry):
    def set_alias(self, project: str, alias: str, number: int | None) -> None:
        if number is not None or alias == "champion":
            super().set_alias(project, alias, number)


class PointsAtNothing(MemoryRegistry):
    def set_alias(self, project: str, alias: str, number: int | None) -> None:
        super().set_alias(project, alias, number if number in {v.number for v in self.versions(project)} else None)


def check_named(name: str) -> Callable[[Callable[[], Any]], None]:
    return {check.__name__: check for check in (*OBJECTS_SUITE, *STATE_SUITE, *REGISTRY_SUITE)}[name]


@pytest.mark.parametrize(
    ("broken", "check", "says"),
    [
        (CutsObjects, "gives_back_what_was_put", "object of 6144000 bytes"),
        (KeepsThePath, "stores_files", "file that was changed afterwards"),
        (CachesPaths, "replaces", "after the object was replaced"),
        (NamesPathsAnew, "keeps_the_name_in_paths", "file name of path: expected table.parquet, got object"),
        (GivesNothingForMissing, "misses_what_is_not_there", "NotFoundError was not raised"),
        (ListsByText, "lists_below_a_prefix", "list..run"),
        (DeletesBelow, "deletes", "keys that are left"),
        (FoldsAccents, "takes_strange_keys", "object 'café'"),
        (LetsKeysEscape, "refuses_keys_that_escape", "ConflictError was not raised"),
    ],
)
def test_a_broken_object_store_is_found(broken: type[MemoryObjects], check: str, says: str) -> None:
    store = broken()
    with pytest.raises(AssertionError, match=says):
        check_named(check)(lambda: store)


@pytest.mark.parametrize(
    ("broken", "check", "says"),
    [
        (Unchained, "chains_entries", "digests of the entries: .* entry 1 was altered"),
        (KeepsTuples, "keeps_bodies", "body that append gives"),
        (AppendsTwice, "appends_an_id_once", "second append of an id"),
        (AppendsTwice, "appends_from_many_threads", "number of entries: expected 40, got 64"),
        (ReadsTheFirst, "reads_the_last", "last=1"),
        (MergesRecords, "keeps_records", "replaced record"),
        (ForgetsStreams, "names_projects", "projects: expected .*'a', 'b'"),
        (LetsTheOwnerIn, "locks_out_others", "asked for by first owner: LockedError was not raised"),
        (KeepsLocksOnErrors, "frees_a_lock_on_errors", "left with an error is not free"),
        (ForgetsToRenew, "renews_locks", "held for longer than its seconds: LockedError was not raised"),
        (LetsAllIn, "lets_one_in", "owners of a lock at once: expected 1"),
    ],
)
def test_a_broken_state_store_is_found(broken: type[MemoryState], check: str, says: str) -> None:
    store = broken(FixedClock())
    with pytest.raises(AssertionError, match=says):
        check_named(check)(lambda: store)


@pytest.mark.parametrize(
    ("broken", "check", "says"),
    [
        (TracksTwice, "tracks_a_key_once", "run of a key tracked twice"),
        (RefusesLongTexts, "tracks_much", "long parameters"),
        (RegistersTwice, "registers_a_digest_once", "version of a digest registered twice"),
        (RegistersWithoutARun, "needs_a_run", "a run that is not there: NotFoundError was not raised"),
        (AddsAliases, "moves_aliases", "after one was removed"),
        (PointsAtNothing, "refuses_aliases_of_nothing", "NotFoundError was not raised"),
    ],
)
def test_a_broken_registry_is_found(broken: type[MemoryRegistry], check: str, says: str) -> None:
    store = broken(FixedClock())
    with pytest.raises(AssertionError, match=says):
        check_named(check)(lambda: store)


def test_every_check_has_a_broken_implementation() -> None:
    tested = {
        row[1]
        for test in (
            test_a_broken_object_store_is_found,
            test_a_broken_state_store_is_found,
            test_a_broken_registry_is_found,
        )
        for mark in test.pytestmark  # type: ignore[attr-defined]
        for row in mark.args[1]
    }
    assert tested == {check.__name__ for check in (*OBJECTS_SUITE, *STATE_SUITE, *REGISTRY_SUITE)}
