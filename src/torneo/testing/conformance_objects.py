"""What every object store must do."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from torneo.errors import ConflictError, NotFoundError
from torneo.ports import ObjectStore
from torneo.testing.expect import equal, raises

Factory = Callable[[], ObjectStore]
STRANGE_KEYS = ("a b/ü ñ.txt", "50%/a+b&c=d", "deep/" * 20 + "end", "café", "cafe\u0301", ".hidden", "x.", "~", "#1?")
REFUSED_KEYS = ("", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "a/./b", "a\\b", "a\0b", "a\nb")


def gives_back_what_was_put(factory: Factory) -> None:
    """Bytes come back unchanged: empty ones, all 256 values, several megabytes."""
    store = factory()
    for number, content in enumerate((b"", bytes(range(256)), b"\r\n\x00", bytes(range(256)) * 24_000)):
        store.put(f"folder/{number}", content)
        equal(factory().get(f"folder/{number}"), content, f"object of {len(content)} bytes")


def stores_files(factory: Factory) -> None:
    """A file's content is copied: changing the file afterwards changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        file.write_bytes(b"first")
        factory().put("a/model", file)
        file.write_bytes(b"second")
        equal(factory().get("a/model"), b"first", "object put from a file that was changed afterwards")
        with raises(NotFoundError, "putting a file that is not there", says="absent"):
            factory().put("a/absent", file.with_name("absent"))


def replaces(factory: Factory) -> None:
    """Putting again replaces, and `path` shows the new content."""
    store = factory()
    store.put("a/file.txt", b"old, and longer")
    equal(store.path("a/file.txt").read_bytes(), b"old, and longer", "path's content")
    store.put("a/file.txt", b"new")
    equal(store.get("a/file.txt"), b"new", "replaced object")
    equal(store.path("a/file.txt").read_bytes(), b"new", "path's content after the object was replaced")


def keeps_the_name_in_paths(factory: Factory) -> None:
    """`path` ends in the key's last part, so that readers can tell the format."""
    store = factory()
    store.put("a/table.parquet", b"1")
    store.put("b/table.parquet", b"2")
    equal(store.path("a/table.parquet").name, "table.parquet", "file name of path")
    both = [store.path(f"{folder}/table.parquet").read_bytes() for folder in "ab"]
    equal(both, [b"1", b"2"], "paths of two keys with the same last part")


def misses_what_is_not_there(factory: Factory) -> None:
    """Reading a key that is not there is NotFoundError, and the message names it; a prefix is no key."""
    store = factory()
    store.put("a/b/c", b"1")
    for key in ("a/b/d", "a/b", "a/b/c2"):
        with raises(NotFoundError, f"get({key!r})", says=key):
            store.get(key)
        with raises(NotFoundError, f"path({key!r})", says=key):
            store.path(key)
        equal(store.exists(key), False, f"exists({key!r})")
    equal(store.exists("a/b/c"), True, "exists of a key that is there")


def lists_below_a_prefix(factory: Factory) -> None:
    """Listing is recursive and sorted, and goes by whole parts: `run` is not above `run2/x`."""
    store = factory()
    equal(list(store.list("")), [], "keys of an empty store")
    for key in ("run/b", "run/a/2", "run/a/10", "run2/x", "run.txt", "top"):
        store.put(key, b"1")
    equal(list(store.list("run")), ["run/a/10", "run/a/2", "run/b"], "list('run')")
    equal(list(store.list("run/")), ["run/a/10", "run/a/2", "run/b"], "list('run/')")
    equal(list(store.list("")), sorted(("run/b", "run/a/2", "run/a/10", "run2/x", "run.txt", "top")), "list('')")
    equal(list(store.list("nothing")), [], "list of a prefix that has nothing")


def deletes(factory: Factory) -> None:
    """A deleted key is gone, its neighbours are not; deleting twice is no error."""
    store = factory()
    store.put("a/1", b"1")
    store.put("a/2", b"2")
    store.delete("a/1")
    store.delete("a/1")
    store.delete("never/was")
    equal(store.exists("a/1"), False, "exists of a deleted key")
    equal(list(factory().list("")), ["a/2"], "keys that are left")


def takes_strange_keys(factory: Factory) -> None:
    """Spaces, accents (composed and not), percent signs and depth are no trouble."""
    store = factory()
    for number, key in enumerate(STRANGE_KEYS):
        store.put(key, str(number).encode())
    for number, key in enumerate(STRANGE_KEYS):
        equal(store.get(key), str(number).encode(), f"object {key!r}")
    equal(list(store.list("")), sorted(STRANGE_KEYS), "strange keys")


def refuses_keys_that_escape(factory: Factory) -> None:
    """A key that is empty, absolute, or goes up is ConflictError, whatever is done with it."""
    store = factory()
    for key in REFUSED_KEYS:
        with raises(ConflictError, f"put({key!r})", says="key"):
            store.put(key, b"1")
        for name, action in (("get", store.get), ("exists", store.exists), ("delete", store.delete)):
            with raises(ConflictError, f"{name}({key!r})", says="key"):
                action(key)
    for prefix in ("..", "a/../..", "/etc"):
        with raises(ConflictError, f"list({prefix!r})", says="key"):
            store.list(prefix)
    equal(list(store.list("")), [], "keys after refused writes")


OBJECTS_SUITE = (
    gives_back_what_was_put,
    stores_files,
    replaces,
    keeps_the_name_in_paths,
    misses_what_is_not_there,
    lists_below_a_prefix,
    deletes,
    takes_strange_keys,
    refuses_keys_that_escape,
)
"""The checks of an object store."""
