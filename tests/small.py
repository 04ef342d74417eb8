"""Projects that are small enough to run whole in a test, on stores in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo.engines.local import LocalEngine
from torneo.hooks import load_hooks
from torneo.learn.folds import Rows
from torneo.learn.preparation import input_frame
from torneo.learn.recipe import Recipe
from torneo.models import linear
from torneo.ports import ObjectStore, Progress
from torneo.sources import fingerprint, read
from torneo.spec.project import Challenger, Prepare, Project
from torneo.spec.records import Feature, Snapshot, Table
from torneo.spec.source import Source
from torneo.stages.context import Context
from torneo.testing import FixedClock, MemoryObjects, MemoryRegistry, MemoryState, SilentProgress

CODE = "the code"


def table(rows: int, *, seed: int = 0, classes: bool = True) -> pl.DataFrame:
    """Rows with an id, a day, a group, two numbers, a colour and an outcome that depends on them."""
    random = np.random.default_rng(seed)
    a, b = random.normal(size=rows).round(4), random.normal(size=rows).round(4)
    colour = random.choice(["red", "green"], rows)
    score = 2 * a - b + (colour == "red") + random.normal(size=rows) / 2
    days = pl.Series(random.integers(0, 365, rows)).cast(pl.Int32).cast(pl.Date)
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "day": days,
            "shop": random.integers(0, max(2, rows // 10), rows),
            "a": a,
            "b": b,
            "colour": colour,
            "y": (score > 0.5).astype(int) if classes else score.round(4),
        }
    )


def project(*, classes: bool = True, **parts: Any) -> Project:
    """The declaration of such a table."""
    outcome = {"type": "category", "values": [0, 1]} if classes else {"type": "float"}
    columns = {
        "id": {"type": "int"},
        "day": {"type": "date"},
        "shop": {"type": "int"},
        "a": {"type": "float", "nullable": True},
        "b": {"type": "float"},
        "colour": {"type": "category", "values": ["red", "green"]},
        "y": outcome,
    }
    base: dict[str, Any] = {
        "project": "small",
        "task": "classification" if classes else "regression",
        "target": "y",
        "source": {"uri": "data.csv"},
        "contract": {"columns": columns, "key": ["id"]},
        "split": {"test": 0.25},
        "challengers": {"line": {"model": "linear"}},
    }
    return Project.model_validate({**base, **parts})


def context(
    project: Project,
    folder: Path,
    *,
    before: Context | None = None,
    progress: Progress | None = None,
    jobs: int = 1,
) -> Context:
    """The project at work in a folder that has data.csv; with the stores of `before` it goes on from there."""
    work = folder / "work" / str(len(list(folder.glob("work/*"))))
    work.mkdir(parents=True)
    clock = FixedClock()

    def read_source(source: Source, target: Path) -> Snapshot:
        reading = read(source, [folder], target)
        digest = hashlib.sha256(target.read_bytes()).hexdigest()
        return Snapshot(
            table=Table(key="", digest=digest, rows=reading.rows),
            source=reading.source,
            file=reading.file,
            fingerprint=reading.fingerprint,
            columns=reading.columns,
        )

    objects: ObjectStore = MemoryObjects() if before is None else before.objects
    return Context(
        project=project,
        folder=folder,
        hooks=load_hooks(folder),
        objects=objects,
        state=MemoryState(clock) if before is None else before.state,
        registry=MemoryRegistry(clock) if before is None else before.registry,
        engine=LocalEngine(jobs),
        clock=clock,
        progress=progress or SilentProgress(),
        read=read_source,
        fingerprint=lambda source: fingerprint(source, [folder]),
        work=work,
        jobs=jobs,
        user="ada",
        owner="ada@test",
        code=CODE,
        tags={},
    )


def rows(
    count: int,
    *,
    seed: int = 0,
    classes: bool = False,
    times: npt.NDArray[np.int64] | None = None,
    groups: npt.NDArray[np.int64] | None = None,
) -> Rows:
    """Two numbers and an outcome, ready to fit."""
    frame = table(count, seed=seed, classes=classes)
    y = frame["y"].to_numpy()
    return Rows(
        X=input_frame(frame, FEATURES),
        y=y.astype(np.int64 if classes else np.float64),
        task="classification" if classes else "regression",
        classes=2 if classes else 0,
        times=times,
        groups=groups,
    )


FEATURES = (Feature(name="a", kind="numeric"), Feature(name="b", kind="numeric"))


def recipe(*, classes: bool = False, family: Any = linear, declared: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe for those two numbers."""
    return Recipe(
        challenger=Challenger.model_validate({"model": "linear", **(declared or {})}),
        prepare=Prepare(),
        family=family,
        features=FEATURES,
        nullable=frozenset({"a"}),
        task="classification" if classes else "regression",
        classes=2 if classes else 0,
        seed=7,
    )
