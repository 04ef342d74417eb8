"""What `torneo run` costs beyond the fits it makes: the same fits, bare, in the same run.

    python bench/pipeline.py housing telco      (projects by name; data files through TORNEO_DATA)

For each project, a first `torneo run` in an empty home, the fits of all its trials, folds and final models with plain
scikit-learn pipelines on the same rows (as many threads), and a second `torneo run` with nothing to do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from torneo.hooks import load_hooks
from torneo.learn.auto import challengers_of
from torneo.learn.features import rows_of
from torneo.learn.folds import Fold, Rows, folds
from torneo.learn.material import recipe_of
from torneo.learn.recipe import Recipe
from torneo.spec.load import load
from torneo.spec.project import Project
from torneo.spec.records import Prepared, Trained

JOBS = os.cpu_count() or 1


def run(name: str, home: Path) -> tuple[float, dict[str, Any]]:
    """Seconds and report of `torneo run NAME`."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "torneo", "run", name, "--json"],
        env={**os.environ, "TORNEO_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started, json.loads(done.stdout)[0]


def fits(trained: Trained, recipe: Recipe, rows: Rows, pairs: list[Fold]) -> Iterator[list[tuple[Any, Rows]]]:
    """The fits that a challenger took, those that ran side by side together: trials, out of fold, and the final one."""
    base = recipe.challenger.params
    candidates = [dict(trial.params) for trial in trained.trials] if recipe.challenger.search else []
    for params in [*candidates, dict(trained.params)]:
        yield [(model(recipe.on_one_core(), {**base, **params}), rows.take(train)) for train, _ in pairs]
    yield [(model(recipe, {**base, **trained.params}), rows)]


def model(recipe: Recipe, params: dict[str, Any]) -> Any:
    """A plain scikit-learn pipeline."""
    from torneo.learn.preparation import pipeline

    return pipeline(
        recipe.prepare,
        recipe.features,
        recipe.family,
        task=recipe.task,
        classes=recipe.classes,
        params=params,
        seed=recipe.seed,
        jobs=recipe.jobs,
        nullable=recipe.nullable,
    )


def bare(project: Project, folder: Path, home: Path, report: dict[str, Any]) -> tuple[float, int]:
    """Seconds and number of the bare fits."""
    prepared = Prepared.model_validate(report["results"]["prepare"])
    table = pl.read_parquet(home / "objects" / prepared.train.key)
    hooks, seconds, count = load_hooks(folder), 0.0, 0
    rows = rows_of(project, table, prepared.features)
    for name, challenger in challengers_of(project.challengers, prepared.train.rows).items():
        trained = Trained.model_validate(report["results"][f"train:{name}"])
        recipe = recipe_of(project, challenger, project.prepare, prepared.features, hooks, JOBS)
        pairs = folds(rows, challenger.search.folds if challenger.search else 5, seed=project.split.seed)
        repeats = 2 if challenger.select else 1  # selection fits all inputs first, then those it keeps
        with ThreadPoolExecutor(JOBS) as pool:
            for together in fits(trained, recipe, rows, pairs):
                started = time.perf_counter()
                for _ in range(repeats):
                    list(pool.map(lambda one: one[0].fit(one[1].X, one[1].y), together))
                seconds += time.perf_counter() - started
                count += repeats * len(together)
    return seconds, count


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    table = Table(title=f"torneo run against its own fits, bare ({JOBS} cores)", title_justify="left")
    for column in ("project", "fits", "bare fits, s", "torneo run, s", "ratio", "again, s"):
        table.add_column(column, justify="left" if column == "project" else "right")
    for name in sys.argv[1:] or ["diabetes", "breast_cancer"]:
        with tempfile.TemporaryDirectory() as home:
            seconds, report = run(name, Path(home))
            folder = Path("projects") / name
            alone, count = bare(load(folder / "project.yaml"), folder, Path(home), report)
            again, _ = run(name, Path(home))
        table.add_row(name, str(count), f"{alone:.1f}", f"{seconds:.1f}", f"{seconds / alone:.2f}", f"{again:.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
