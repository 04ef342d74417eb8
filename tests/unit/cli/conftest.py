"""A project for the tests of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import small
from commands import Place
from torneo.spec.settings import settings


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Place]:
    from torneo.cli import shared

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORNEO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORNEO_JOBS", "1")
    for console in (shared.out, shared.err):
        monkeypatch.setattr(console, "_file", None)
    small.table(120).write_csv(tmp_path / "data.csv")
    made = Place(tmp_path, monkeypatch, capsys)
    made.spec()
    yield made
    settings.cache_clear()
