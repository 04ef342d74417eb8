"""What every state store must do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from torneo.errors import ConflictError, LockedError
from torneo.ports import INSTALLATION, StateStore
from torneo.spec.chain import verify
from torneo.testing.expect import equal, raises

Factory = Callable[[], StateStore]
BODY = {"b": [1, 2.5, None, True], "a": {"text": "ü \u2028 \U0001f600"}, "empty": {}}


def chains_entries(factory: Factory) -> None:
    """Entries come back in order with their content, numbered from 1, and each digest covers the one before."""
    written = [factory().append("housing", "decisions", f"id-{number}", {"n": number}) for number in range(5)]
    found = list(factory().read("housing", "decisions"))
    equal(found, written, "entries read")
    equal([entry.sequence for entry in found], [1, 2, 3, 4, 5], "numbers of the entries")
    equal([entry.body["n"] for entry in found], [0, 1, 2, 3, 4], "bodies in order")
    try:
        verify("decisions", found, count=5, head=written[-1].digest)
    except ConflictError as error:
        raise AssertionError(f"digests of the entries: {error}") from error


def keeps_bodies(factory: Factory) -> None:
    """Bodies are JSON: they come back equal, from `append` as from `read`; a tuple becomes a list."""
    entry = factory().append("p", "s", "1", BODY | {"tuple": (1, 2)})
    equal(dict(entry.body), BODY | {"tuple": [1, 2]}, "body that append gives")
    equal(dict(factory().read("p", "s")[0].body), BODY | {"tuple": [1, 2]}, "body that read gives")


def appends_an_id_once(factory: Factory) -> None:
    """Appending an id again changes nothing and gives back the first entry; other streams have their own ids."""
    first = factory().append("p", "s", "same", {"n": 1})
    equal(factory().append("p", "s", "same", {"n": 2}), first, "second append of an id")
    factory().append("p", "other", "same", {"n": 3})
    factory().append("q", "s", "same", {"n": 4})
    equal([entry.body["n"] for entry in factory().read("p", "s")], [1], "stream after the second append")
    equal([entry.body["n"] for entry in factory().read("q", "s")], [4], "another project's stream")


def reads_the_last(factory: Factory) -> None:
    """`last` gives the newest entries in their order."""
    store = factory()
    equal(list(store.read("p", "s")), [], "entries of a stream that is not there")
    equal(list(store.read("p", "s", last=2)), [], "last entries of a stream that is not there")
    for number in range(1, 6):
        store.append("p", "s", str(number), {"n": number})
    for last, expected in (
        (0, []),
        (1, [5]),
        (2, [4, 5]),
        (4, [2, 3, 4, 5]),
        (5, [1, 2, 3, 4, 5]),
        (9, [1, 2, 3, 4, 5]),
    ):
        equal([entry.body["n"] for entry in store.read("p", "s", last=last)], expected, f"last={last}")


def appends_from_many_threads(factory: Factory) -> None:
    """Entries that are appended at once are all there, once, in one chain."""
    stores = [factory() for _ in range(4)]

    def write(number: int) -> None:
        for count in range(8):
            stores[number].append("p", "s", f"{number}-{count}", {})
            stores[number].append("p", "s", f"shared-{count}", {})

    _together([partial(write, number) for number in range(4)])
    ids = [entry.id for entry in factory().read("p", "s")]
    equal(len(ids), 4 * 8 + 8, "number of entries")
    equal(len(set(ids)), len(ids), "number of different ids")


def keeps_records(factory: Factory) -> None:
    """A record is written whole, read back equal, replaced and removed."""
    store = factory()
    equal(store.get("p", "run"), None, "record that is not there")
    store.put("p", "run", BODY)
    equal(dict(factory().get("p", "run") or {}), BODY, "record")
    store.put("p", "run", {"only": 1})
    equal(dict(store.get("p", "run") or {}), {"only": 1}, "replaced record")
    equal(store.get("q", "run"), None, "another project's record of that name")
    store.put("p", "run", {})
    equal(store.get("p", "run"), {}, "record that is empty")
    store.put("p", "run", None)
    store.put("p", "run", None)
    equal(factory().get("p", "run"), None, "removed record")


def names_projects(factory: Factory) -> None:
    """Projects are those with records or streams, each once, sorted; what is the installation's is no project."""
    store = factory()
    equal(list(store.projects()), [], "projects of an empty store")
    store.put("b", "x", {})
    store.put("b", "y", {})
    store.append("a", "s", "1", {})
    store.append("b", "s", "1", {})
    store.put("c", "x", {})
    store.put("c", "x", None)
    store.put(INSTALLATION, "x", {})
    store.append(INSTALLATION, "s", "1", {})
    equal(list(factory().projects()), ["a", "b"], "projects")
    equal(len(store.read(INSTALLATION, "s")), 1, "entries of the installation's stream")


def locks_out_others(factory: Factory) -> None:
    """A lock that is held refuses everybody, its own owner too, and says who has it; others are not affected."""
    with factory().lock("housing", "first owner"):
        for owner in ("second", "first owner"):
            with raises(LockedError, f"a lock that is held, asked for by {owner}", says="first owner"):
                factory().lock("housing", owner).__enter__()
        with factory().lock("sales", "second"):
            factory().put("sales", "x", {})
    with factory().lock("housing", "second"):
        pass


def frees_a_lock_on_errors(factory: Factory) -> None:
    """A lock is free when its block has failed, and the block's error comes out."""
    try:
        with factory().lock("housing", "first"):
            raise KeyError("from the block")  # noqa: TRY301 - the block's own error is what is tested
    except KeyError:
        pass
    else:
        raise AssertionError("the error of the block was lost")
    try:
        with factory().lock("housing", "second"):
            pass
    except LockedError as error:
        raise AssertionError(f"a lock that was left with an error is not free: {error}") from error


def renews_locks(factory: Factory) -> None:
    """A lock is held for as long as its block runs, not only for its seconds."""
    with factory().lock("housing", "first", seconds=0.3):
        time.sleep(0.8)
        with raises(LockedError, "a lock held for longer than its seconds", says="first"):
            factory().lock("housing", "second").__enter__()


def lets_one_in(factory: Factory) -> None:
    """Of many who ask at once, one at a time is inside."""
    inside: list[int] = []
    most: list[int] = []

    def enter() -> None:
        store = factory()
        for _ in range(10):
            try:
                with store.lock("housing", "somebody"):
                    inside.append(1)
                    most.append(len(inside))
                    time.sleep(0.001)
                    inside.pop()
            except LockedError:
                time.sleep(0.001)

    _together([enter] * 4)
    equal(max(most, default=0), 1, "owners of a lock at once")


def _together(actions: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(actions)) as pool:
        for future in [pool.submit(action) for action in actions]:
            future.result()


STATE_SUITE = (
    chains_entries,
    keeps_bodies,
    appends_an_id_once,
    reads_the_last,
    appends_from_many_threads,
    keeps_records,
    names_projects,
    locks_out_others,
    frees_a_lock_on_errors,
    renews_locks,
    lets_one_in,
)
"""The checks of a state store."""
