"""A look at the log is made in a process of its own, which is ended where it must be."""

from __future__ import annotations

import datetime
import os
import threading
import time
from pathlib import Path

import polars as pl
import pytest

from torneo.errors import UnavailableError
from torneo.server import look_apart
from torneo.spec.settings import settings
from torneo.watch.views import Asked
from trained import answers, trained

DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a project that has answered 60 rows, all of them far off in one column."""
    folder = tmp_path_factory.mktemp("server")
    project = trained(folder)
    coming = pl.read_csv(folder / "data.csv").head(60).with_columns(pl.col("a") + 9).drop("y")
    coming.write_csv(folder / "coming.csv")
    answers(project, folder / "coming.csv", folder, log=True)
    return folder / "project.yaml"


def asked() -> Asked:
    now = datetime.datetime.now(datetime.UTC)
    return Asked(since=now - DAY, until=now + DAY, window="520w")


def test_it_says_what_drifted(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORNEO_HOME", str(file.parent / "home"))
    settings.cache_clear()
    view = look_apart({"small": str(file)}, "small", asked(), 60, threading.Event())
    assert view.report.rows == 60
    assert "a" in view.report.columns
    [window] = view.windows
    assert window.effects["a"] > 10


def test_it_ends_when_its_time_is_over_and_with_the_server(file: Path) -> None:
    for seconds, ended in ((0.0, threading.Event()), (60.0, threading.Event())):
        if seconds:
            ended.set()
        before, started = children(), time.monotonic()
        with pytest.raises(UnavailableError, match=f"takes longer than {seconds:g} seconds"):
            look_apart({"small": str(file)}, "small", asked(), seconds, ended)
        assert time.monotonic() - started < 30
        assert children() == before, "nothing is left behind"


def test_what_went_wrong_is_told(file: Path) -> None:
    with pytest.raises(UnavailableError, match=r"could not be looked at: error .*nowhere"):
        look_apart({"small": str(file.parent / "nowhere")}, "small", asked(), 60, threading.Event())


def children() -> set[str]:
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == os.getpid():
            found.add(status.parent.name)
    return found
