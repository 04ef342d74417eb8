from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.errors import ConflictError, MissingExtraError, NotFoundError, UnavailableError
from torneo.stores.keys import LONGEST_NAME, TEMPORARY, check_key
from torneo.stores.objects import FolderObjects, open_objects

WRITE_FOR_EVER = """
import pathlib, sys
from torneo.stores.objects import FolderObjects
store = FolderObjects(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
while True:
    for letter in (b"a", b"b"):
        store.put("run/model", letter * 5_000_000)
"""


def test_a_location_without_a_scheme_is_a_folder(tmp_path: Path) -> None:
    open_objects(str(tmp_path / "objects"), tmp_path).put("a", b"1")
    assert (tmp_path / "objects" / "a").read_bytes() == b"1"


def test_other_schemes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match=r"no object store for ftp:// \(there are: a folder, s3://\)"):
        open_objects("ftp://host/x", tmp_path)


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtraError, match=r"s3://bucket needs s3fs[\s\S]*pip install 'torneo\[s3\]'"):
        open_objects("s3://bucket", tmp_path)


def test_a_killed_write_leaves_the_old_object_or_the_new_one(tmp_path: Path) -> None:
    store = FolderObjects(tmp_path)
    store.put("run/model", b"a" * 5_000_000)
    for pause in (0.02, 0.033, 0.047):
        process = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert store.get("run/model") in (b"a" * 5_000_000, b"b" * 5_000_000)
        assert store.list("") == ["run/model"]


def test_a_full_disk_is_said_and_leaves_the_old_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderObjects(tmp_path)
    store.put("a", b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnavailableError, match=r"No space left on device[\s\S]*the space left on that disk"):
        store.put("a", b"new")
    assert store.get("a") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_object_cannot_be_a_folder_too(tmp_path: Path) -> None:
    store = FolderObjects(tmp_path)
    store.put("a", b"1")
    with pytest.raises(ConflictError, match="cannot be an object"):
        store.put("a/b", b"2")
    store.put("c/d", b"1")
    with pytest.raises(ConflictError, match="cannot be an object"):
        store.put("c", b"2")
    assert store.list("") == ["a", "c/d"]


def test_unfinished_files_are_no_objects(tmp_path: Path) -> None:
    (tmp_path / f"{TEMPORARY}1").write_bytes(b"half")
    store = FolderObjects(tmp_path)
    assert store.list("") == []
    with pytest.raises(ConflictError, match="cannot be a part of one"):
        store.get(f"{TEMPORARY}1")


def test_long_names_are_refused_where_they_are_made() -> None:
    assert check_key("x" * LONGEST_NAME)
    with pytest.raises(ConflictError, match="longer than 200 bytes"):
        check_key("é" * 101)


@given(st.text(alphabet=st.sampled_from("ab./\\\0\n~"), max_size=12))
def test_no_key_leads_out_of_the_folder(key: str) -> None:
    root = Path("/objects")
    try:
        place = Path(os.path.normpath(root / check_key(key)))
    except ConflictError:
        return
    assert root in place.parents
    assert place == root / key


def test_an_s3_server_that_is_away_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    store = open_objects("s3://bucket/prefix", tmp_path)
    for action in (store.get, store.path, store.exists, store.delete, store.list):
        with pytest.raises(UnavailableError, match=r"s3://bucket/prefix does not answer[\s\S]*AWS_ENDPOINT_URL"):
            action("a")
    with pytest.raises(UnavailableError, match="does not answer"):
        store.put("a", b"1")
    with pytest.raises(NotFoundError, match="no file"):
        store.put("a", tmp_path / "absent")
