"""Every backend passes its suite, and every check of a suite finds what it looks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from torneo.errors import NotFoundError
from torneo.stores.objects import open_objects
from torneo.testing import OBJECTS_SUITE, REGISTRY_SUITE, STATE_SUITE

Check = Callable[[Callable[[], Any]], None]


def name_of(check: Check) -> str:
    return check.__name__


@pytest.mark.parametrize("check", OBJECTS_SUITE, ids=name_of)
def test_objects(check: Check, objects: Callable[[], Any]) -> None:
    check(objects)


@pytest.mark.parametrize("check", STATE_SUITE, ids=name_of)
def test_state(check: Check, state: Callable[[], Any]) -> None:
    check(state)


@pytest.mark.parametrize("check", REGISTRY_SUITE, ids=name_of)
def test_registry(check: Check, registry: Callable[[], Any], capfd: pytest.CaptureFixture[str]) -> None:
    check(registry)
    assert capfd.readouterr() == ("", "")


def test_a_bucket_that_is_not_there_is_not_found(s3_bucket: str, tmp_path: Path) -> None:
    store = open_objects(f"s3://{s3_bucket}-absent/prefix", tmp_path)
    for action in (store.get, store.path):
        with pytest.raises(NotFoundError, match="or no such bucket"):
            action("a")
    with pytest.raises(NotFoundError, match="or no such bucket"):
        store.put("a", b"1")


def test_s3_downloads_a_content_once(s3_bucket: str, tmp_path: Path) -> None:
    first = open_objects(f"s3://{s3_bucket}", tmp_path)
    first.put("a/model", b"1")
    path = first.path("a/model")
    inode = path.stat().st_ino
    assert open_objects(f"s3://{s3_bucket}", tmp_path).path("a/model").stat().st_ino == inode
    first.put("a/model", b"2")
    assert first.path("a/model") != path
