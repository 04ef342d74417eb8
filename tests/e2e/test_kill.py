"""kill -9 at ten moments of a run: the next run ends where an undisturbed one does."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.command import start, state, torneo, write_project
from torneo.cli import Exit

pytestmark = pytest.mark.slow

MOMENTS = 10
SEED = 20261121
CHALLENGERS = {
    "linear": {"model": "linear"},
    "tuned": {
        "model": "xgboost",
        "params": {"n_estimators": 30},
        "search": {
            "sampler": "tpe",
            "trials": 12,
            "folds": 3,
            "space": {"max_depth": [1, 2, 3], "subsample": [0.7, 1.0]},
        },
    },
}


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody killed."""

    folder: Path
    report: Any
    champion: Any
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    root = tmp_path_factory.mktemp("undisturbed")
    folder = write_project(root / "diabetes", challengers=CHALLENGERS)
    done = torneo("run", str(folder), "--json", home=root / "home")
    champion = torneo("status", str(folder), "--json", home=root / "home").json["champion"]
    return Undisturbed(folder, done.report, champion, done.seconds)


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_killed_run_ends_as_an_undisturbed_one(undisturbed: Undisturbed, tmp_path: Path, moment: int) -> None:
    folder, home = str(undisturbed.folder), tmp_path / "home"
    share = (moment + random.Random(SEED + moment).random()) / MOMENTS  # noqa: S311 - moments, not secrets
    process = start("run", folder, home=home)
    time.sleep(share * undisturbed.seconds)
    process.kill()
    process.communicate()

    report = torneo("run", folder, "--json", home=home).report

    assert report["digest"] == undisturbed.report["digest"]
    status = torneo("status", folder, "--json", home=home).json
    assert status["champion"] == undisturbed.champion
    actions = [entry.body["action"] for entry in state(home).read("diabetes", "decisions")]
    assert actions == ["promote"]
    assert list((home / "work").iterdir()) == []


def test_killed_while_the_tables_of_mlflow_are_made(undisturbed: Undisturbed, tmp_path: Path) -> None:
    folder, home = str(undisturbed.folder), tmp_path / "home"
    process = start("run", folder, home=home)
    made = home / "mlflow.new" / "mlflow.db"
    while not made.exists() or made.stat().st_size < 40_000:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert not (home / "mlflow.db").exists()
    assert torneo("run", folder, "--json", home=home).report["digest"] == undisturbed.report["digest"]
    assert not (home / "mlflow.new").exists()


def test_the_lock_of_a_dead_process_is_free_at_once(undisturbed: Undisturbed, tmp_path: Path) -> None:
    folder, home = str(undisturbed.folder), tmp_path / "home"
    process = start("run", folder, home=home)
    while not (home / "state.db").exists() or state(home).get("diabetes", "step/prepare") is None:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    torneo("run", folder, home=home, expect=Exit.BUSY)
    process.kill()
    process.communicate()
    assert list((home / "work").iterdir()) != []
    again = torneo("run", folder, "--json", home=home)  # while it was held, the same command ended with BUSY
    assert [step["name"] for step in again.report["steps"] if step["status"] == "unchanged"][:2] == [
        "ingest",
        "validate",
    ]
    assert again.report["digest"] == undisturbed.report["digest"]
    assert list((home / "work").iterdir()) == []
