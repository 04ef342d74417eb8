"""Small projects on a disk of their own, trained whole, for tests of what comes after training."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import yaml

import small
from torneo.api import Project
from torneo.runtime import Runtime
from torneo.spec.load import load
from torneo.spec.settings import Settings

CHALLENGERS = {
    "line": {"model": "linear"},
    "stump": {"model": "random_forest", "params": {"n_estimators": 3, "max_depth": 1}},
}


def opened(folder: Path) -> Project:
    """The project in a folder, whose home is beside its file."""
    return Project(load(folder / "project.yaml"), folder, Runtime(Settings(home=folder / "home", jobs=1)))


def declare(folder: Path, *, classes: bool = True, **parts: Any) -> Project:
    """Write project.yaml, with these parts instead of those of `small.project`."""
    body = small.project(classes=classes).model_dump(mode="json", exclude_unset=True)
    (folder / "project.yaml").write_text(yaml.safe_dump({**body, **parts}, sort_keys=False), encoding="utf-8")
    return opened(folder)


def trained(folder: Path, *, rows: int = 240, classes: bool = True, **parts: Any) -> Project:
    """A project that has run once, with two versions."""
    small.table(rows, classes=classes).write_csv(folder / "data.csv")
    project = declare(folder, classes=classes, **{"challengers": CHALLENGERS, **parts})
    project.run()
    return project


def copied(project: Project, folder: Path) -> Project:
    """A copy that a test may spoil."""
    return opened(Path(shutil.copytree(project.folder, folder / "copy")))


def answers(project: Project, file: str | Path, folder: Path, **more: Any) -> tuple[Any, pl.DataFrame]:
    """What became of a file, and the rows that were answered."""
    out = folder / "answers.parquet"
    done = project.predict(file, out, folder / "rejected.csv", **more)
    return done, pl.read_parquet(out)
